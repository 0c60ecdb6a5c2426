package encoder

import (
	"slices"
	"testing"

	"github.com/gomlx/compute/gobackend"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/nn"
)

func small() Config {
	return Config{Size: 32, Stem: []int{4, 6}, Stages: []Stage{{Blocks: 1, Width: 4, Out: 8, Stride: 2}}, Hidden: 8, Dim: 6}
}

// TestUntrainedDependsOnTheSeedAlone: not on how many threads the backend has, or what else was drawn.
func TestUntrainedDependsOnTheSeedAlone(t *testing.T) {
	images, err := dataset.Glyphs(0, 60)("")
	if err != nil {
		t.Fatal(err)
	}
	features := func(operations string, seed uint64) []float32 {
		t.Helper()
		backend, err := gobackend.New(operations)
		if err != nil {
			t.Fatal(err)
		}
		defer backend.Finalize()
		m, err := Untrained(nn.Devices(backend, 1)[0], small(), seed)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		set, err := m.Features(images.Test)
		if err != nil {
			t.Fatal(err)
		}
		if set.Len() != 60 || set.Dim != small().Features() || len(set.Values) != 60*set.Dim {
			t.Fatalf("%d numbers for %d images of %d features", len(set.Values), set.Len(), set.Dim)
		}
		return set.Values
	}
	one := features("ops_sequential", 1)
	if !slices.Equal(features("ops_parallel", 1), one) {
		t.Error("the same seed gives other features")
	}
	if slices.Equal(features("ops_sequential", 2), one) {
		t.Error("another seed gives the same features")
	}
}

func TestValidate(t *testing.T) {
	if err := small().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, breakIt := range map[string]func(*Config){
		"odd size":       func(c *Config) { c.Size = 34 }, // 17 after the first convolution
		"no stem":        func(c *Config) { c.Stem = nil },
		"no stages":      func(c *Config) { c.Stages = nil },
		"no blocks":      func(c *Config) { c.Stages[0].Blocks = 0 },
		"no width":       func(c *Config) { c.Stages[0].Width = 0 },
		"no output":      func(c *Config) { c.Stages[0].Out = 0 },
		"stride":         func(c *Config) { c.Stages[0].Stride = 3 },
		"odd stage":      func(c *Config) { c.Size = 36 }, // 9 before the stage
		"nothing left":   func(c *Config) { c.Size = 8 },
		"hidden":         func(c *Config) { c.Hidden = -1 },
		"no embedding":   func(c *Config) { c.Dim = 0 }, // with a hidden layer
		"negative":       func(c *Config) { c.Hidden, c.Dim = 0, -1 },
		"negative width": func(c *Config) { c.Stages[0].Width = -4 },
	} {
		c := small()
		breakIt(&c)
		if c.Validate() == nil {
			t.Errorf("%s is accepted", name)
		}
		if _, err := Untrained(nn.Device{}, c, 1); err == nil {
			t.Errorf("%s is built", name)
		}
	}
}
