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
}

// RatioOfMeans estimates mean(a) / mean(b) from samples paired by index, with the interval of Fieller ("Some
// problems in interval estimation", JRSS B 1954): the ratios r for which a t test at 1 - level does not tell
// mean(a - r b) from 0. It needs two pairs. Where the t interval of mean(b) includes 0 that set has no bounds,
// and the error is ErrUnbounded.
func RatioOfMeans(a, b []float64, level float64) (Ratio, error) {
	if err := checkPairs(a, b, 2); err != nil {
		return Ratio{}, err
	}
	scale := 0.0
	for _, v := range b {
		scale = max(scale, math.Abs(v))
	}
	bottom, err := newDifference(b, scale, level)
	if err != nil {
		return Ratio{}, err
	}
	if low, high := bottom.Interval.Low, bottom.Interval.High; low <= 0 && high >= 0 {
		return Ratio{}, fmt.Errorf("%w: the denominator lies between %v and %v", ErrUnbounded, low, high)
	}
	// r is inside where (A - r B)^2 <= c (var A - 2 r cov + r^2 var B), c = t^2 / n: between the roots of a
	// quadratic whose leading coefficient is positive.
	t := bottom.t().Quantile((1 + level) / 2)
	top, c := stat.Mean(a, nil), t*t/float64(len(a))
	square := bottom.Estimate*bottom.Estimate - c*stat.Variance(b, nil)
	half := top*bottom.Estimate - c*stat.Covariance(a, b, nil)
	constant := top*top - c*stat.Variance(a, nil)
	root := math.Sqrt(max(0, half*half-square*constant))
	ratio := Ratio{top / bottom.Estimate, Interval{(half - root) / square, (half + root) / square, level}}
	for _, v := range []float64{ratio.Estimate, ratio.Interval.Low, ratio.Interval.High} {
		if _, err := finite(v); err != nil {
			return Ratio{}, err
		}
	}
	return ratio, nil
}
