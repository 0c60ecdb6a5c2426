package moco

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/method/methodtest"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/nn"
)

// tiny is a configuration that trains in milliseconds; views are the images themselves.
func tiny() Config {
	return Config{
		Encoder: encoder.Config{Size: 32, Stem: []int{4, 6}, Stages: []encoder.Stage{{Blocks: 2, Width: 4, Out: 8, Stride: 2}}, Hidden: 8, Dim: 6},
		Augment: augment.Config{MinArea: 1},
		Batch:   8, Queue: 32, Steps: 20, Temperature: 0.2, KeyMomentum: 0.9, NormGroups: 1,
		SGD: nn.SGD{LearningRate: 0.1, WarmupSteps: 4, Momentum: 0.9, WeightDecay: 0.01},
	}
}

func TestMethod(t *testing.T) {
	c := tiny()
	c.Augment = augment.Config{MinArea: 0.5, FlipProb: 0.5}
	diverging := c
	diverging.LearningRate = 1e30
	methodtest.Run(t, methodtest.Case{Method: c, Diverging: diverging})
}

// TestApart: with an order that keeps images out of their own queue a training learns other numbers, and a queue that is
// too long for that is refused.
func TestApart(t *testing.T) {
	c := tiny()
	plain := newTrainer(t, c)
	c.Apart = true
	images := methodtest.Data().Train.Len()
	if apart := newTrainer(t, c); advance(t, plain).Loss == advance(t, apart).Loss {
		t.Error("the setting changes nothing")
	}
	c.Queue = images / 2 / c.Batch * c.Batch
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if _, err := New(c, method.Start{Device: device(), Data: methodtest.Data(), Threads: 1}); err == nil || !strings.Contains(err.Error(), "apart") {
		t.Errorf("a queue of %d for %d images: %v", c.Queue, images, err)
	}
}

