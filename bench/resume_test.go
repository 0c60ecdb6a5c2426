package bench

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/registry"
)

// begun leaves a cell with checkpoints at steps 4, 6 (declared) and 8, and returns them with the result of an
// undisturbed run.
func begun(t *testing.T) (store string, cell Cell, checkpoints []checkpoint, want map[string]registry.Digest) {
	t.Helper()
	store = t.TempDir()
	cells := cellsOf(1)
	cell = cells[slices.IndexFunc(cells, func(c Cell) bool { return c.Arm == "random" })]
	whole := runner(t, t.TempDir())
	if err := whole.Run(t.Context(), []Cell{cell}); err != nil {
		t.Fatal(err)
	}
	want = results(t, whole, []Cell{cell})
	r := runner(t, store)
	for _, stop := range []int{4, 8} {
		ctx, cancel := context.WithCancel(t.Context())
		r.Observe = func(e Event) {
			if e.Step == stop {
				cancel()
			}
		}
		if err := r.Run(ctx, []Cell{cell}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
	}
	for event, err := range r.Registry.Events(t.Context(), cell.Spec.ID()) {
		var c checkpoint
		if err = errors.Join(err, json.Unmarshal(event.Data, &c)); err != nil {
			t.Fatal(err)
		}
		checkpoints = append(checkpoints, c)
	}
	if len(checkpoints) != 3 {
		t.Fatalf("%d checkpoints, want 3", len(checkpoints))
	}
	return store, cell, checkpoints, want
}

// copied is a runner on a copy of a store.
func copied(t *testing.T, store string) (r *Runner, root string) {
	t.Helper()
	root = filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(root, os.DirFS(store)); err != nil {
		t.Fatal(err)
	}
	return runner(t, root), root
}

// resumesAt finishes the run, which must go on after a step and end as if nothing had been.
func resumesAt(t *testing.T, r *Runner, cell Cell, step int, want map[string]registry.Digest) {
	t.Helper()
	first := 0
	r.Observe = func(e Event) {
		if first == 0 {
			first = e.Step
		}
	}
	if err := r.Run(t.Context(), []Cell{cell}); err != nil {
		t.Fatal(err)
	}
	if first != step+1 {
		t.Errorf("it goes on with step %d, want %d", first, step+1)
	}
	if diff := cmp.Diff(want, results(t, r, []Cell{cell})); diff != "" {
		t.Error(diff)
	}
	m, _, err := r.Registry.Run(t.Context(), cell.Spec.ID())
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range m.Artifacts {
		if _, err := r.Registry.Blob(t.Context(), d); err != nil {
			t.Errorf("artifact %s: %v", name, err)
		}
	}
}

// TestResumeProvesWhatItRestores appends a checkpoint of step 10 whose digests are right and whose content is not: the
// run goes on from the one before it, with that one's series and probes.
func TestResumeProvesWhatItRestores(t *testing.T) {
	store, cell, checkpoints, want := begun(t)
	for _, name := range []string{
		"state is garbage", "state of another step", "state with more in it", "series of another history", "series too short",
		"no curve", "a kept checkpoint is missing", "another state is kept", "of another run",
	} {
		t.Run(name, func(t *testing.T) {
			r, root := copied(t, store)
			put := func(mediaType string, data []byte) registry.Descriptor {
				d, err := r.Registry.PutBlob(t.Context(), mediaType, data)
				if err != nil {
					t.Fatal(err)
				}
				return d
			}
			get := func(d registry.Descriptor) []byte {
				data, err := r.Registry.Blob(t.Context(), d)
				if err != nil {
					t.Fatal(err)
				}
				return data
			}
			bad := checkpoints[2]
			series, err := DecodeSeries(get(bad.Series))
			if err != nil {
				t.Fatal(err)
			}
			for i := range 2 { // made up, but well-formed
				more := series[7]
				more.Step = 9 + i
				series = append(series, more)
			}
			bad.Step, bad.Series = 10, put(SeriesType, encodeSeries(series))
			switch name {
			case "state is garbage":
				bad.State = put(CheckpointType, []byte("garbage"))
			case "state with more in it":
				bad.Step, bad.Series = 8, checkpoints[2].Series
				state := get(bad.State)
				bad.State = put(CheckpointType, append(state, 0))
			case "series of another history":
				bad.Step = 8
				series[2].Loss++
				bad.Series = put(SeriesType, encodeSeries(series[:8]))
			case "series too short":
				bad.Step, bad.Series = 8, put(SeriesType, encodeSeries(series[:7]))
			case "no curve":
				bad.Step, bad.Series, bad.Curve = 8, checkpoints[2].Series, nil
			case "a kept checkpoint is missing":
				bad.Step, bad.Series, bad.Kept = 8, checkpoints[2].Series, nil
			case "another state is kept":
				bad.Step, bad.Series = 8, checkpoints[2].Series
				bad.Kept = map[string]registry.Descriptor{CheckpointName(6): checkpoints[0].State}
			case "of another run":
				bad.Step, bad.Series, bad.Run = 8, checkpoints[2].Series, strings.Repeat("0", 32)
			}
			if bad.Step == 8 { // else the good one of that step would do
				events, err := filepath.Glob(filepath.Join(root, "runs", cell.Spec.ID(), "events", "00000003-*"))
				if err != nil || len(events) != 1 {
					t.Fatal(events, err)
				}
				if err := os.Remove(events[0]); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := r.Registry.Append(t.Context(), cell.Spec.ID(), checkpointEvent, bad); err != nil {
				t.Fatal(err)
			}
			resumesAt(t, r, cell, map[int]int{10: 8, 8: 6}[bad.Step], want)
		})
	}
}

// TestDamagedCheckpointsCostNoMoreThanTraining flips, in turn, what a resumption reads, and then all of it.
func TestDamagedCheckpointsCostNoMoreThanTraining(t *testing.T) {
	store, cell, checkpoints, want := begun(t)
	for _, test := range []struct {
		name   string
		damage []int // states of checkpoints, by index; the second is kept for good
		goesOn int
	}{{"the newest", []int{2}, 6}, {"the one that is kept", []int{1}, 4}, {"all", []int{0, 1, 2}, 0}} {
		t.Run(test.name, func(t *testing.T) {
			r, root := copied(t, store)
			for _, i := range test.damage {
				hex := checkpoints[i].State.Digest.Hex()
				path := filepath.Join(root, "blobs", "sha256", hex[:2], hex)
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				data[len(data)/2] ^= 1
				if err := errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, data, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			resumesAt(t, r, cell, test.goesOn, want)
		})
	}
}

// TestOneDamagedCellStopsNoOther: the others are run, and the damaged one is named in the end.
func TestOneDamagedCellStopsNoOther(t *testing.T) {
	store := t.TempDir()
	r, cells := runner(t, store), encoderCells(1)
	r.Parallel = 1
	path := filepath.Join(store, "runs", cells[0].Spec.ID(), "manifest.json")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte("{}"), 0o666)); err != nil {
		t.Fatal(err)
	}
	err := r.Run(t.Context(), cells)
	if !errors.Is(err, registry.ErrCorrupt) || !strings.Contains(err.Error(), cells[0].Name()) {
		t.Errorf("Run: %v, want the damage of %s", err, cells[0].Name())
	}
	results(t, r, cells[1:])
}

// TestBegun: what a run that is not finished was found to be worth so far; nothing of one that nobody began.
func TestBegun(t *testing.T) {
	store, cell, checkpoints, _ := begun(t)
	r, _ := copied(t, store)
	curve, err := Begun(t.Context(), r.Registry, cell.Spec.ID())
	if err != nil || len(curve) != 1 || curve[0].Step != 6 || curve[0].Accuracy.N != 500 {
		t.Errorf("%+v, %v", curve, err)
	}
	if diff := cmp.Diff(checkpoints[2].Curve, curve); diff != "" {
		t.Error(diff)
	}
	if curve, err := Begun(t.Context(), r.Registry, "00"+cell.Spec.ID()[2:]); err != nil || curve != nil {
		t.Errorf("%+v, %v", curve, err)
	}
}
