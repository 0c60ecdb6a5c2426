package report

import (
	"fmt"
	"strings"
)

// How numbers are spelled, in every format but JSON and CSV. The minus is ASCII: it can be copied.

// absent stands for a number that does not exist.
const absent = "-"

func signed(points float64) string { return unsignZero(fmt.Sprintf("%+.2f", points)) }

func plain(points float64) string { return unsignZero(fmt.Sprintf("%.2f", points)) }

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

func interval(d *Difference) string {
	return fmt.Sprintf("%.0f%% interval %s to %s", 100*Level, signed(d.Low), signed(d.High))
}

// bandName is a stretch of the queue, in percent from the hardest.
func bandName(b Band) string { return fmt.Sprintf("%.4g-%.4g%%", 100*b.From, 100*b.To) }

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