func newTrainer(t *testing.T, c Config, rules ...negatives.Rule) *Trainer {
	t.Helper()
	tr, err := New(c, method.Start{Device: device(), Rules: rules, Data: methodtest.Data(), Seed: 1, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

func advance(t *testing.T, tr *Trainer) method.Metrics {
	t.Helper()
	m, err := tr.Advance(context.Background(), false)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func group(xs []*tensors.Tensor) (out [][]float32) {
	for _, x := range xs {
		out = append(out, nn.Values(x))
	}
	return out
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %g, want %g", what, got, want)
	}
}

// TestQueriesMeetTheirKeys: without augmentation and with equal encoders a query equals its own key, so
// every positive is 1. It would not be if keys came back in another order than they were shuffled.
func TestQueriesMeetTheirKeys(t *testing.T) {
	if m := advance(t, newTrainer(t, tiny())); math.Abs(m.Positive-1) > 1e-5 {
		t.Errorf("mean dot product of query and key = %g, want 1", m.Positive)
	}
	// With batch norm in groups the shuffle gives query and key other company: they differ.
	c := tiny()
	c.NormGroups = 4
	if m := advance(t, newTrainer(t, c)); m.Positive > 1-1e-4 {
		t.Errorf("mean dot product %g: keys are normalised in the company of their queries", m.Positive)
	}
}

// TestStepByHand checks the momentum update, SGD and the queue of one step against their definitions.
func TestStepByHand(t *testing.T) { stepByHand(t, newTrainer(t, tiny())) }

// TestStepOfBFloat16: the same with a ResNet in mixed precision, whose state is float32.
func TestStepOfBFloat16(t *testing.T) {
	c := tiny()
	c.Encoder = encoder.Config{
		Size: 32, Stem: []int{4}, StemKind: encoder.ImageNetStem, Hidden: 8, Dim: 6, Init: encoder.TorchInit, Precision: encoder.BFloat16,
		Stages: []encoder.Stage{{Blocks: 1, Width: 4, Out: 16, Stride: 1}, {Blocks: 1, Width: 6, Out: 24, Stride: 2}},
	}
	backendtest.Each(t, func(t *testing.T, d nn.Device) {
		tr, err := New(c, method.Start{Device: d, Data: methodtest.Data(), Seed: 1, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		stepByHand(t, tr)
	})
}

func stepByHand(t *testing.T, tr *Trainer) {
	t.Helper()
	c := tr.config
	advance(t, tr) // so that velocities and the key encoder are not at their start
	tr.fetch()
	query, key := group(tr.Params), group(tr.key)
	queue, classes := slices.Clone(tr.queue), slices.Clone(tr.queueClass)
	m := advance(t, tr)
	tr.fetch()

	near(t, "learning rate", m.LearningRate, 0.1*2/4, 1e-12)
	for i, p := range tr.Encoder.Params {
		newQuery, newKey, newVelocity := nn.Values(tr.Params[i]), nn.Values(tr.key[i]), nn.Values(tr.Velocity[i])
		for j := range newQuery {
			near(t, "key "+p.Name, float64(newKey[j]), 0.9*float64(key[i][j])+0.1*float64(query[i][j]), 1e-6)
			near(t, "query "+p.Name, float64(newQuery[j]), float64(query[i][j])-m.LearningRate*float64(newVelocity[j]), 1e-6)
		}
	}
	d := c.Encoder.Dim
	if !slices.Equal(tr.queue[:8*d], queue[:8*d]) || !slices.Equal(tr.queue[16*d:], queue[16*d:]) {
		t.Error("the second step must replace the second eight keys, and nothing else")
	}
	if slices.Equal(tr.queue[8*d:16*d], queue[8*d:16*d]) {
		t.Error("the keys of the step are not in the queue")
	}
	for j := range c.Queue {
		norm := 0.0
		for _, v := range tr.queue[j*d:][:d] {
			norm += float64(v) * float64(v)
		}
		near(t, "length of a key", norm, 1, 1e-5)
		if inBatch := j < 16; inBatch != (tr.queueClass[j] >= 0) {
			t.Errorf("queue entry %d has class %d", j, tr.queueClass[j])
		}
	}
	if classes[8] != -1 {
		t.Error("the queue must start without classes")
	}
}

// TestLateRule: the series of a training whose rule begins in the middle is that of all negatives up to there, and
// another from there on.
func TestLateRule(t *testing.T) {
	c := tiny()
	all, late := newTrainer(t, c), newTrainer(t, c, negatives.Rule{Action: negatives.Keep, Pool: negatives.Random, Fraction: 0.25, After: 0.5})
	for step := range c.Steps {
		m, n := advance(t, all), advance(t, late)
		if same := reflect.DeepEqual(m, n); same != (step < c.Steps/2) {
			t.Errorf("step %d of %d: %+v with the rule, %+v without", step, c.Steps, n, m)
		}
	}
}

// TestGradientOfTheWholeStep compares the gradient that reaches SGD with central differences of the loss,
// through encoder, normalisation, contrast and back.
func TestGradientOfTheWholeStep(t *testing.T) {
	c := tiny()
	c.Batch, c.Queue, c.NormGroups = 16, 64, 2
	c.KeyMomentum = 0.9999999 // the keys must not move with the query encoder
	c.WeightDecay, c.Momentum = 0, 0
	rule := negatives.Rule{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.5}

	// loss of the first step, with parameter which[i] moved by d.
	first := func(which, i int, d float32) (float64, *Trainer) {
		tr := newTrainer(t, c, rule)
		tr.Params[which].MustMutableFlatData(func(v any) { v.([]float32)[i] += d })
		return advance(t, tr).Loss, tr
	}
	_, plain := first(0, 0, 0)
	const step = 2e-3
	wrong, size := 0.0, 0.0
	for which := range plain.Encoder.Params {
		gradient := nn.Values(plain.Velocity[which])
		// The largest entry is the least drowned in rounding.
		i := 0
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
	// Negatives may cross the cut and ReLUs switch inside the step.
	if off := math.Sqrt(wrong / size); !(off < 0.05) {
		t.Errorf("gradients are off by %.1f%% of their norm over %d tensors", 100*off, len(plain.Encoder.Params))
	}
}

func TestVelocityHoldsMomentumAndDecay(t *testing.T) {
	c := tiny()
	c.LearningRate = 1e-12 // nothing moves, so both steps have the gradient of their own batch
	run := func(momentum, decay float64) [][]float32 {
		c.Momentum, c.WeightDecay = momentum, decay
		tr := newTrainer(t, c)
		advance(t, tr)
		advance(t, tr)
		return group(tr.Velocity)
	}
	second := run(0, 0)
	c.Momentum, c.WeightDecay = 0, 0
	tr := newTrainer(t, c)
	initial := group(tr.Params)
	advance(t, tr)
	first := group(tr.Velocity)
	both := run(0.9, 0.01)
	for i := range both {
		for j := range both[i] {
			want := 0.9*(float64(first[i][j])+0.01*float64(initial[i][j])) + float64(second[i][j]) + 0.01*float64(initial[i][j])
			near(t, "velocity of "+tr.Encoder.Params[i].Name, float64(both[i][j]), want, 1e-4*(1+math.Abs(want)))
		}
	}
}

// ReLU takes a NaN for a negative number on its way through the network; a step must see it nevertheless.
func TestDivergenceBehindReLU(t *testing.T) {
	tr := newTrainer(t, tiny())
	first := nn.Values(tr.Params[0])
	first[0] = -float32(math.NaN())
	tr.Params[0] = tensors.FromFlatDataAndDimensions(first, tr.Encoder.Params[0].Dims...)
	var diverged *method.DivergedError
	if _, err := tr.Advance(context.Background(), false); !errors.As(err, &diverged) {
		t.Errorf("got %v, want a DivergedError", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	if err := tiny().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, breakIt := range map[string]func(*Config){
		"queue":       func(c *Config) { c.Queue = 33 },
		"groups":      func(c *Config) { c.NormGroups = 3 },
		"steps":       func(c *Config) { c.Steps = 4 },
		"temperature": func(c *Config) { c.Temperature = 0 },
		"momentum":    func(c *Config) { c.KeyMomentum = 1 },
		"rate":        func(c *Config) { c.LearningRate = math.NaN() },
		"stem":        func(c *Config) { c.Encoder.Stem = []int{4, 4, 4, 4, 4, 4} },
		"stage":       func(c *Config) { c.Encoder.Stages[0].Stride = 3 },
		"head":        func(c *Config) { c.Encoder.Hidden, c.Encoder.Dim = 0, 0 },
		"views":       func(c *Config) { c.Augment.MinArea = 0 },
	} {
		c := tiny()
		c.Encoder.Stages = slices.Clone(c.Encoder.Stages)
		breakIt(&c)
		if c.Validate() == nil {
			t.Errorf("%s: a bad setting is accepted", name)
		}
	}
}

// device runs operations one after the other.
var device = sync.OnceValue(func() nn.Device {
	b, err := gobackend.New("ops_sequential")
	if err != nil {
		panic(err)
	}
	return nn.Devices(b, 1)[0]
})
