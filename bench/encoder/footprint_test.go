package encoder

import (
	"math"
	"testing"

	"github.com/cidbench/cidbench/bench/nn"
)

// TestFootprint: parameters are those of PyTorch's networks; the outputs of ResNet-50's convolutions are the 11.1 million
// that Radosavovic et al. 2020 count (arXiv 2003.13678), each kept twice, with the sums of its blocks.
func TestFootprint(t *testing.T) {
	for name, c := range full {
		f, e := c.Footprint(), New(nn.Device{}, c)
		sum := 0
		for _, p := range e.Params {
			sum += p.Size()
		}
		if f.Params != sum {
			t.Errorf("%s: %d parameters, want %d", name, f.Params, sum)
		}
		sum = 0
		for _, p := range e.Stats {
			sum += p.Size()
		}
		if f.Stats != sum {
			t.Errorf("%s: %d running statistics, want %d", name, f.Stats, sum)
		}
	}
	sums, side := 0, 56
	for _, stage := range ResNet50(224, 128).Stages {
		sums += stage.Blocks * stage.Out * side * side
		side /= 2
	}
	f := ResNet50(224, 128).Footprint()
	if kept := float64(f.Activations-sums) / 2; math.Abs(kept-11.1e6) > 0.15e6 {
		t.Errorf("convolutions write %g numbers", kept)
	}
	if f.Widest != 2*64*112*112 {
		t.Errorf("the widest layer has %d numbers", f.Widest)
	}
}
