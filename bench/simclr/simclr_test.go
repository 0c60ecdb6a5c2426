package simclr

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/gobackend"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/method/methodtest"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/nn"
)

func small() Config {
	return Config{
		Encoder: encoder.Config{Size: 32, Stem: []int{4, 6}, Stages: []encoder.Stage{{Blocks: 1, Width: 4, Out: 8, Stride: 2}}, Hidden: 8, Dim: 6},
		Augment: augment.Config{MinArea: 0.5, FlipProb: 0.5},
		Batch:   8, Steps: 20, Temperature: 0.2, NormGroups: 2,
		SGD: nn.SGD{LearningRate: 0.1, WarmupSteps: 4, Momentum: 0.9, WeightDecay: 0.01},
	}
}

func TestMethod(t *testing.T) {
	diverging := small()
	diverging.LearningRate = 1e30
	methodtest.Run(t, methodtest.Case{Method: small(), Diverging: diverging})
}

// TestOthers: of two images with two views each, every view has its other view as key and the other image's two
// as negatives.
func TestOthers(t *testing.T) {
	similarity := []float32{ // of views a0 b0 a1 b1
		1, .1, .2, .3,
		.1, 1, .4, .5,
		.2, .4, 1, .6,
		.3, .5, .6, 1,
	}
	b := others(similarity, []int32{7, 9})
	if want := []float32{.2, .5, .2, .5}; !slices.Equal(b.Positive, want) {
		t.Errorf("keys %v, want %v", b.Positive, want)
	}
	if want := []float32{.1, .3, .1, .4, .4, .6, .3, .6}; !slices.Equal(b.Similarity, want) {
		t.Errorf("negatives %v, want %v", b.Similarity, want)
	}
	if want := []int32{9, 9, 7, 7, 9, 9, 7, 7}; !slices.Equal(b.Negatives, want) || !slices.Equal(b.Classes, []int32{7, 9, 7, 9}) {
		t.Errorf("classes %v of negatives, %v of queries", b.Negatives, b.Classes)
	}
}

// TestPairWeights compares with central differences of the loss by each dot product, both places of which move.
func TestPairWeights(t *testing.T) {
	classes := []int32{0, 1, 2}
	n := 2 * len(classes)
	similarity := make([]float32, n*n)
	for i := range n {
		for j := range i {
			s := float32(math.Sin(float64(5*i + 3*j)))
			similarity[i*n+j], similarity[j*n+i] = s, s
		}
	}
	hardest := []negatives.Rule{{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.5}}
	loss := func() contrast.Loss {
		return contrast.New(0.5, hardest, n-2, 3, 1, 1).Loss(others(similarity, classes))
	}
	weights := pairWeights(loss())
	const step = 1e-3
	for i := range n {
		for j := range i {
			move := func(d float32) float64 {
				before := similarity[i*n+j]
				similarity[i*n+j], similarity[j*n+i] = before+d, before+d
				moved := loss().InfoNCE
				similarity[i*n+j], similarity[j*n+i] = before, before
				return moved
			}
			want := (move(step) - move(-step)) / (2 * step)
			if got := float64(weights[i*n+j]); math.Abs(got-want) > 1e-3 || weights[j*n+i] != weights[i*n+j] {
				t.Errorf("weight of %d and %d is %g, want %g", i, j, got, want)
			}
		}
	}
}

// TestGradientOfTheWholeStep compares what reaches SGD with central differences of the loss.
func TestGradientOfTheWholeStep(t *testing.T) {
	backend, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	c := small()
	c.WeightDecay, c.Momentum = 0, 0
	c.Batch = 16
	first := func(which, i int, d float32) (float64, Trainer) {
		trainer, err := c.New(method.Start{Device: nn.Devices(backend, 1)[0], Data: methodtest.Data(), Seed: 1, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(trainer.Close)
		tr := trainer.(Trainer)
		tr.Params[which].MustMutableFlatData(func(v any) { v.([]float32)[i] += d })
		m, err := tr.Advance(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		return m.Loss, tr
	}
	_, plain := first(0, 0, 0)
	const step = 2e-3
	wrong, size := 0.0, 0.0
	for which := range plain.Params {
		gradient := nn.Values(plain.Velocity[which])
		i := 0 // the largest entry is the least drowned in rounding
		for j, g := range gradient {
			if math.Abs(float64(g)) > math.Abs(float64(gradient[i])) {
				i = j
			}
		}
		up, _ := first(which, i, step)
		down, _ := first(which, i, -step)
		want := (up - down) / (2 * step)
		wrong += (want - float64(gradient[i])) * (want - float64(gradient[i]))
		size += want * want
	}
	if off := math.Sqrt(wrong / size); !(off < 0.05) { // ReLUs switch inside the step
		t.Errorf("gradients are off by %.1f%% of their norm over %d tensors", 100*off, len(plain.Params))
	}
}
