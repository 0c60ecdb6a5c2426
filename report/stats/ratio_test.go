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

// The interval that is shown is the one that decides, at every alpha and whatever the correlation of top and bottom.
func TestRatioIntervalAgreesWithTheVerdict(t *testing.T) {
	r := rng(7)
	seen, bounded, skewed := map[Verdict]int{}, 0, 0
	for range 20_000 {
		n, mean, shared := 2+r.IntN(10), 2*r.Float64(), r.NormFloat64()
		alpha, bound := 0.5*math.Pow(r.Float64(), 3), 1.5*r.NormFloat64()
		var top, bottom []float64
		for range n {
			x := r.NormFloat64()
			top = append(top, r.NormFloat64()*mean+shared*x)
			bottom = append(bottom, mean+0.3*x+0.1*r.NormFloat64())
		}
		above, err := RatioAbove(top, bottom, bound, alpha)
		d, _ := PairedT(bottom, make([]float64, n), 1-2*alpha)
		positive := d.PAbove(0) < alpha
		if !positive && err == nil || err != nil && !errors.Is(err, ErrUnbounded) {
			t.Fatalf("denominator at %v, alpha %v: %v", d, alpha, err)
		}
		if err != nil {
			// Where the ratio's own differences are skewed, a denominator that is not far above 0 gives no bounds either.
			if positive {
				skewed++
			}
			continue
		}
		bounded++
		side := Inconclusive
		if above.Interval.Low > bound {
			side = Supported
		} else if above.Interval.High < bound {
			side = Refuted
		}
		if above.Verdict != side || !near(above.Interval.Level, 1-2*alpha, 1e-12) {
			t.Errorf("%+v above %v at %v", above, bound, alpha)
		}
		seen[side]++

		margin := math.Abs(bound)
		within, err := RatioWithin(top, bottom, margin, alpha)
		inside := -margin < above.Interval.Low && above.Interval.High < margin
		if err != nil || within.Ratio != above.Ratio || inside != (within.Verdict == Supported) {
			t.Errorf("%+v within %v at %v: %v", within, margin, alpha, err)
		}
		if wide, err := fieller(top, bottom, 1-alpha, skewOf); err == nil {
			outside := wide.Interval.Low > margin || wide.Interval.High < -margin
			if outside != (within.Verdict == Refuted) {
				t.Errorf("%+v within %v at %v, wide interval %+v", within, margin, alpha, wide)
			}
			seen["within "+within.Verdict]++
		}
	}
	for _, v := range []Verdict{Supported, Refuted, Inconclusive} {
		if seen[v] < 100 || seen["within "+v] < 100 {
			t.Errorf("too few cases: %v", seen)
		}
	}
	if skewed > bounded/8 {
		t.Errorf("%d without bounds though the denominator is above 0, %d with", skewed, bounded)
	}
}

func TestRatioVerdicts(t *testing.T) {
	gain := []float64{20, 22, 19, 21, 20}
	part := func(share float64) (top []float64) {
		for i, noise := range []float64{0.2, -0.2, 0.1, -0.1, 0} {
			top = append(top, share*gain[i]+noise)
		}
		return top
	}
	for _, tc := range []struct {
		test  func(top, bottom []float64, bound, alpha float64) (RatioResult, error)
		share float64
		bound float64
		want  Verdict
	}{
		{RatioAbove, 0, -0.05, Supported}, {RatioAbove, 0.9, 0.95, Refuted}, {RatioAbove, 0.95, 0.95, Inconclusive},
		{RatioAbove, 1, 0.95, Supported}, {RatioWithin, 0, 0.05, Supported}, {RatioWithin, 0.05, 0.05, Inconclusive},
		{RatioWithin, 0.1, 0.05, Refuted}, {RatioWithin, -0.1, 0.05, Refuted}, {RatioWithin, 0, 0.005, Inconclusive},
	} {
		r, err := tc.test(part(tc.share), gain, tc.bound, 0.05)
		if err != nil || r.Verdict != tc.want || r.Warning != "" || !near(r.Estimate, tc.share, 1e-9) {
			t.Errorf("%v against %v: %+v, %v, want %s", tc.share, tc.bound, r, err, tc.want)
		}
	}
}

