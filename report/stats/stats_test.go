package stats

import (
	"errors"
	"math"
	"testing"
)

// near reports whether got rounds to a value published with the given precision.
func near(got, want, precision float64) bool { return math.Abs(got-want) <= precision }

var (
	nan, inf = math.NaN(), math.Inf(1)

	// The sleep data of "Student" (1908): hours gained by ten patients.
	drug1 = []float64{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0}
	drug2 = []float64{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4}
)

func TestMeanAndStdDev(t *testing.T) {
	// The five published MoCo v2 runs, reported as 67.5 +- 0.1.
	runs := []float64{67.7, 67.6, 67.4, 67.6, 67.3}
	if m, err := Mean(runs); err != nil || !near(m, 67.52, 1e-9) {
		t.Errorf("Mean = %v, %v", m, err)
	}
	if s, err := StdDev(runs); err != nil || !near(s, math.Sqrt(0.108/4), 1e-9) {
		t.Errorf("StdDev = %v, %v", s, err)
	}
	for name, tc := range map[string]struct {
		f    func([]float64) (float64, error)
		x    []float64
		want error
	}{
		"mean of nothing":         {Mean, nil, ErrTooFew},
		"deviation of one":        {StdDev, []float64{1}, ErrTooFew},
		"NaN":                     {Mean, []float64{1, nan}, ErrNotFinite},
		"infinity":                {StdDev, []float64{1, inf}, ErrNotFinite},
		"mean that overflows":     {Mean, []float64{math.MaxFloat64, math.MaxFloat64}, ErrNotFinite},
		"variance that overflows": {StdDev, []float64{-1e200, 1e200}, ErrNotFinite},
	} {
		if v, err := tc.f(tc.x); !errors.Is(err, tc.want) || v != 0 {
			t.Errorf("%s: %v, %v, want %v", name, v, err, tc.want)
		}
	}
}

// One-sided 95% and 99% and two-sided 95% points of any printed t table.
func TestCriticalTMatchesTables(t *testing.T) {
	for _, tc := range []struct {
		n           int
		alpha, want float64
	}{
		{2, 0.05, 6.314}, {3, 0.05, 2.920}, {4, 0.05, 2.353}, {5, 0.05, 2.132}, {10, 0.05, 1.833}, {31, 0.05, 1.697},
		{3, 0.025, 4.303}, {5, 0.025, 2.776}, {10, 0.025, 2.262}, {3, 0.01, 6.965}, {5, 0.01, 3.747}, {5, 0.005, 4.604},
	} {
		if got := criticalT(tc.n, tc.alpha); !near(got, tc.want, 6e-4) {
			t.Errorf("t(%v, df %d) = %.4f, want %v", 1-tc.alpha, tc.n-1, got, tc.want)
		}
	}
}

// Published for these data by R's help page of t.test and by many textbooks:
// t = 4.0621, df = 9, p = 0.002833, 95% interval 0.7001142 to 2.4598858.
func TestPairedTOnStudentsSleepData(t *testing.T) {
	d, err := PairedT(drug2, drug1, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	if d.N != 10 || d.DF != 9 || !near(d.Estimate, 1.58, 1e-9) || d.Warning != "" {
		t.Errorf("difference = %+v", d)
	}
	if got := d.Estimate / d.SE; !near(got, 4.0621, 5e-5) {
		t.Errorf("t = %v", got)
	}
	if !near(d.Interval.Low, 0.7001142, 1e-6) || !near(d.Interval.High, 2.4598858, 1e-6) || d.Interval.Level != 0.95 {
		t.Errorf("interval = %+v", d.Interval)
	}
	if got := 2 * d.PAbove(0); !near(got, 0.002833, 5e-7) {
		t.Errorf("two-sided p = %v", got)
	}
	if got := d.PAbove(0) + d.PBelow(0); !near(got, 1, 1e-12) {
		t.Errorf("one-sided p values add to %v", got)
	}
	if got := d.PBelow(d.Interval.High); !near(got, 0.025, 1e-9) {
		t.Errorf("p at the upper bound = %v", got)
	}
}

func TestPairedTRefusesWhatItCannotAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		a, b  []float64
		level float64
		want  error
	}{
		"no pairs":        {nil, nil, 0.9, ErrTooFew},
		"one pair":        {[]float64{1}, []float64{2}, 0.9, ErrTooFew},
		"unequal length":  {[]float64{1, 2}, []float64{2}, 0.9, ErrUnpaired},
		"NaN in a":        {[]float64{1, nan}, []float64{2, 3}, 0.9, ErrNotFinite},
		"infinity in b":   {[]float64{1, 2}, []float64{2, -inf}, 0.9, ErrNotFinite},
		"overflow":        {[]float64{1e308, 2}, []float64{-1e308, 3}, 0.9, ErrNotFinite},
		"level zero":      {[]float64{1, 2}, []float64{2, 3}, 0, ErrRange},
		"level one":       {[]float64{1, 2}, []float64{2, 3}, 1, ErrRange},
		"level not a num": {[]float64{1, 2}, []float64{2, 3}, nan, ErrRange},
	} {
		if d, err := PairedT(tc.a, tc.b, tc.level); !errors.Is(err, tc.want) || d != (Difference{}) {
			t.Errorf("%s: %+v, %v, want %v", name, d, err, tc.want)
		}
	}
}

func TestPairedTFlagsZeroSpread(t *testing.T) {
	// 0.1 apart each, but not bit for bit.
	d, err := PairedT([]float64{0.2, 0.3, 0.8}, []float64{0.1, 0.2, 0.7}, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	if d.Warning != ZeroSpread || d.SE != 0 || d.Interval.Low != d.Estimate || d.Interval.High != d.Estimate {
		t.Errorf("difference = %+v", d)
	}
	for _, tc := range []struct{ m, above, below float64 }{{0, 0, 1}, {1, 1, 0}, {d.Estimate, 1, 1}} {
		if above, below := d.PAbove(tc.m), d.PBelow(tc.m); above != tc.above || below != tc.below {
			t.Errorf("at %v: above %v, below %v", tc.m, above, below)
		}
	}
	if d, _ := PairedT([]float64{0.2, 0.3, 0.801}, []float64{0.1, 0.2, 0.7}, 0.9); d.Warning != "" {
		t.Errorf("a real spread was flagged: %+v", d)
	}
}
