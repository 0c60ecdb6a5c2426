package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestReferenceByHand: five seeds of MoCo v2 on ImageNet, whose mean is 67.52 and deviation 0.164317, with
// t(0.975, 4) = 2.776445 and z = 1.959964; three of which mean and deviation alone are published, with t(0.975, 2) = 4.302653.
func TestReferenceByHand(t *testing.T) {
	five := []float64{67.7, 67.6, 67.4, 67.6, 67.3}
	const ofFive, ofThree, between = 2.776445 * 0.164317 * 1.0954451, 4.302653 * 0.28 * 1.1547005, 1.959964 * 0.53
	for _, x := range []struct {
		p                      Published
		mean                   float64
		seeds, implementations float64
	}{
		{Published{Figures: five}, 67.52, ofFive, 0},
		{Published{Figures: five, SD: 0.53}, 67.52, ofFive, between},
		{Published{Figures: five[:1], SD: 0.53}, 67.7, 0, between},
		{Published{Figures: []float64{77.88}, SeedsSD: 0.28, SeedsN: 3}, 77.88, ofThree, 0},
		{Published{Figures: []float64{77.88}, SeedsSD: 0.28, SeedsN: 3, SD: 0.53}, 77.88, ofThree, between},
	} {
		got, err := Reference(x.p, 0.95)
		half := math.Hypot(x.seeds, x.implementations)
		for _, pair := range [][2]float64{{got.Low, x.mean - half}, {got.High, x.mean + half}, {got.Seeds, x.seeds}, {got.Implementations, x.implementations}} {
			if err != nil || math.Abs(pair[0]-pair[1]) > 1e-5 || got.Level != 0.95 {
				t.Errorf("%+v: %+v, %v; want %.5f +- %.5f", x.p, got, err, x.mean, half)
			}
		}
	}
	for _, bad := range []struct {
		p     Published
		level float64
	}{
		{Published{SD: 1}, 0.95}, {Published{Figures: five[:1]}, 0.95}, {Published{Figures: five, SD: math.NaN()}, 0.95}, {Published{Figures: five, SD: -1}, 0.95},
		{Published{Figures: five, SD: 1}, 1}, {Published{Figures: []float64{math.Inf(1)}, SD: 1}, 0.95},
		{Published{Figures: five, SD: 1, SeedsSD: 1, SeedsN: 3}, 0.95}, {Published{Figures: five[:1], SD: 1, SeedsSD: 1, SeedsN: 1}, 0.95}, {Published{Figures: five[:1], SD: 1, SeedsN: 3}, 0.95},
	} {
		if got, err := Reference(bad.p, bad.level); err == nil {
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
			band, err := Reference(Published{Figures: figures, SD: sd}, 0.95)
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
