package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestReferenceByHand: five seeds of MoCo v2 on ImageNet, whose mean is 67.52 and deviation 0.164317, with
// t(0.975, 4) = 2.776445 and z = 1.959964.
func TestReferenceByHand(t *testing.T) {
	five := []float64{67.7, 67.6, 67.4, 67.6, 67.3}
	for _, x := range []struct {
		figures    []float64
		sd         float64
		mean, half float64
	}{
		{five, 0, 67.52, 2.776445 * 0.164317 * math.Sqrt(1.2)},
		{five, 0.53, 67.52, math.Hypot(2.776445*0.164317*math.Sqrt(1.2), 1.959964*0.53)},
		{five[:1], 0.53, 67.7, 1.959964 * 0.53},
	} {
		got, err := Reference(x.figures, x.sd, 0.95)
		if err != nil || math.Abs(got.Low-(x.mean-x.half)) > 1e-5 || math.Abs(got.High-(x.mean+x.half)) > 1e-5 || got.Level != 0.95 {
			t.Errorf("%d figures, sd %g: %+v, %v; want %.5f +- %.5f", len(x.figures), x.sd, got, err, x.mean, x.half)
		}
	}
	for _, bad := range []struct {
		figures   []float64
		sd, level float64
	}{{nil, 1, 0.95}, {five[:1], 0, 0.95}, {five, math.NaN(), 0.95}, {five, -1, 0.95}, {five, 1, 1}, {[]float64{math.Inf(1)}, 1, 0.95}} {
		if got, err := Reference(bad.figures, bad.sd, bad.level); err == nil {
			t.Errorf("%+v gives %+v", bad, got)
		}
	}
}

// TestReferenceCovers: of runs that repeat an experiment in another implementation, the level says how many lie within.
func TestReferenceCovers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const seeds, sd, trials = 0.2, 0.5, 20_000
	for _, n := range []int{2, 5} {
		inside := 0
		for range trials {
			figures := make([]float64, n)
			for i := range figures {
				figures[i] = 70 + seeds*random.NormFloat64()
			}
			band, err := Reference(figures, sd, 0.95)
			if err != nil {
				t.Fatal(err)
			}
			if run := 70 + sd*random.NormFloat64() + seeds*random.NormFloat64(); band.Low <= run && run <= band.High {
				inside++
			}
		}
		if share := float64(inside) / trials; share < 0.945 {
			t.Errorf("%d seeds: %.3f lie within, want 0.95 or more", n, share)
		} else {
			t.Logf("%d seeds: %.3f lie within", n, share)
		}
	}
}
