// Package methodtest is the contract of a training method as tests: each method's own test calls Run.
package methodtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// Case is a method to test.
type Case struct {
	// Method is one that trains Data in milliseconds a step, for at least 8 steps, with views that are drawn.
	Method method.Method
	// Diverging is one whose loss stops being a number within its steps.
	Diverging method.Method

	device nn.Device
}

// Data are a few glyphs of every class, [32, 32, 3].
var Data = sync.OnceValue(func() *dataset.Dataset {
	images, err := dataset.Glyphs(200, 100)("")
	if err != nil {
		panic(err) // drawn, not read
	}
	tree := dataset.GlyphTree()
	return &dataset.Dataset{Name: "test", Images: images, Tree: tree, Classes: taxonomy.Classes(tree)}
})

// Run holds a method to its contract on every backend of this machine. On XLA most trainings share one graph, so that
// what takes its time there is the few that have another.
func Run(t *testing.T, c Case) {
	t.Run("settings", func(t *testing.T) { settings(t, c) })
	backendtest.Each(t, func(t *testing.T, d nn.Device) {
		c.device = d
		for name, test := range map[string]func(*testing.T, Case){
			"initial weights":  initialWeights,
			"determinism":      determinism,
			"resume":           resume,
			"foreign states":   foreignStates,
			"scale":            scale,
			"temperature":      temperature,
			"rules":            rules,
			"late rules":       lateRules,
			"metrics":          metrics,
			"cancellation":     cancellation,
			"divergence":       divergence,
			"embeddings":       embeddings,
			"unfit data":       unfitData,
			"unreadable data":  unreadableData,
			"one graph":        oneGraph,
			"larger pictures":  largerPictures,
			"what is compiled": compilations,
		} {
			t.Run(name, func(t *testing.T) { test(t, c) })
		}
	})
}

// start begins a training of seed 1; the options change what it begins from.
func start(t *testing.T, c Case, options ...func(*method.Start)) method.Trainer {
	t.Helper()
	s := method.Start{Device: c.device, Data: Data(), Seed: 1, Threads: 2}
	for _, option := range options {
		option(&s)
	}
	trainer, err := c.Method.New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trainer.Close)
	return trainer
}

func seed(n uint64) func(*method.Start) { return func(s *method.Start) { s.Seed = n } }

