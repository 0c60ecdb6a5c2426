// Package stats holds the statistics behind a verdict: mean differences and ratios of means paired by seed, whether
// they exceed a bound or lie within a margin, trends over doses, statistics that compare seeds with each other, the
// levels at which looking more than once keeps an error rate, and the number of seeds to plan.
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

// checkOpen refuses v outside the open interval (0, high), NaN included.
func checkOpen(name string, v, high float64) error {
	if !(0 < v && v < high) {
		return fmt.Errorf("%w: %s %v, must lie between 0 and %v", ErrRange, name, v, high)
	}
	return nil
}

// Verdict is what the data say about a claim. An insignificant difference is never support: it is Inconclusive.
type Verdict string

// The three verdicts; there is no bare pass.
const (
	Supported    Verdict = "supported"
	Refuted      Verdict = "refuted"
	Inconclusive Verdict = "inconclusive"
)

// Evidence holds two p values: Support is small when the data show the claim
// true, Refute when they show it false. Both may be large, never both small.
type Evidence struct {
	Support float64 `json:"support"`
	Refute  float64 `json:"refute"`
}

// Judge decides at level alpha. The comparison is strict, so that for a one-sided
// relation it agrees with the bounds of the 1-2*alpha interval.
func (e Evidence) Judge(alpha float64) Verdict {
	support, refute := e.Support < alpha, e.Refute < alpha
	switch {
	case support && !refute:
		return Supported
	case refute && !support:
		return Refuted
	}
	return Inconclusive
}

// Result is one claim judged on its own, by Student's t and by that corrected for skewness, whichever says less. The
// interval has level 1-2*alpha: its ends are the two one-sided 1-alpha bounds, each the farther one of the two.
type Result struct {
	Difference
	Evidence
	Verdict Verdict
}

// Above judges "the true mean of a - b exceeds the bound" from samples paired by seed,
// each decision wrong with probability at most alpha, which must lie between 0 and 0.5:
// supported if the lower one-sided 1-alpha bound of a - b lies above it, refuted if the
// upper one lies below. With a bound of -margin it says that a is not inferior to b.
func Above(a, b []float64, bound, alpha float64) (Result, error) {
	if err := finite(bound); err != nil {
		return Result{}, fmt.Errorf("%w: bound %v", ErrRange, bound)
	}
	return test(a, b, alpha, func(d Difference) Evidence { return exceeds(d, bound) })
}

// Within judges "the true mean of a - b lies between -margin and +margin" likewise. It is supported if two
// one-sided tests (TOST, Schuirmann 1987) put the difference above -margin and below +margin, that is, if the
// 1-2*alpha interval lies inside; Support is the larger p value. It is refuted if one side is passed at alpha/2,
// that is, if the 1-alpha interval lies wholly outside; Refute is twice the smaller p value. Halving is needed
// because a noisy difference may fall off either side: asking only that the 1-2*alpha interval lies outside would
// be wrong up to 2*alpha of the time.
func Within(a, b []float64, margin, alpha float64) (Result, error) {
	if err := checkOpen("margin", margin, math.Inf(1)); err != nil {
		return Result{}, err
	}
	return test(a, b, alpha, func(d Difference) Evidence {
		return within(d.PAbove(-margin), d.PBelow(-margin), d.PAbove(margin), d.PBelow(margin))
	})
}

func test(a, b []float64, alpha float64, weigh func(Difference) Evidence) (Result, error) {
	if err := checkOpen("alpha", alpha, 0.5); err != nil {
		return Result{}, err
	}
	d, err := paired(a, b, 1-2*alpha, skewOf)
	if err != nil {
		return Result{}, err
	}
	e := weigh(d)
	return Result{Difference: d, Evidence: e, Verdict: e.Judge(alpha)}, nil
}

// exceeds weighs "difference > bound".
func exceeds(d Difference, bound float64) Evidence {
	return Evidence{Support: d.PAbove(bound), Refute: d.PBelow(bound)}
}

// within weighs "between two ends" by the p values of lying above and below the low and the high one.
func within(aboveLow, belowLow, aboveHigh, belowHigh float64) Evidence {
	return Evidence{Support: max(aboveLow, belowHigh), Refute: min(1, 2*min(aboveHigh, belowLow))}
}
