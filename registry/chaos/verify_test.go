package chaos

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/registry"
)

// wantUndisturbed wants the registry to be what it would be without the storm: each run once, with the same result and
// the same artifacts, nothing that is needed lost or in the trash, and after two collections nothing else either.
func (s *storm) wantUndisturbed() {
	t := s.t
	ctx := t.Context()
	url := "mem://calm/" + t.Name()
	if err := (part{Role: "writer", Name: "alone", URL: url, Seed: s.seed}).play(ctx, io.Discard); err != nil {
		t.Fatal(err)
	}
	alone, err := registry.OpenExisting(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	stormy, err := registry.Open(ctx, s.calm)
	if err != nil {
		t.Fatal(err)
	}
	stormy.Pack(seriesType)
	want := s.results(alone)
	if len(want) != cells {
		t.Fatalf("undisturbed there are %d runs of %d", len(want), cells)
	}
	s.tally.runs = len(want)
	// What a collector has left half-way is gone on with; then, when all of it is old, garbage goes for good.
	for pass := range 2 {
		if _, err := stormy.GC(ctx, registry.GCOptions{Remove: true, Grace: grace, Owner: "the last"}); err != nil {
			t.Errorf("collection %d after the storm: %v", pass, err)
		}
		if diff := cmp.Diff(want, s.results(stormy)); diff != "" {
			t.Errorf("after collection %d, runs differ from those undisturbed: %s", pass, diff)
		}
		problems, err := stormy.Check(ctx, registry.CheckOptions{ReadData: true})
		if err != nil || len(problems) > 0 {
			t.Errorf("after collection %d, Check finds %v, %v", pass, problems, err)
		}
		s.wantOnce(stormy, want)
		s.age("blobs", "trash")
	}
	for pass := range 2 { // the one moves, the other purges
		if _, err := stormy.GC(ctx, registry.GCOptions{Remove: true, Grace: grace, Owner: "the last"}); err != nil {
			t.Errorf("collection %d after the storm: %v", 2+pass, err)
		}
		s.age("trash")
	}
	var needed []string
	for _, line := range want {
		needed = append(needed, line.blobs()...)
	}
	slices.Sort(needed)
	if diff := cmp.Diff(slices.Compact(needed), s.files("blobs", "trash")); diff != "" {
		t.Errorf("blobs and trash in the end: %s", diff)
	}
	if diff := cmp.Diff(want, s.results(stormy)); diff != "" {
		t.Errorf("in the end, runs differ from those undisturbed: %s", diff)
	}
}

// A result is what a run comes to.
type result struct {
	Digest    registry.Digest
	Artifacts map[string]registry.Digest
}

// blobs are the files of the artifacts.
func (r result) blobs() (files []string) {
	for _, d := range r.Artifacts {
		files = append(files, "blobs/sha256/"+d.Hex()[:2]+"/"+d.Hex())
	}
	return files
}

// results reads all runs, and all their artifacts.
func (s *storm) results(r *registry.Registry) map[string]result {
	all := make(map[string]result)
	for m, err := range r.Manifests(s.t.Context()) {
		if err != nil {
			s.t.Error(err)
			continue
		}
		if _, twice := all[m.Run]; twice {
			s.t.Errorf("run %s is listed twice", m.Run)
		}
		all[m.Run] = s.result(m, r.Blob)
	}
	return all
}

func (s *storm) result(m registry.Manifest, blob func(context.Context, registry.Descriptor) ([]byte, error)) result {
	x := result{m.ResultDigest, make(map[string]registry.Digest)}
	for name, artifact := range m.Artifacts {
		if data, err := blob(s.t.Context(), artifact); err != nil || registry.DigestOf(data) != artifact.Digest {
			s.t.Errorf("run %s: %s: %d bytes, %v", m.Run, name, len(data), err)
		}
		x.Artifacts[name] = artifact.Digest
	}
	return x
}

// wantOnce wants nothing counted twice, in the index neither, and what was acknowledged to be there; and that an overview
// reads the same runs, in a bucket from packs: those that the storm has left, and new ones.
func (s *storm) wantOnce(r *registry.Registry, want map[string]result) {
	t := s.t
	overview, err := r.Overview(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := len(s.files("index/packs")) > 0
	if packed != (s.server != nil) {
		t.Errorf("there are packs: %t", packed)
	}
	anew, err := r.Reindex(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]int)
	for _, o := range []*registry.Overview{overview, anew} {
		got := make(map[string]result)
		for _, run := range o.Finished {
			m, _, err := o.Run(t.Context(), run.Run)
			if err != nil {
				t.Errorf("run %s: %v", run.Run, err)
			}
			got[run.Run] = s.result(m, o.Blob)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("by an overview, runs differ from those undisturbed: %s", diff)
		}
	}
	for _, run := range overview.Finished {
		listed[run.Run]++
	}
	if len(listed) != cells || len(overview.Finished) != cells || len(overview.Others) > 0 {
		t.Errorf("the overview has %d finished runs of %d, and %v others", len(overview.Finished), cells, overview.Others)
	}
	for run := range maps.Keys(s.acknowledged) {
		if listed[run] != 1 {
			t.Errorf("run %s was acknowledged, and is listed %d times", run, listed[run])
		}
		s.wantOneOwner(r, run)
	}
}

// wantOneOwner wants no event of a run twice, and of an attempt that another has taken over from at most the one event
// that was on its way.
func (s *storm) wantOneOwner(r *registry.Registry, run string) {
	seen, late, begun, last := make(map[string]bool), make(map[string]int), make(map[string]bool), ""
	for event, err := range r.Events(s.t.Context(), run) {
		var x checkpoint
		if err == nil {
			err = json.Unmarshal(event.Data, &x)
		}
		if err != nil {
			s.t.Errorf("run %s: %v", run, err)
			continue
		}
		if seen[string(event.Data)] {
			s.t.Errorf("run %s has the event %s twice", run, event.Data)
		}
		if seen[string(event.Data)] = true; begun[x.Attempt] && last != x.Attempt {
			late[x.Attempt]++
		}
		begun[x.Attempt], last = true, x.Attempt
	}
	for attempt, n := range late {
		if n > 1 {
			s.t.Errorf("run %s: %s goes on for %d events after others have taken over", run, attempt, n)
		}
	}
}

// files lists what is in folders of the registry, without what servers and stores have for themselves.
func (s *storm) files(folders ...string) (names []string) {
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(s.root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				name, _ := filepath.Rel(s.root, path)
				names = append(names, name)
			}
			return err
		})
		if err != nil && !strings.Contains(err.Error(), "no such file") {
			s.t.Error(err)
		}
	}
	slices.Sort(names)
	return names
}

// age makes all files of folders older than the grace period.
func (s *storm) age(folders ...string) {
	then := time.Now().Add(-2 * grace)
	for _, name := range s.files(folders...) {
		if err := os.Chtimes(filepath.Join(s.root, name), then, then); err != nil {
			s.t.Error(err)
		}
	}
}