func advance(t *testing.T, trainer method.Trainer, steps int) (last method.Metrics) {
	t.Helper()
	for range steps {
		var err error
		if last, err = trainer.Advance(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	return last
}

func save(t *testing.T, trainer method.Trainer) []byte {
	t.Helper()
	state, err := trainer.Save()
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// settings: all that determines training is in the JSON, and comes back from it.
func settings(t *testing.T, c Case) {
	if err := c.Method.Validate(); err != nil {
		t.Fatal(err)
	}
	if id := c.Method.ID(); id.Name == "" || id.Version < 1 {
		t.Errorf("id %+v: a name, and a version from 1, must be given", id)
	}
	text, err := json.Marshal(c.Method)
	if err != nil {
		t.Fatal(err)
	}
	again := reflect.New(reflect.TypeOf(c.Method))
	if err := json.Unmarshal(text, again.Interface()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Method, again.Elem().Interface()); diff != "" {
		t.Errorf("not everything is in the JSON, so not everything would be in the key: %s", diff)
	}
	if scale := c.Method.Scale(); scale.Steps < 8 || scale.Batch < 2 || scale.Negatives < 1 {
		t.Errorf("scale %+v", scale)
	}
}

func temperature(t *testing.T, c Case) {
	other := c.Method.AtTemperature(0.7)
	want, got := c.Method.Scale(), other.Scale()
	want.Temperature = 0.7
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c.Method.Scale().Temperature == 0.7 {
		t.Error("AtTemperature changed the method itself")
	}
	trained := c
	trained.Method = other
	if advance(t, start(t, c), 1).Loss == advance(t, start(t, trained), 1).Loss {
		t.Error("the temperature does not change the loss")
	}
	if c.Method.AtTemperature(0).Validate() == nil {
		t.Error("a temperature of 0 is accepted")
	}
}

// scale: what a state takes is known before it is there.
func scale(t *testing.T, c Case) {
	s := c.Method.Scale()
	f := s.Encoder.Footprint()
	numbers, state := s.Copies*f.Params+f.Stats+s.Beside, len(save(t, start(t, c)))
	if header := state - 4*numbers; header < 0 || header > 40_000 {
		t.Errorf("a state has %d bytes; %d copies of %d parameters, %d statistics and %d numbers beside them are %d", state, s.Copies, f.Params, f.Stats, s.Beside, 4*numbers)
	}
	if s.Queries < s.Batch {
		t.Errorf("%d queries in a batch of %d", s.Queries, s.Batch)
	}
}

// initialWeights: every method begins where the untrained encoder, the floor, is.
func initialWeights(t *testing.T, c Case) {
	model, err := encoder.Untrained(c.device, c.Method.Scale().Encoder, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	want, err := model.Embeddings(Data().Test)
	if err != nil {
		t.Fatal(err)
	}
	trainer := start(t, c)
	got, err := trainer.Embeddings(Data().Test)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Error("the method does not begin with encoder.Initial's weights")
	}
	if trainer.Step() != 0 {
		t.Errorf("it begins at step %d", trainer.Step())
	}
}

func determinism(t *testing.T, c Case) {
	run := func(options ...func(*method.Start)) []byte {
		trainer := start(t, c, options...)
		advance(t, trainer, 3)
		return save(t, trainer)
	}
	want := run()
	if !bytes.Equal(run(func(s *method.Start) { s.Threads = 3 }), want) {
		t.Error("another number of threads gives other bytes")
	}
	if bytes.Equal(run(seed(2)), want) {
		t.Error("another seed gives the same bytes")
	}
}

func resume(t *testing.T, c Case) {
	whole, half, resumed := start(t, c), start(t, c), start(t, c)
	advance(t, whole, 6)
	advance(t, half, 3)
	if err := resumed.Restore(save(t, half)); err != nil {
		t.Fatal(err)
	}
	if resumed.Step() != 3 {
		t.Errorf("restored at step %d, want 3", resumed.Step())
	}
	advance(t, resumed, 3)
	if !bytes.Equal(save(t, resumed), save(t, whole)) {
		t.Error("a resumed training ends in other bytes")
	}
}

func foreignStates(t *testing.T, c Case) {
	trainer := start(t, c)
	advance(t, trainer, 1)
	before := save(t, trainer)
	for name, state := range map[string][]byte{
		"nothing": nil, "half a file": before[:len(before)/2], "another seed's": save(t, start(t, c, seed(2))),
	} {
		if err := trainer.Restore(state); err == nil || !strings.Contains(err.Error(), "checkpoint") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !bytes.Equal(save(t, trainer), before) {
		t.Error("a refused state changed the trainer")
	}
}

func metrics(t *testing.T, c Case) {
	trainer := start(t, c)
	m, err := trainer.Advance(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Bands) != len(contrast.BandEdges)-1 || !(m.Uniformity < 0) {
		t.Errorf("%d bands, uniformity %g", len(m.Bands), m.Uniformity)
	}
	if m.Step != 1 || !(m.Loss > 0) || m.Top1 < 0 || m.Top1 > 1 || !(m.LearningRate > 0) || !(m.Positive > -1.001 && m.Positive < 1.001) {
		t.Errorf("metrics %+v", m)
	}
	if m = advance(t, trainer, 1); m.Bands != nil || m.Step != 2 || trainer.Step() != 2 {
		t.Errorf("metrics %+v at step %d, and nobody asked for bands", m, trainer.Step())
	}
}

func cancellation(t *testing.T, c Case) {
	trainer := start(t, c)
	before := save(t, trainer)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := trainer.Advance(ctx, false); !errors.Is(err, context.Canceled) || !bytes.Equal(save(t, trainer), before) {
		t.Errorf("a cancelled step: %v", err)
	}
}

func divergence(t *testing.T, c Case) {
	c.Method = c.Diverging
	trainer := start(t, c)
	for range c.Method.Scale().Steps {
		before := save(t, trainer)
		_, err := trainer.Advance(t.Context(), false)
		if err == nil {
			continue
		}
		var diverged *method.DivergedError
		if !errors.As(err, &diverged) || diverged.Step < 2 {
			t.Errorf("got %v, want a DivergedError after the first step", err)
		}
		if !bytes.Equal(save(t, trainer), before) {
			t.Error("a step that diverged changed the state")
		}
		return
	}
	t.Error("it never diverged")
}

// embeddings are unit vectors, and both they and features follow the images one by one.
func embeddings(t *testing.T, c Case) {
	trainer := start(t, c)
	advance(t, trainer, 2)
	split, dim := Data().Test, c.Method.Scale().Encoder.Dim
	rows, err := trainer.Embeddings(split)
	if err != nil || len(rows) != split.Len()*dim {
		t.Fatalf("%d numbers, %v", len(rows), err)
	}
	for i := range split.Len() {
		norm := 0.0
		for _, v := range rows[i*dim:][:dim] {
			norm += float64(v) * float64(v)
		}
		if math.Abs(norm-1) > 1e-4 {
			t.Fatalf("embedding %d has length %g", i, math.Sqrt(norm))
		}
	}
	set, err := trainer.Features(split)
	if err != nil || set.Len() != split.Len() || len(set.Values) != set.Dim*split.Len() || set.Dim != c.Method.Scale().Encoder.Features() {
		t.Fatalf("%d features of %d dimensions, %v", set.Len(), set.Dim, err)
	}
	const skip = 93 // the last images alone, in an incomplete batch
	tail := split
	tail.Reader, tail.Labels = from{split.Reader, skip}, split.Labels[skip:]
	last, err := trainer.Features(tail)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range last.Values {
		if want := set.Values[skip*set.Dim+i]; math.Abs(float64(v-want)) > 1e-5 {
			t.Fatalf("feature %d is %g alone and %g among the others", i, v, want)
		}
	}
}

// from reads the images after the first.
type from struct {
	dataset.Reader
	first int
}

func (f from) Read(i int, image []uint8) error { return f.Reader.Read(f.first+i, image) }

func unfitData(t *testing.T, c Case) {
	small := *Data()
	small.Height, small.Width = 16, 16
	few := *Data()
	few.Train.Labels = few.Train.Labels[:1]
	for name, data := range map[string]*dataset.Dataset{"another size": &small, "too few images": &few} {
		if _, err := c.Method.New(method.Start{Device: c.device, Data: data, Threads: 1}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

var errDisk = errors.New("the disk is gone")

type broken struct{}

func (broken) Read(int, []uint8) error { return errDisk }

func unreadableData(t *testing.T, c Case) {
	data := *Data()
	data.Train.Reader = broken{}
	trainer := start(t, c, func(s *method.Start) { s.Data = &data })
	if _, err := trainer.Advance(t.Context(), false); !errors.Is(err, errDisk) {
		t.Errorf("a step on images that cannot be read: %v", err)
	}
	if _, err := trainer.Embeddings(data.Train); !errors.Is(err, errDisk) {
		t.Errorf("embeddings of images that cannot be read: %v", err)
	}
}
