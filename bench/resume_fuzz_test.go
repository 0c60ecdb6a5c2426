package bench

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

// counter is a trainer whose whole state is how many steps it has done, a byte each.
type counter struct {
	method.Trainer
	state []byte
}

func (c *counter) Step() int { return len(c.state) }

func (c *counter) Save() ([]byte, error) { return c.state, nil }

func (c *counter) Restore(state []byte) error {
	c.state = state
	return nil
}

// FuzzCheckpoint: whatever the events of a run say of checkpoints, one is gone on from only where series, probes and state
// are of its step.
func FuzzCheckpoint(f *testing.F) {
	reg, err := registry.OpenOn(f.Context(), store.NewMemory("fuzz"))
	if err != nil {
		f.Fatal(err)
	}
	put := func(kind, text string) registry.Descriptor {
		d, err := reg.PutBlob(f.Context(), kind, []byte(text))
		if err != nil {
			f.Fatal(err)
		}
		return d
	}
	series, earlier := put(SeriesType, "{\"step\":1}\n{\"step\":2}\n"), put(SeriesType, "{\"step\":1}\n")
	state, before := put(CheckpointType, "ab"), put(CheckpointType, "a")
	restore := func(c checkpoint) (*counter, []method.Metrics, error) {
		r := &run{Runner: &Runner{Registry: reg}}
		r.spec.Training.Checkpoints = []int{1, 2}
		trainer := &counter{}
		got, err := r.restore(context.Background(), trainer, c, []checkpoint{{Step: 1, State: before, Series: earlier}})
		return trainer, got, err
	}
	for i, c := range []checkpoint{
		{Step: 2, State: state, Series: series, Curve: []CurvePoint{{Step: 1}, {Step: 2}}, Kept: map[string]registry.Descriptor{CheckpointName(1): before, CheckpointName(2): state}},
		{Step: 2, State: state, Series: series, Curve: []CurvePoint{{Step: 1}}, Kept: map[string]registry.Descriptor{CheckpointName(1): before}},
		{Step: 1, State: before, Series: earlier}, {Step: 1, State: before, Series: earlier, Run: "another"}, {Step: -1},
	} {
		text, err := json.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		if _, _, err := restore(c); (err == nil) != (i < 4) {
			f.Fatalf("%s: %v", text, err)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var c checkpoint
		if json.Unmarshal(text, &c) != nil {
			return
		}
		trainer, got, err := restore(c)
		if err == nil && (len(got) != c.Step || trainer.Step() != c.Step || len(c.Curve) != len(c.Kept) || len(c.Curve) > c.Step) {
			t.Errorf("%s is gone on from at step %d, with %d steps of a series", text, trainer.Step(), len(got))
		}
	})
}
