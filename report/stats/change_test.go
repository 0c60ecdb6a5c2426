package stats_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cidbench/cidbench/report/stats"
)

// difference has the mean and the standard error of n values.
func difference(n int, estimate, se float64) stats.Difference {
	return stats.Difference{N: n, MeanDifference: stats.MeanDifference{Estimate: estimate, SE: se}, DF: float64(n - 1)}
}

func TestChange(t *testing.T) {
	c, err := stats.NewChange(difference(5, 1, 3), difference(5, 11, 4), 0.95)
	if err != nil {
		t.Fatal(err)
	}
	// (9+16)^2 / (81/4 + 256/4) = 7.418 degrees of freedom, t(0.975) = 2.3379.
	if c.Estimate != 10 || c.SE != 5 || math.Abs(c.Interval.High-(10+2.3379*5)) > 5e-3 || math.Abs(c.P-0.0836) > 5e-4 {
		t.Errorf("%+v", c)
	}
	back, err := stats.NewChange(difference(5, 11, 4), difference(5, 1, 3), 0.95)
	if err != nil || back.Estimate != -10 || back.P != c.P || back.Interval.Low != -c.Interval.High {
		t.Errorf("the other way: %+v, %v", back, err)
	}
	for name, tc := range map[string]struct {
		before, after stats.Difference
		p             float64
	}{
		"no spread, no change": {difference(3, 2, 0), difference(3, 2, 0), 1},
		"no spread, a change":  {difference(3, 2, 0), difference(3, 3, 0), 0},
	} {
		c, err := stats.NewChange(tc.before, tc.after, 0.95)
		if err != nil || c.P != tc.p || c.Interval.Low != c.Interval.High {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if _, err := stats.NewChange(difference(3, math.NaN(), 1), difference(3, 1, 1), 0.95); !errors.Is(err, stats.ErrNotFinite) {
		t.Errorf("NaN: %v", err)
	}
	if _, err := stats.NewChange(difference(3, 1, 1), difference(3, 1, 1), 1); !errors.Is(err, stats.ErrRange) {
		t.Errorf("level 1: %v", err)
	}
}

// Where nothing changed, p is below 5% about one time in twenty, for unequal sizes and spreads too.
func TestChangeKeepsItsLevel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	sample := func(n int, sd float64) stats.Difference {
		x, zero := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i] = sd * random.NormFloat64()
		}
		d, err := stats.PairedT(x, zero, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	const draws = 20_000
	for _, sizes := range [][2]int{{3, 3}, {3, 5}, {5, 5}, {5, 10}} {
		wrong := 0
		for range draws {
			c, err := stats.NewChange(sample(sizes[0], 1), sample(sizes[1], 3), 0.95)
			if err != nil {
				t.Fatal(err)
			}
			if c.P < 0.05 {
				wrong++
			}
		}
		if share := float64(wrong) / draws; share < 0.025 || share > 0.07 {
			t.Errorf("%v seeds: a change is seen in %.3f of the cases without one", sizes, share)
		}
	}
}

// The interval of a mean is that of Student's t: 2.92 standard errors of sqrt(1/3) on either side for three values.
func TestMeanInterval(t *testing.T) {
	got, err := stats.MeanInterval([]float64{1, 2, 3}, 0.9)
	if err != nil || math.Abs(got.Low-0.3141) > 1e-4 || math.Abs(got.High-3.6859) > 1e-4 || got.Level != 0.9 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := stats.MeanInterval([]float64{1}, 0.9); !errors.Is(err, stats.ErrTooFew) {
		t.Errorf("of one value: %v", err)
	}
}
