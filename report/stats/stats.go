// Package stats holds the statistics behind a verdict: mean differences paired
// by seed, whether they exceed a bound or lie within a margin, the adjustment over
// the claims of one report, looking more than once, and the number of seeds to plan.
//
// Quantities keep the unit of what goes in (percentage points of accuracy, as a rule) and larger is always better.
// A p value is the probability, were its null hypothesis true, of evidence at least as strong. A method that cannot
// answer returns an error, never a NaN. What a claim says, which runs it needs and how it is printed belong to
// other packages.
package stats

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Reasons for which a statistic does not exist; test them with errors.Is.
var (
	ErrTooFew    = errors.New("too few observations")
	ErrUnpaired  = errors.New("samples differ in length")
	ErrNotFinite = errors.New("value is not finite")
	ErrRange     = errors.New("argument out of range")
	ErrUnbounded = errors.New("no bounded interval exists")
)

// Interval is a two-sided interval [Low, High] that covers the true value with probability Level.
type Interval struct {
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Level float64 `json:"level"`
}

// Mean is the arithmetic mean of one value or more.
func Mean(x []float64) (float64, error) {
	return summary(x, 1, stat.Mean)
}

// StdDev is the sample standard deviation, sqrt(sum (x-mean)^2 / (n-1)), of two values or more.
func StdDev(x []float64) (float64, error) {
	return summary(x, 2, stat.StdDev)
}

func summary(x []float64, least int, of func(x, weights []float64) float64) (float64, error) {
	if err := checkSample(x, least); err != nil {
		return 0, err
	}
	v := of(x, nil)
	if err := finite(v); err != nil {
		return 0, err
	}
	return v, nil
}

func checkSample(x []float64, least int) error {
	if len(x) < least {
		return fmt.Errorf("%w: %d, at least %d needed", ErrTooFew, len(x), least)
	}
	for i, v := range x {
		if err := finite(v); err != nil {
			return fmt.Errorf("observation %d: %w", i, err)
		}
	}
	return nil
}

func checkPairs(a, b []float64, least int) error {
	if len(a) != len(b) {
		return fmt.Errorf("%w: %d and %d, pair them by seed first", ErrUnpaired, len(a), len(b))
	}
	return errors.Join(checkSample(a, least), checkSample(b, least))
}

// finite catches sums of finite values that overflow as well as bad input.
func finite(values ...float64) error {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: %v", ErrNotFinite, v)
		}
	}
	return nil
}

// checkOpen refuses v outside the open interval (low, high), NaN included.
func checkOpen(name string, v, low, high float64) error {
	if !(low < v && v < high) {
		return fmt.Errorf("%w: %s %v, must lie between %v and %v", ErrRange, name, v, low, high)
	}
	return nil
}
