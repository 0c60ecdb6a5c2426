package words

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// round drops the last bits of a multiple of a step, which would be printed.
func round(v float64) float64 { return math.Round(v*1e6) / 1e6 }

func Fraction(f float64) string { return fmt.Sprintf("%.3g%%", 100*f) }

// Absent stands for a number that does not exist.
const Absent = "-"

func Signed(points float64) string { return UnsignZero(fmt.Sprintf("%+.2f", points)) }

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

func FineOrAbsent(v *float64) string {
	if v == nil {
		return Absent
	}
	return Fine(*v)
}

// Percent spells a share.
func Percent(share float64) string { return UnsignZero(fmt.Sprintf("%.2f%%", 100*share)) }

// Null spells what chance gives: a round number.
func Null(v *float64) string {
	if v == nil {
		return Absent
	}
	return Round(*v)
}

// Round spells a round number.
func Round(v float64) string { return fmt.Sprintf("%g", round(v)) }

func PlainOrAbsent(points *float64) string {
	if points == nil {
		return Absent
	}
	return Plain(*points)
}

// UnsignZero drops the sign of what rounds to zero.
func UnsignZero(s string) string {
	if strings.Trim(s, "+-0.") == "" {
		return strings.TrimLeft(s, "+-")
	}
	return s
}

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

func Count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