func TestRatioWithoutSpreadDecidesAndWarns(t *testing.T) {
	bottom := []float64{20.1, 22.3, 19.7}
	share := func(r float64) (top []float64) {
		for _, v := range bottom {
			top = append(top, r*v)
		}
		return top
	}
	// On the bound there is neither spread nor excess.
	for _, bound := range []float64{0, 0.125, 0.25} {
		r, err := RatioAbove(share(bound), bottom, bound, 0.05)
		if err != nil || r.Verdict != Inconclusive || r.Evidence != (Evidence{1, 1}) || r.Warning != ZeroSpread ||
			!near(r.Interval.Low, bound, 1e-12) || !near(r.Interval.High, bound, 1e-12) {
			t.Errorf("above %v: %+v, %v", bound, r, err)
		}
	}
	equal := []float64{4, 4, 4}
	for want, bound := range map[Verdict]float64{Supported: 0.2, Refuted: 0.3} {
		if r, err := RatioAbove([]float64{1, 1, 1}, equal, bound, 0.05); err != nil || r.Verdict != want || r.Warning != ZeroSpread {
			t.Errorf("above %v: %+v, %v", bound, r, err)
		}
	}
}

func TestRatioTestsRefuseBadArguments(t *testing.T) {
	top, bottom := []float64{1, 2, 1}, []float64{5, 6, 5}
	for name, tc := range map[string]struct {
		top, bottom  []float64
		bound, alpha float64
		want         error
	}{
		"bound not a number":  {top, bottom, nan, 0.05, ErrRange},
		"infinite bound":      {top, bottom, inf, 0.05, ErrRange},
		"alpha a half":        {top, bottom, 1, 0.5, ErrRange},
		"unpaired":            {top[:2], bottom, 1, 0.05, ErrUnpaired},
		"one pair":            {top[:1], bottom[:1], 1, 0.05, ErrTooFew},
		"missing":             {[]float64{1, nan, 1}, bottom, 1, 0.05, ErrNotFinite},
		"denominator near 0":  {top, []float64{-1, 2, 1}, 1, 0.05, ErrUnbounded},
		"denominator below 0": {top, []float64{-5, -6, -5}, 1, 0.05, ErrUnbounded},
	} {
		for _, test := range []func(top, bottom []float64, bound, alpha float64) (RatioResult, error){RatioAbove, RatioWithin} {
			if r, err := test(tc.top, tc.bottom, tc.bound, tc.alpha); !errors.Is(err, tc.want) || r != (RatioResult{}) {
				t.Errorf("%s: %+v, %v, want %v", name, r, err, tc.want)
			}
		}
	}
	if _, err := RatioWithin(top, bottom, 0, 0.05); !errors.Is(err, ErrRange) {
		t.Errorf("no margin: %v", err)
	}
}

// A ratio on its bound is decided wrongly with probability alpha in each direction, less what skewness asks for.
func TestRatioAboveKeepsItsLevel(t *testing.T) {
	const draws, bound = 10_000, 0.95
	r := rng(9)
	wrong := map[Verdict]float64{}
	for range draws {
		var top, bottom []float64
		for range 5 {
			shared := 2 * r.NormFloat64()
			top = append(top, bound*20+shared+r.NormFloat64())
			bottom = append(bottom, 20+shared+r.NormFloat64())
		}
		got, err := RatioAbove(top, bottom, bound, level)
		if err != nil {
			t.Fatal(err)
		}
		wrong[got.Verdict] += 1. / draws
	}
	for _, v := range []Verdict{Supported, Refuted} {
		if wrong[v] > level+slack(level, draws) || wrong[v] < kept*level {
			t.Errorf("wrongly %s in %.4f", v, wrong[v])
		}
	}
}
