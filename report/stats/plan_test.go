package stats

import (
	"errors"
	"math"
	"testing"
)

func TestHalfWidth(t *testing.T) {
	for _, tc := range []struct {
		n    int
		want float64
	}{{3, 1.69}, {5, 0.95}, {10, 0.58}} {
		if got, err := HalfWidth(tc.n, 1, 0.05); err != nil || !near(got, tc.want, 5e-3) {
			t.Errorf("%d seeds: %v, %v, want %v", tc.n, got, err, tc.want)
		}
	}
}

// Two degrees of freedom are an exponential: its quantile at q is -2 ln(1-q). The other values are sd*sqrt(df/q)
// with the 20% and 5% points of any printed chi-squared table.
func TestStdDevBound(t *testing.T) {
	for _, tc := range []struct {
		n                    int
		sd, confidence, want float64
	}{
		{3, 1, 0.8, math.Sqrt(2 / (-2 * math.Log(0.8)))}, {3, 2, 0.8, 2 * 2.1169}, {5, 1, 0.8, math.Sqrt(4 / 1.649)}, {11, 1, 0.95, math.Sqrt(10 / 3.940)},
	} {
		if got, err := StdDevBound(tc.n, tc.sd, tc.confidence); err != nil || !near(got, tc.want, 2e-4) {
			t.Errorf("%d observations at %v: %v, %v, want %v", tc.n, tc.confidence, got, err, tc.want)
		}
	}
	for name, tc := range map[string]struct {
		n              int
		sd, confidence float64
		want           error
	}{"one observation": {1, 1, 0.8, ErrTooFew}, "no spread": {3, 0, 0.8, ErrRange}, "certainty": {3, 1, 1, ErrRange}} {
		if got, err := StdDevBound(tc.n, tc.sd, tc.confidence); !errors.Is(err, tc.want) || got != 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// Sample sizes of G*Power 3 for matched pairs at effect 0.5, two-sided tests given
// by half their level; the power of the other tail is below 1e-6 there.
func TestSampleSizeMatchesPublishedTables(t *testing.T) {
	for _, tc := range []struct {
		alpha, power float64
		want         int
	}{{0.05, 0.80, 27}, {0.05, 0.95, 45}, {0.025, 0.80, 34}, {0.025, 0.95, 54}} {
		if got, err := SampleSize(2, 1, tc.alpha, tc.power); err != nil || got != tc.want {
			t.Errorf("alpha %v, power %v: %d, %v, want %d", tc.alpha, tc.power, got, err, tc.want)
		}
	}
}

func TestPower(t *testing.T) {
	for _, tc := range []struct {
		n                             int
		effect, alpha, want, accuracy float64
	}{
		{45, 0.5, 0.05, 0.9512, 1e-4},    // G*Power 3
		{34, 0.5, 0.025, 0.8078, 1e-4},   // G*Power 3
		{25, 1. / 3, 0.025, 0.360, 1e-3}, // G*Power 3, two-sided
		{3, 1e-9, 0.05, 0.05, 1e-6},      // no distance: the level itself
		{2, 1e-9, 0.01, 0.01, 1e-6},
	} {
		if got, err := Power(tc.n, 1, tc.effect, tc.alpha); err != nil || !near(got, tc.want, tc.accuracy) {
			t.Errorf("n %d, effect %v, alpha %v: %v, %v, want %v", tc.n, tc.effect, tc.alpha, got, err, tc.want)
		}
	}
	last := 0.0
	for n := 2; n < 40; n++ {
		got, err := Power(n, 1, 0.5, 0.05)
		if err != nil || got <= last {
			t.Errorf("power does not grow at n %d: %v after %v, %v", n, got, last, err)
		}
		last = got
	}
}

func TestSampleSizeIsSmallest(t *testing.T) {
	n, err := SampleSize(0.3, 0.5, 0.05, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	enough, _ := Power(n, 0.3, 0.5, 0.05)
	fewer, _ := Power(n-1, 0.3, 0.5, 0.05)
	if enough < 0.9 || fewer >= 0.9 {
		t.Errorf("%d seeds: power %v, one fewer %v", n, enough, fewer)
	}
	if n, err := SampleSize(1e-6, 1, 0.05, 0.9); n != 2 || err != nil {
		t.Errorf("almost no spread: %d, %v, want 2", n, err)
	}
}

func TestPlanRefusesBadArguments(t *testing.T) {
	for name, tc := range map[string]struct{ sd, distance, alpha, power float64 }{
		"no spread":           {0, 1, 0.05, 0.8},
		"spread not a number": {nan, 1, 0.05, 0.8},
		"no distance":         {1, 0, 0.05, 0.8},
		"infinite distance":   {1, inf, 0.05, 0.8},
		"alpha":               {1, 1, 0.6, 0.8},
		"power one":           {1, 1, 0.05, 1},
		"out of reach":        {1000, 1, 0.05, 0.8},
		"just out of reach":   {100, 2.4865, 0.05, 0.8},
		"far out of reach":    {1e300, 1e-300, 0.05, 0.8},
	} {
		if n, err := SampleSize(tc.sd, tc.distance, tc.alpha, tc.power); !errors.Is(err, ErrRange) || n != 0 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if _, err := Power(1, 1, 1, 0.05); !errors.Is(err, ErrTooFew) {
		t.Errorf("power of one seed: %v", err)
	}
	if _, err := HalfWidth(1, 1, 0.05); !errors.Is(err, ErrTooFew) {
		t.Errorf("half-width of one seed: %v", err)
	}
}
