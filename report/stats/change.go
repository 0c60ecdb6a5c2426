package stats

import "math"

// Change is how much an estimate moved between two independent samples.
type Change struct {
	Estimate float64 `json:"estimate"` // after - before
	SE       float64 `json:"se"`
	Interval
	// P is the two-sided p value of "it did not move".
	P float64 `json:"p"`
}

// NewChange compares two independent estimates: the difference has the sum of their variances, and as many
// degrees of freedom as Welch (The generalization of "Student's" problem, Biometrika 1947) and
// Satterthwaite give it. Estimates that share runs vary together, and the interval is then too wide, so that a
// change is shown less easily, not more.
func NewChange(before, after Difference, level float64) (Change, error) {
	if err := checkOpen("level", level, 0, 1); err != nil {
		return Change{}, err
	}
	d := Difference{Estimate: after.Estimate - before.Estimate, SE: math.Hypot(before.SE, after.SE)}
	for _, v := range []float64{d.Estimate, d.SE} {
		if _, err := finite(v); err != nil {
			return Change{}, err
		}
	}
	half := 0.0
	if d.SE > 0 {
		d.DF = math.Pow(d.SE, 4) / (part(before) + part(after))
		half = d.t().Quantile((1+level)/2) * d.SE
	}
	return Change{
		Estimate: d.Estimate, SE: d.SE, Interval: Interval{d.Estimate - half, d.Estimate + half, level},
		P: min(1, 2*min(d.PAbove(0), d.PBelow(0))),
	}, nil
}

// part is a sample's share in the denominator of the degrees of freedom.
func part(d Difference) float64 {
	if d.SE == 0 {
		return 0
	}
	return math.Pow(d.SE, 4) / d.DF
}
