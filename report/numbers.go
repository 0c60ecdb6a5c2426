package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// How numbers are spelled, in every format but JSON and CSV. The minus is ASCII: it can be copied.

// absent stands for a number that does not exist.
const absent = "-"

func signed(points float64) string { return unsignZero(fmt.Sprintf("%+.2f", points)) }

func plain(points float64) string { return unsignZero(fmt.Sprintf("%.2f", points)) }

// fine spells statistics, whose differences show in the third digit: to four digits, and no more decimals.
func fine(x float64) string { return unsignZero(strconv.FormatFloat(x, 'f', decimals(x), 64)) }

func fineSigned(x float64) string { return unsignZero(fmt.Sprintf("%+.*f", decimals(x), x)) }

func decimals(x float64) int {
	n := 4
	for limit := 1.0; n > 0 && math.Abs(x) >= limit; limit *= 10 {
		n--
	}
	return n
}

// difference spells one of a contrast, in points, or of an observation, in its unit.
func difference(x Contrast, v float64) string {
	if x.Statistic != "" {
		return fineSigned(v)
	}
	return signed(v)
}

// amount spells what the two sides of a contrast or an observation are.
func amount(x Contrast, v *float64) string {
	switch {
	case v == nil:
		return absent
	case x.Statistic != "":
		return fine(*v)
	}
	return plain(*v)
}

// chance spells what a statistic is compared with, if that is chance.
func chance(x Contrast) string {
	if !x.HasNull {
		return absent
	}
	return null(x.MeanB)
}

func fineOrAbsent(v *float64) string {
	if v == nil {
		return absent
	}
	return fine(*v)
}

// percent spells a share.
func percent(share float64) string { return unsignZero(fmt.Sprintf("%.2f%%", 100*share)) }

// null spells what chance gives: a round number.
func null(v *float64) string {
	if v == nil {
		return absent
	}
	return axisLabel(*v)
}

// axisLabel spells a round number.
func axisLabel(v float64) string { return fmt.Sprintf("%g", round(v)) }

func maybe(points *float64) string {
	if points == nil {
		return absent
	}
	return plain(*points)
}

// unsignZero drops the sign of what rounds to zero.
func unsignZero(s string) string {
	if strings.Trim(s, "+-0.") == "" {
		return strings.TrimLeft(s, "+-")
	}
	return s
}

func probability(p float64) string {
	if p < 0.0001 {
		return "<0.0001"
	}
	return fmt.Sprintf("%.4f", p)
}

// confidence spells the level of an interval or a test.
func confidence(level float64) string { return fmt.Sprintf("%.4g%%", 100*level) }

func interval(x Contrast) string {
	return fmt.Sprintf("%s interval %s to %s", confidence(x.Difference.Level), difference(x, x.Difference.Low), difference(x, x.Difference.High))
}

// bandName is a stretch of the queue, in percent from the hardest.
func bandName(from, to float64) string { return fmt.Sprintf("%.4g-%.4g%%", 100*from, 100*to) }

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
