package moco

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/gomlx/compute/gobackend"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/negatives"
)

func benchConfig() Config {
	return Config{
		Encoder: Encoder{Size: 32, Stem: []int{16, 48}, Stages: []Stage{{1, 16, 64, 1}, {1, 48, 192, 2}}, Hidden: 192, Dim: 64},
		Augment: augment.Config{MinArea: 0.35, Brightness: .3, Contrast: .3, Saturation: .3, Hue: .05, JitterProb: .8, GreyProb: .1, BlurProb: .5, BlurMin: .1, BlurMax: .4, FlipProb: .5},
		Batch:   64, Queue: 4096, Steps: 1000, Temperature: 0.2, KeyMomentum: 0.99, LearningRate: 0.06, Momentum: 0.9, WeightDecay: 5e-4, NormGroups: 4,
	}
}

func BenchmarkStep(b *testing.B) {
	so := os.Stdout
	os.Stdout = os.Stderr
	backend, err := gobackend.New("parallelism=0,ops_sequential")
	os.Stdout = so
	if err != nil {
		b.Fatal(err)
	}
	data, err := dataset.Open("glyphs-small")
	if err != nil {
		b.Fatal(err)
	}
	t, err := New(backend, benchConfig(), []negatives.Rule{{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.05}}, data, 1, 1)
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	var m Metrics
	for b.Loop() {
		m, err = t.Advance(context.Background(), false)
		if err != nil {
			b.Fatal(err)
		}
	}
	fmt.Fprintln(os.Stderr, m)
}
