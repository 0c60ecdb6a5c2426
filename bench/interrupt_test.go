package bench

import (
	"context"
	"errors"
	"testing"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/registry"
)

// interrupting cancels when an image is read.
type interrupting struct {
	dataset.Reader
	cancel func()
}

func (i interrupting) Read(at int, image []uint8) error {
	i.cancel()
	return i.Reader.Read(at, image)
}

// A probe is interrupted in its midst: the step that was trained is saved, the lease given back, and what comes out in
// the end is what an undisturbed run gives.
func TestInterruptedProbe(t *testing.T) {
	cell := trainedCell()
	calm := runner(t, t.TempDir())
	if err := calm.Run(t.Context(), []Cell{cell}); err != nil {
		t.Fatal(err)
	}
	want, _, err := calm.Registry.Run(t.Context(), cell.Spec.ID())
	if err != nil {
		t.Fatal(err)
	}
	r := runner(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	whole, data := r.Data, *r.Data
	data.Test.Reader = interrupting{data.Test.Reader, cancel} // only probes read test images
	r.Data = &data
	if err := r.Run(ctx, []Cell{cell}); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	checkpoints, err := (&run{Runner: r, id: cell.Spec.ID()}).checkpoints(t.Context())
	if err != nil || len(checkpoints) != 1 || checkpoints[0].Step != cell.Spec.Training.Checkpoints[0] || len(checkpoints[0].Kept) != 0 {
		t.Fatalf("left is %+v, %v; want the state of step %d, which is not probed", checkpoints, err, cell.Spec.Training.Checkpoints[0])
	}
	if h, err := r.Registry.Hold(t.Context(), cell.Spec.ID()); err != nil || h.Live || h.Step != checkpoints[0].Step {
		t.Errorf("the lease is %+v, %v", h, err)
	}
	r.Data = whole
	if err := r.Run(t.Context(), []Cell{cell}); err != nil {
		t.Fatal(err)
	}
	got, _, err := r.Registry.Run(t.Context(), cell.Spec.ID())
	if err != nil || got.ResultDigest != want.ResultDigest || got.Status != registry.Complete {
		t.Errorf("%v: resumed to %s, want %s", err, got.ResultDigest, want.ResultDigest)
	}
}
