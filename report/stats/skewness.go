package stats

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// student is how (estimate - truth) / SE is taken to be distributed, for a mean of few values. Of skewed values one tail
// is heavier than Student's: of exponential ones, looked at with 5, 8 and 12, 10.8% where 2.5% are meant. Hall's
// transformation (On the removal of skewness by transformation, JRSS B 1992) takes that back as far as so few values show
// their skewness. Two p values are made, Student's own and that of t transformed, and the larger counts. That leaves 5.9%,
// where half the level leaves 8.1% (TestLooksKeepTheirAlpha), and makes no verdict that Student's t would not make.
type student struct {
	df   float64 // degrees of freedom
	skew float64 // skewness of the values over the root of their number
}

// skewOf is the skewness of values, third moment over the 3/2th power of the second, over the root of their number; 0 if all
// are the same. Adjusted for the number of values it would be larger, and cost five seeds a quarter of their power.
func skewOf(values []float64) float64 {
	skew := stat.Moment(3, values, nil) / math.Pow(stat.Moment(2, values, nil), 1.5) / math.Sqrt(float64(len(values)))
	if finite(skew) != nil {
		return 0
	}
	return skew
}

// symmetric values have no skew.
func symmetric([]float64) float64 { return 0 }

func (s student) t() distuv.StudentsT { return distuv.StudentsT{Sigma: 1, Nu: s.df} }

// transformed rises with t: its derivative is a square.
func (s student) transformed(t float64) float64 {
	return t + s.skew*(t*t/3+1.0/6) + s.skew*s.skew*t*t*t/27
}

// original is the t whose transformation is given.
func (s student) original(transformed float64) float64 {
	if math.Abs(s.skew) < 1e-9 {
		return transformed
	}
	return 3 / s.skew * (math.Cbrt(1+s.skew*(transformed-s.skew/6)) - 1)
}

// above is the p value of a t so large.
func (s student) above(t float64) float64 { return s.t().Survival(min(t, s.transformed(t))) }

// below is the p value of a t so small.
func (s student) below(t float64) float64 { return s.t().CDF(max(t, s.transformed(t))) }

// critical are the t below 0 and above it at which a p value is alpha, below 0.5.
func (s student) critical(alpha float64) (low, high float64) {
	t := s.t().Quantile(1 - alpha)
	return min(-t, s.original(-t)), max(t, s.original(t))
}
