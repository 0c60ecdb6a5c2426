package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
)

// A worker that is not to wait does what is free, and leaves what others hold.
func TestNoWait(t *testing.T) {
	dir := t.TempDir()
	other := runner(t, dir)
	cells := encoderCells(1)
	lease, err := other.Registry.Acquire(t.Context(), cells[1].Spec.ID(), "somebody", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	r := runner(t, dir)
	r.NoWait, r.Lease = true, time.Minute // none is lost on a busy machine
	held := 0
	r.Observe = func(e Event) {
		if e.Held {
			held++
		}
	}
	if err := r.Run(t.Context(), cells); err != nil || held == 0 {
		t.Fatalf("%v; %d were seen held", err, held)
	}
	for i, cell := range cells {
		if done, err := Finished(t.Context(), r.Registry, cell.Spec.ID()); err != nil || done != (i != 1) {
			t.Errorf("%s: finished %v, %v", cell.Name(), done, err)
		}
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Checkpoints to resume from are there while a training goes on, and change nothing of what comes out.
func TestSaveEvery(t *testing.T) {
	var results []registry.Digest
	for _, every := range []time.Duration{0, time.Nanosecond} {
		r := runner(t, t.TempDir())
		r.SaveEvery = every
		cell := trainedCell()
		if err := r.Run(t.Context(), []Cell{cell}); err != nil {
			t.Fatal(err)
		}
		m, _, err := r.Registry.Run(t.Context(), cell.Spec.ID())
		if err != nil {
			t.Fatal(err)
		}
		checkpoints := 0
		for e, err := range r.Registry.Events(t.Context(), cell.Spec.ID()) {
			if err == nil && e.Kind == checkpointEvent {
				checkpoints++
			}
		}
		if want := cell.Spec.Training.Steps(); every > 0 && checkpoints != want || every == 0 && checkpoints != len(cell.Spec.Training.Checkpoints) {
			t.Errorf("every %v: %d checkpoints in %d steps", every, checkpoints, want)
		}
		results = append(results, m.ResultDigest)
	}
	if results[0] != results[1] {
		t.Errorf("results differ: %v", results)
	}
}

func trainedCell() Cell {
	for _, cell := range cellsOf(1) {
		if cell.Spec.Training.Features == Trained {
			return cell
		}
	}
	panic("no arm is trained")
}

// Who goes by the same share is told apart from others.
func TestTwin(t *testing.T) {
	r := &Runner{Share: Share{3, 8}}
	for owner, want := range map[string]bool{r.owner(): true, "host, process 1, worker 3/8": true, "host, process 1, worker 2/8": false, "host, process 1": false} {
		if got := r.twin(fmt.Errorf("within: %w", &registry.HeldError{Owner: owner})); (got == owner) != want {
			t.Errorf("%s: %q", owner, got)
		}
	}
	if got := r.twin(registry.ErrHeld); got != "" {
		t.Errorf("nobody: %q", got)
	}
}
