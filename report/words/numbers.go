// Package words spells what a report says: numbers, names and sentences, in every format but JSON and CSV. The minus
// is ASCII: it can be copied.
package words

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Absent stands for a number that does not exist.
const Absent = "-"

// Maybe spells what may not exist.
func Maybe[T any](x *T, spell func(T) string) string {
	if x == nil {
		return Absent
	}
	return spell(*x)
}

// Signed spells a difference in points.
func Signed(points float64) string { return UnsignZero(fmt.Sprintf("%+.2f", points)) }

// Plain spells points.
func Plain(points float64) string { return UnsignZero(fmt.Sprintf("%.2f", points)) }

// Fine spells statistics, whose differences show in the third digit: to four digits, and no more decimals.
func Fine(x float64) string { return UnsignZero(strconv.FormatFloat(x, 'f', decimals(x), 64)) }

func fineSigned(x float64) string { return UnsignZero(fmt.Sprintf("%+.*f", decimals(x), x)) }

func decimals(x float64) int {
	n := 4
	for limit := 1.0; n > 0 && math.Abs(x) >= limit; limit *= 10 {
		n--
	}
	return n
}

// FineOrAbsent is Fine of a number that may not exist.
func FineOrAbsent(v *float64) string { return Maybe(v, Fine) }

// Fraction spells a fraction of the queue.
func Fraction(f float64) string { return fmt.Sprintf("%.3g%%", 100*f) }

// Percent spells a share.
func Percent(share float64) string { return UnsignZero(fmt.Sprintf("%.2f%%", 100*share)) }

// Null spells what chance gives: a round number.
func Null(v *float64) string { return Maybe(v, Round) }

// Round spells a round number, without the last bits of a multiple of a step.
func Round(v float64) string { return fmt.Sprintf("%g", math.Round(v*1e6)/1e6) }

// PlainOrAbsent is Plain of a number that may not exist.
func PlainOrAbsent(points *float64) string { return Maybe(points, Plain) }

// UnsignZero drops the sign of what rounds to zero.
func UnsignZero(s string) string {
	if strings.Trim(s, "+-0.") == "" {
		return strings.TrimLeft(s, "+-")
	}
	return s
}

// Probability spells a p value.
func Probability(p float64) string {
	if p < 0.0001 {
		return "<0.0001"
	}
	return fmt.Sprintf("%.4f", p)
}

// Confidence spells the level of an interval or a test.
func Confidence(level float64) string { return fmt.Sprintf("%.4g%%", 100*level) }

// Band is a stretch of the queue, in percent from the hardest.
func Band(from, to float64) string { return fmt.Sprintf("%.4g-%.4g%%", 100*from, 100*to) }

// Count is "1 seed" or "3 seeds".
func Count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// OneLine makes text from elsewhere safe to print: no line breaks, no control characters.
func OneLine(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	return strings.Join(strings.Fields(clean), " ")
}

// OrNone says where there is nothing to name.
func OrNone(value string) string {
	if value == "" {
		return "none"
	}
	return value
}

// Processor names one that may not be known.
func Processor(s string) string {
	if s == "" {
		return "unknown processor"
	}
	return s
}
