package stats

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Warning qualifies a number that was computed but should not be shown alone.
type Warning string

// ZeroSpread says that all differences were equal up to the rounding of their operands. The data then give no
// estimate of seed noise: the interval collapses to the estimate and p values are 0 or 1. A verdict follows, but it
// rests on the estimate alone, and the usual cause is one run counted twice or a metric too coarse for the effect.
const ZeroSpread Warning = "zero spread"

// MeanDifference is a mean difference with its interval.
type MeanDifference struct {
	Estimate float64 `json:"estimate"`
	SE       float64 `json:"se"` // standard error, s / sqrt(N)
	Interval
}

// Difference is a mean difference together with its distribution: (Estimate - truth) / SE is Student's t, with DF degrees
// of freedom, if differences are independent and normal.
type Difference struct {
	N int // pairs
	MeanDifference
	DF      float64 // N - 1
	Warning Warning // empty or ZeroSpread
	skew    float64 // of student
}

// PairedT estimates mean(a - b) from samples paired by index, with the two-sided interval Estimate -+
// t((1+level)/2, n-1) * s/sqrt(n) ("Student", The probable error of a mean, Biometrika 1908). It needs two pairs;
// with two the interval is valid and very wide.
func PairedT(a, b []float64, level float64) (Difference, error) {
	return paired(a, b, level, symmetric)
}

// paired is PairedT by the distribution that differences of that skew have.
func paired(a, b []float64, level float64, skew func(differences []float64) float64) (Difference, error) {
	if err := errors.Join(checkPairs(a, b, 2), checkOpen("level", level, 1)); err != nil {
		return Difference{}, err
	}
	d := make([]float64, len(a))
	scale := 0.0
	for i := range a {
		d[i] = a[i] - b[i]
		scale = max(scale, math.Abs(a[i]), math.Abs(b[i]))
	}
	mean, sd := stat.MeanStdDev(d, nil)
	if err := finite(mean, sd); err != nil {
		return Difference{}, err
	}
	n := float64(len(d))
	diff := Difference{N: len(d), MeanDifference: MeanDifference{Estimate: mean, SE: sd / math.Sqrt(n)}, DF: n - 1, skew: skew(d)}
	// 0.3-0.2 and 0.2-0.1 differ in the last bit: such a spread is rounding, and
	// dividing by it would turn rounding into certainty.
	const ulps = 4 * 0x1p-52
	if sd <= ulps*scale {
		diff.SE, diff.Warning = 0, ZeroSpread
	}
	low, high := diff.student().critical((1 - level) / 2)
	diff.Interval = Interval{mean - high*diff.SE, mean - low*diff.SE, level}
	return diff, nil
}

// PAbove is the one-sided p value of the hypothesis "difference <= m": small when
// the data show the difference to lie above m.
func (d Difference) PAbove(m float64) float64 { return d.tail(d.Estimate-m, d.student().above) }

// PBelow is the one-sided p value of the hypothesis "difference >= m": small when
// the data show the difference to lie below m.
func (d Difference) PBelow(m float64) float64 {
	return d.tail(m-d.Estimate, func(t float64) float64 { return d.student().below(-t) })
}

func (d Difference) tail(excess float64, p func(t float64) float64) float64 {
	switch {
	case d.SE > 0:
		return p(excess / d.SE)
	case excess > 0:
		return 0
	}
	return 1
}

func (d Difference) student() student { return student{d.DF, d.skew} }

// Change is how much an estimate moved between two independent samples.
type Change struct {
	MeanDifference // after - before
	// P is the two-sided p value of "it did not move".
	P float64 `json:"p"`
}

// NewChange compares two independent estimates: the difference has the sum of their variances, and as many
// degrees of freedom as Welch (The generalization of "Student's" problem, Biometrika 1947) and
// Satterthwaite give it. Estimates that share runs vary together, and the interval is then too wide, so that a
// change is shown less easily, not more.
func NewChange(before, after Difference, level float64) (Change, error) {
	if err := checkOpen("level", level, 1); err != nil {
		return Change{}, err
	}
	d := Difference{MeanDifference: MeanDifference{Estimate: after.Estimate - before.Estimate, SE: math.Hypot(before.SE, after.SE)}}
	if err := finite(d.Estimate, d.SE); err != nil {
		return Change{}, err
	}
	half := 0.0
	if d.SE > 0 {
		d.DF = math.Pow(d.SE, 4) / (math.Pow(before.SE, 4)/before.DF + math.Pow(after.SE, 4)/after.DF)
		half = d.student().t().Quantile((1+level)/2) * d.SE
	}
	d.Interval = Interval{d.Estimate - half, d.Estimate + half, level}
	return Change{d.MeanDifference, min(1, 2*min(d.PAbove(0), d.PBelow(0)))}, nil
}

// Prediction is the interval in which one more value like these, of two or more, lies with probability level if they
// are independent and normal: mean +- t * sd * sqrt(1 + 1/n).
func Prediction(x []float64, level float64) (Interval, error) {
	if err := errors.Join(checkSample(x, 2), checkOpen("level", level, 1)); err != nil {
		return Interval{}, err
	}
	mean, sd := stat.MeanStdDev(x, nil)
	half := predicted(sd, len(x), level)
	return Interval{mean - half, mean + half, level}, finite(mean, half)
}

// predicted is the half width of such an interval, of n values of deviation sd.
func predicted(sd float64, n int, level float64) float64 {
	return criticalT(n, (1-level)/2) * sd * math.Sqrt(1+1/float64(n))
}

// MeanInterval is the interval that covers the mean of what values like these, of two or more, are drawn from, if they
// are independent and normal: mean +- t * sd / sqrt(n).
func MeanInterval(x []float64, level float64) (Interval, error) {
	d, err := PairedT(x, make([]float64, len(x)), level)
	return d.Interval, err
}
