package stats

import (
	"errors"
	"math"
	"testing"
)

func TestRatioOfMeans(t *testing.T) {
	part, whole := []float64{0.7, 1.2, 0.9, 1.4, 0.8}, []float64{2.1, 1.8, 2.6, 2.4, 1.6}
	r, err := RatioOfMeans(part, whole, 0.9)
	if err != nil || !near(r.Estimate, 5/10.5, 1e-12) {
		t.Fatalf("%+v, %v", r, err)
	}
	// The bounds are where the t test of part - r whole is on its level; mean(part) - r mean(whole) changes sign
	// between them.
	for side, bound := range map[float64]float64{1: r.Interval.Low, -1: r.Interval.High} {
		scaled := make([]float64, len(whole))
		for i, v := range whole {
			scaled[i] = bound * v
		}
		d, err := PairedT(part, scaled, 0.9)
		if p := map[float64]float64{1: d.PAbove(0), -1: d.PBelow(0)}[side]; err != nil || !near(p, 0.05, 1e-9) {
			t.Errorf("at %g: p %g, %v", bound, p, err)
		}
	}
	// Without spread there is only the estimate.
	if r, err := RatioOfMeans([]float64{1, 1, 1}, []float64{4, 4, 4}, 0.9); err != nil || r.Estimate != 0.25 || !near(r.Interval.Low, 0.25, 1e-9) || !near(r.Interval.High, 0.25, 1e-9) {
		t.Errorf("%+v, %v", r, err)
	}
	for name, tc := range map[string]struct {
		a, b  []float64
		level float64
		want  error
	}{
		"denominator near 0": {part, []float64{-1, 2, 1, -2, 1}, 0.9, ErrUnbounded},
		"denominator 0":      {part, []float64{0, 0, 0, 0, 0}, 0.9, ErrUnbounded},
		"one pair":           {part[:1], whole[:1], 0.9, ErrTooFew},
		"unpaired":           {part, whole[:4], 0.9, ErrUnpaired},
		"level":              {part, whole, 1, ErrRange},
		"overflow":           {[]float64{1e300, 1e300}, []float64{1e-300, 1e-300}, 0.9, ErrNotFinite},
	} {
		if r, err := RatioOfMeans(tc.a, tc.b, tc.level); !errors.Is(err, tc.want) || r != (Ratio{}) {
			t.Errorf("%s: %+v, %v, want %v", name, r, err, tc.want)
		}
	}
}

// Fieller's interval is exact for normal samples, as far as it is bounded.
func TestRatioCovers(t *testing.T) {
	const draws, whole, share = 4_000, 2., 0.4
	r := rng(5)
	got := monteCarlo(draws, func() bool {
		var a, b []float64
		for range 5 {
			shared := 0.2 * r.NormFloat64()
			a = append(a, share*whole+shared+0.2*r.NormFloat64())
			b = append(b, whole+shared+0.3*r.NormFloat64())
		}
		ratio, err := RatioOfMeans(a, b, 0.9)
		return err == nil && ratio.Interval.Low < share && share < ratio.Interval.High
	})
	if math.Abs(got-0.9) > slack(0.9, draws) {
		t.Errorf("the 90%% interval covers %.4f", got)
	}
}
