package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Ratio is a ratio of two means.
type Ratio struct {
	Estimate float64 // mean(a) / mean(b)
	Interval Interval
	skew     float64 // of student, for the residuals a - Estimate b
}

// RatioOfMeans estimates mean(a) / mean(b) from samples paired by index, with the interval of Fieller ("Some
// problems in interval estimation", JRSS B 1954): the ratios r for which a t test at 1 - level does not tell
// mean(a - r b) from 0. It needs two pairs. Where the t interval of mean(b) includes 0 that set has no bounds,
// and the error is ErrUnbounded.
func RatioOfMeans(a, b []float64, level float64) (Ratio, error) {
	return fieller(a, b, level, symmetric)
}

// fieller is RatioOfMeans by the distribution that residuals a - Estimate b of that skew have.
func fieller(a, b []float64, level float64, skew func(residuals []float64) float64) (Ratio, error) {
	if err := checkPairs(a, b, 2); err != nil {
		return Ratio{}, err
	}
	bottom, err := PairedT(b, make([]float64, len(b)), level)
	if err != nil {
		return Ratio{}, err
	}
	if low, high := bottom.Interval.Low, bottom.Interval.High; low <= 0 && high >= 0 {
		return Ratio{}, fmt.Errorf("%w: the denominator lies between %v and %v", ErrUnbounded, low, high)
	}
	estimate := stat.Mean(a, nil) / bottom.Estimate
	residual := make([]float64, len(a))
	for i := range a {
		residual[i] = a[i] - estimate*b[i]
	}
	ratio := Ratio{Estimate: estimate, Interval: Interval{Level: level}, skew: skew(residual)}
	// A ratio further down than R makes t positive where mean(b) is, one further up where it is not.
	tBelow, tAbove := student{bottom.DF, ratio.skew}.critical((1 - level) / 2)
	if bottom.Estimate > 0 {
		tBelow, tAbove = tAbove, tBelow
	}
	// With e the residuals, whose mean is 0, R + d is inside where (d B)^2 <= c (var e - 2 d cov(e,b) + d^2 var b), c = t^2 / n:
	// between the roots of a quadratic in d, one on each side of 0.
	roots := func(t float64) (below, above float64) {
		c := t * t / float64(len(a))
		square := bottom.Estimate*bottom.Estimate - c*stat.Variance(b, nil)
		if square < 0 { // as the check of the denominator, where t is larger
			return math.Inf(-1), math.Inf(1)
		}
		half, constant := -c*stat.Covariance(residual, b, nil), c*stat.Variance(residual, nil)
		// The root that is a difference of like numbers follows from the product of both, -constant / square.
		far := half + math.Copysign(math.Sqrt(half*half+square*constant), half)
		near := 0.0
		if far != 0 {
			near = -constant / far
		}
		far /= square
		return min(near, far), max(near, far)
	}
	below, _ := roots(tBelow)
	_, above := roots(tAbove)
	if math.IsInf(below, -1) || math.IsInf(above, 1) {
		return Ratio{}, fmt.Errorf("%w: the denominator is %v, with standard error %v", ErrUnbounded, bottom.Estimate, bottom.SE)
	}
	ratio.Interval.Low, ratio.Interval.High = estimate+below, estimate+above
	if err := finite(ratio.Estimate, ratio.Interval.Low, ratio.Interval.High); err != nil {
		return Ratio{}, err
	}
	return ratio, nil
}

// RatioResult is one claim about a ratio of means judged on its own. The interval is Fieller's at level 1-2*alpha, with the
// tails that a Result is judged by.
type RatioResult struct {
	Ratio
	Evidence
	Verdict Verdict
	Warning Warning // ZeroSpread if top - r * bottom has none for an r that was asked about, else empty
}

// RatioAbove judges "mean(top) / mean(bottom) exceeds the bound" from values paired by seed, by the paired test of
// top - bound * bottom, with the skewness of top - Estimate * bottom: supported if Fieller's lower one-sided 1-alpha
// bound of the ratio lies above it, refuted if the upper one lies below. Each decision is wrong with probability at most
// alpha, which must lie between 0 and 0.5.
//
// The claim presumes that mean(bottom) is above 0. Unless the data show that at alpha the ratio has no interval and
// the error is ErrUnbounded; where it is in truth not above 0, anything else comes with probability at most alpha.
func RatioAbove(top, bottom []float64, bound, alpha float64) (RatioResult, error) {
	if err := finite(bound); err != nil {
		return RatioResult{}, fmt.Errorf("%w: bound %v", ErrRange, bound)
	}
	return testRatio(top, bottom, bound, bound, alpha, func(low, high Difference) Evidence {
		return exceeds(low, 0)
	})
}

// RatioWithin judges "mean(top) / mean(bottom) lies between -margin and +margin" likewise, with the rules of Within:
// supported if the 1-2*alpha interval of the ratio lies inside, refuted if one side is passed at alpha/2.
func RatioWithin(top, bottom []float64, margin, alpha float64) (RatioResult, error) {
	if err := checkOpen("margin", margin, math.Inf(1)); err != nil {
		return RatioResult{}, err
	}
	return testRatio(top, bottom, -margin, margin, alpha, func(low, high Difference) Evidence {
		return within(low.PAbove(0), low.PBelow(0), high.PAbove(0), high.PBelow(0))
	})
}

// testRatio weighs top - low * bottom and top - high * bottom.
func testRatio(top, bottom []float64, low, high, alpha float64, weigh func(low, high Difference) Evidence) (RatioResult, error) {
	if err := checkOpen("alpha", alpha, 0.5); err != nil {
		return RatioResult{}, err
	}
	ratio, err := fieller(top, bottom, 1-2*alpha, skewOf)
	if err != nil {
		return RatioResult{}, err
	}
	if mean := stat.Mean(bottom, nil); mean < 0 {
		return RatioResult{}, fmt.Errorf("%w: the denominator is %v, below 0", ErrUnbounded, mean)
	}
	var excess [2]Difference
	result := RatioResult{Ratio: ratio}
	for i, r := range []float64{low, high} {
		scaled := make([]float64, len(bottom))
		for j, v := range bottom {
			scaled[j] = r * v
		}
		if excess[i], err = paired(top, scaled, 1-2*alpha, func([]float64) float64 { return ratio.skew }); err != nil {
			return RatioResult{}, err
		}
		if excess[i].Warning != "" {
			result.Warning = excess[i].Warning
		}
	}
	result.Evidence = weigh(excess[0], excess[1])
	result.Verdict = result.Judge(alpha)
	return result, nil
}
