package stats

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// student is how (estimate - truth) / SE is taken to be distributed, for a mean of few values. Of skewed values one tail
// is heavier than Student's: of exponential ones, looked at with 5, 8 and 12, 10.8% where 2.5% are meant. There a quantile
// t is put further out, at t + skew (t^2/3 + 1/6), the expansion of Cornish and Fisher (N. J. Johnson, Modified t tests
// and confidence intervals for asymmetrical populations, JASA 1978); the light tail stays Student's. That leaves 6.3%,
// where half the level leaves 8.1% (TestLooksKeepTheirAlpha), and makes no verdict that Student's t would not make.
type student struct {
	df   float64 // degrees of freedom
	skew float64 // skewness of the values over the root of their number
}

// skewOf is the skewness of values, third moment over the 3/2th power of the second, and half as much again, since few
// values show less of it than there is (12 exponential ones half), over the root of their number; 0 if all are the same.
func skewOf(values []float64) float64 {
	skew := 1.5 * stat.Moment(3, values, nil) / math.Pow(stat.Moment(2, values, nil), 1.5) / math.Sqrt(float64(len(values)))
	if finite(skew) != nil {
		return 0
	}
	return skew
}

// symmetric values have no skew.
func symmetric([]float64) float64 { return 0 }

func (s student) t() distuv.StudentsT { return distuv.StudentsT{Sigma: 1, Nu: s.df} }

// critical are the t below 0 and above it at which a p value is alpha, below 0.5.
func (s student) critical(alpha float64) (low, high float64) {
	t := s.t().Quantile(1 - alpha)
	out := t*t/3 + 1.0/6
	return -t - max(0, s.skew)*out, t + max(0, -s.skew)*out
}

// above is the p value of a t so large.
func (s student) above(t float64) float64 { return s.t().Survival(inward(t, max(0, -s.skew))) }

// below is the p value of a t so small.
func (s student) below(t float64) float64 { return s.t().Survival(inward(-t, max(0, s.skew))) }

// inward is the quantile that is put out to t.
func inward(t, skew float64) float64 {
	t -= skew / 6
	return 2 * t / (1 + math.Sqrt(1+max(0, 4*skew*t/3)))
}
