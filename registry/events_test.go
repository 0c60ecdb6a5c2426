package registry_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cidbench/cidbench/registry"
	"github.com/google/go-cmp/cmp"
)

func TestEvents(t *testing.T) {
	ctx := t.Context()
	root := t.TempDir()
	r := openRegistry(t, root)
	run, err := registry.RunID(json.RawMessage(`{"seed":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := collect(t, r.Events(ctx, run)); len(got) != 0 {
		t.Errorf("a run without events has %v", got)
	}
	var want []registry.Event
	for step := range 3 {
		event, err := r.Append(ctx, run, "checkpoint", map[string]any{"step": step, "blob": putBlob(t, r, fmt.Sprint(step))})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, event)
	}
	if diff := cmp.Diff(want, collect(t, r.Events(ctx, run))); diff != "" {
		t.Errorf("Events (-want +got):\n%s", diff)
	}
	if want[0].Seq != 1 || want[2].Seq != 3 {
		t.Errorf("events are numbered %d to %d, want 1 to 3", want[0].Seq, want[2].Seq)
	}

	// A damaged event does not hide the others.
	names, err := filepath.Glob(filepath.Join(root, "runs", run, "events", "00000002-*.json"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	overwrite(t, names[0], "", `{"seq":2}`)
	var seen []int
	for event, err := range r.Events(ctx, run) {
		if err != nil {
			wantErr(t, "damaged event", err, registry.ErrCorrupt)
			continue
		}
		seen = append(seen, event.Seq)
	}
	if !slices.Equal(seen, []int{1, 3}) {
		t.Errorf("of three events with the second damaged, %v are seen", seen)
	}

	if len(collect(t, r.Runs(ctx))) != 0 {
		t.Error("a run with events only is listed as finished")
	}
	if _, err := r.Append(ctx, "no-run", "checkpoint", nil); err == nil {
		t.Error("an invalid run id is accepted")
	}
	if _, err := r.Append(ctx, run, "", nil); err == nil {
		t.Error("an event without kind is accepted")
	}
}

func TestAppendRace(t *testing.T) {
	r := newRegistry(t)
	run := strings.Repeat("a", 32)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for range 5 {
				if _, err := r.Append(t.Context(), run, "log", w); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	events := collect(t, r.Events(t.Context(), run))
	if len(events) != 40 {
		t.Errorf("%d events after 40 appends", len(events))
	}
	for i, event := range events {
		if event.Seq != i+1 {
			t.Fatalf("event %d has the number %d", i+1, event.Seq)
		}
	}
}
