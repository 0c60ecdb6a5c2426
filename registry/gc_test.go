package registry_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3/s3test"
	"github.com/cidbench/cidbench/registry/store"
)

// age makes a file of a directory store look older.
func age(t *testing.T, root, name string, by time.Duration) {
	t.Helper()
	path, then := filepath.Join(root, name), time.Now().Add(-by)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

// trashNames are the files of a blob in the trash.
func trashNames(t *testing.T, root string, d registry.Digest) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "trash/sha256", d.Hex()[:2], d.Hex()+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func digests(garbage []registry.Garbage) []string {
	var all []string
	for _, g := range garbage {
		all = append(all, string(g.Digest))
	}
	slices.Sort(all)
	return all
}

func wantGC(t *testing.T, what string, got []registry.Garbage, want ...registry.Descriptor) {
	t.Helper()
	var all []string
	for _, d := range want {
		all = append(all, string(d.Digest))
	}
	slices.Sort(all)
	if !slices.Equal(digests(got), all) {
		t.Errorf("%s: %q, want %q", what, digests(got), all)
	}
}

func TestGC(t *testing.T) {
	ctx := t.Context()
	root := t.TempDir()
	r := openRegistry(t, root)
	const grace = 24 * time.Hour
	old := func(data string) registry.Descriptor {
		d := putBlob(t, r, data)
		age(t, root, blobName(d.Digest), 3*grace)
		return d
	}
	artifact, garbage, damaged := old("artifact"), old("garbage"), old("damaged")
	young := putBlob(t, r, "young")
	overwrite(t, root, blobName(damaged.Digest), "dbmaged")
	age(t, root, blobName(damaged.Digest), 3*grace)
	commit(t, r, newManifest(1, map[string]registry.Descriptor{"a": artifact}))
	// Events of runs: finished, live by an event, live by a lease, abandoned.
	events := make([]registry.Descriptor, 4)
	for i := range events {
		events[i] = old(fmt.Sprintf("event %d", i))
		if _, err := r.Append(ctx, newRunID(t, 10+i), "checkpoint", map[string]any{"deep": []any{events[i]}}); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(root, "runs", newRunID(t, 10+i), "events", "*"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		if i != 1 {
			age(t, files[0], "", 3*grace)
		}
	}
	commit(t, r, newManifest(10, nil))
	lease, err := r.Acquire(ctx, newRunID(t, 12), "a", ttl)
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release(context.Background())
	unneeded := []registry.Descriptor{garbage, events[0], events[3]}

	report, err := r.GC(ctx, registry.GCOptions{Grace: grace})
	if err != nil {
		t.Fatal(err)
	}
	wantGC(t, "dry run", report.Trashed, append(unneeded, damaged)...)
	if _, err := os.Stat(filepath.Join(root, "trash")); err == nil {
		t.Error("a dry run writes")
	}
	run := func(what string) registry.GCReport {
		t.Helper()
		report, err := r.GC(ctx, registry.GCOptions{Remove: true, Grace: grace, Owner: "test"})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return report
	}
	report = run("first pass")
	wantGC(t, "trashed", report.Trashed, unneeded...)
	wantGC(t, "damaged", report.Damaged, damaged)
	wantGC(t, "purged", report.Purged)
	for _, d := range []registry.Descriptor{artifact, events[1], events[2], young} {
		if ok, err := r.HasBlob(ctx, d); !ok || err != nil {
			t.Errorf("%s is gone, %v", d.Digest, err)
		}
	}
	if ok, err := r.HasBlob(ctx, garbage); ok || err != nil {
		t.Errorf("garbage is there: %v, %v", ok, err)
	}
	if data, err := r.Blob(ctx, garbage); err != nil || string(data) != "garbage" {
		t.Errorf("what is in the trash reads %q, %v", data, err)
	}

	// Manifests and an event take things out of the trash.
	needy, _ := commit(t, r, newManifest(2, map[string]registry.Descriptor{"a": garbage, "b": events[3]}))
	if _, err := r.Append(ctx, newRunID(t, 3), "checkpoint", events[0]); err != nil {
		t.Fatal(err)
	}
	for _, d := range unneeded {
		if ok, err := r.HasBlob(ctx, d); !ok || err != nil {
			t.Errorf("%s stays in the trash, %v", d.Digest, err)
		}
	}
	// As if a collector had been killed before it looked again.
	remove(t, root, blobName(garbage.Digest))
	if got := found(t, r, registry.CheckOptions{}); !slices.Equal(got, []string{blobName(garbage.Digest) + ": in the trash"}) {
		t.Errorf("Check finds %q", got)
	}
	for _, d := range unneeded {
		for _, name := range trashNames(t, root, d.Digest) {
			age(t, name, "", 3*grace)
		}
	}
	report = run("second pass")
	wantGC(t, "restored", report.Restored, garbage)
	wantGC(t, "purged", report.Purged, unneeded...)
	wantGC(t, "trashed", report.Trashed)
	if ok, err := r.HasBlob(ctx, garbage); !ok || err != nil {
		t.Errorf("what is needed is not restored: %v, %v", ok, err)
	}
	if left := trashNames(t, root, garbage.Digest); left != nil {
		t.Error("the trash is not emptied")
	}

	// Nothing is removed when it cannot be known what is needed.
	late := old("late")
	overwrite(t, root, "runs/"+needy+"/manifest.json", "{}")
	report, err = r.GC(ctx, registry.GCOptions{Remove: true, Grace: grace})
	wantErr(t, "a damaged manifest", err, registry.ErrCorrupt)
	if len(report.Unknown) != 1 || report.Unknown[0].Key != "runs/"+needy+"/manifest.json" {
		t.Errorf("the damaged manifest is named as %v", report.Unknown)
	}
	if ok, err := r.HasBlob(ctx, late); !ok || err != nil {
		t.Errorf("garbage is removed in spite of it, %v", err)
	}
	if _, err := r.GC(ctx, registry.GCOptions{Grace: -1}); err == nil {
		t.Error("a negative grace period is accepted")
	}
}

// TestGCEachCopyStays: what is moved to the trash again stays there for a whole grace period, whatever was there before.
func TestGCEachCopyStays(t *testing.T) {
	const grace = 10 * time.Hour
	root := t.TempDir()
	r := openRegistry(t, root)
	collect := func() {
		t.Helper()
		if _, err := r.GC(t.Context(), registry.GCOptions{Remove: true, Grace: grace}); err != nil {
			t.Fatal(err)
		}
	}
	var d registry.Descriptor
	for _, later := range []time.Duration{9 * time.Hour, 2 * time.Hour} {
		d = putBlob(t, r, "garbage, until it is needed")
		age(t, root, blobName(d.Digest), 2*grace)
		collect()
		for _, name := range trashNames(t, root, d.Digest) {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			age(t, name, "", time.Since(info.ModTime())+later)
		}
	}
	collect() // eleven hours after the first was moved, two after the second
	if left := trashNames(t, root, d.Digest); len(left) != 1 {
		t.Errorf("in the trash are %d copies, want the second", len(left))
	}
	commit(t, r, newManifest(1, map[string]registry.Descriptor{"a": d}))
	if got := found(t, r, registry.CheckOptions{ReadData: true}); got != nil {
		t.Errorf("Check finds %q", got)
	}
}

// TestGCTidies: what a killed writer has left half-written goes after the grace period, and nothing younger.
func TestGCTidies(t *testing.T) {
	root := t.TempDir()
	r := openRegistry(t, root)
	for _, name := range []string{".tmp/old", ".tmp/young"} {
		overwrite(t, root, name, "half")
	}
	age(t, root, ".tmp/old", 3*time.Hour)
	report, err := r.GC(t.Context(), registry.GCOptions{Remove: true, Grace: time.Hour})
	if err != nil || report.Files != 1 || report.FileBytes != 4 {
		t.Errorf("GC = %+v, %v", report, err)
	}
	if left, err := os.ReadDir(filepath.Join(root, ".tmp")); err != nil || len(left) != 1 || left[0].Name() != "young" {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestGCExclusive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory("exclusive")
		var wg sync.WaitGroup
		for range 8 {
			r := openOn(t, s)
			wg.Go(func() {
				_, err := r.GC(t.Context(), registry.GCOptions{Remove: true})
				wantErr(t, "one of 8 short collections, one after the other", err, nil)
			})
		}
		wg.Wait()
	})
}

// TestGCAfterCrash leaves the lease of a collector that was killed.
func TestGCAfterCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory("crash")
		r := openOn(t, s)
		if _, err := s.Swap(t.Context(), "locks/gc.json", "", []byte(`{"owner":"gone","token":"x","beat":3,"milliseconds":20000}`)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err := r.GC(t.Context(), registry.GCOptions{Remove: true})
		wantErr(t, "GC", err, nil)
		if took := time.Since(start); took < 20*time.Second {
			t.Errorf("the lease is taken over after %v, its term is 20 s", took)
		}
	})
}

func TestGCRace(t *testing.T) {
	root := t.TempDir()
	testGCRace(t, root, func(d registry.Descriptor) { age(t, root, blobName(d.Digest), time.Hour) })
}

func TestGCRaceS3(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	testGCRace(t, server.URL("p"), func(d registry.Descriptor) {
		age(t, server.File("p"), blobName(d.Digest), time.Hour)
	})
}

// testGCRace lets runs be written whose blobs are old garbage, and look like it
// to the collections that run meanwhile, until the manifest is there.
func testGCRace(t *testing.T, url string, makeOld func(registry.Descriptor)) {
	r := openRegistry(t, url)
	const runs, grace = 60, 20 * time.Second
	blob := func(i int) string { return strings.Repeat(fmt.Sprintf("blob %d ", i), 50) }
	for i := range 2 * runs {
		makeOld(putBlob(t, r, blob(i)))
	}
	ctx, stop := context.WithCancel(t.Context())
	var collectors sync.WaitGroup
	passes, trashed := 0, 0
	collectors.Go(func() {
		for ctx.Err() == nil {
			report, err := r.GC(ctx, registry.GCOptions{Remove: true, Grace: grace})
			if err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			passes++
			trashed += len(report.Trashed)
		}
	})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := w; i < runs; i += 4 {
				checkpoint := putBlob(t, r, blob(2*i))
				run := newRunID(t, i)
				if _, err := r.Append(t.Context(), run, "checkpoint", checkpoint); err != nil {
					t.Error(err)
				}
				if data, err := r.Blob(t.Context(), checkpoint); err != nil || string(data) != blob(2*i) {
					t.Errorf("the checkpoint of run %d: %v", i, err)
				}
				m := newManifest(i, map[string]registry.Descriptor{"a": checkpoint, "b": putBlob(t, r, blob(2*i+1))})
				if _, err := r.Commit(t.Context(), m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	stop()
	collectors.Wait()
	if _, err := r.GC(t.Context(), registry.GCOptions{Remove: true, Grace: grace}); err != nil { // of what the last was at when it was stopped
		t.Fatal(err)
	}
	if got := found(t, r, registry.CheckOptions{ReadData: true}); got != nil {
		t.Errorf("Check finds %q", got)
	}
	for _, run := range collect(t, r.Runs(t.Context())) {
		m, _, err := r.Run(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range m.Artifacts {
			if _, err := r.Blob(t.Context(), d); err != nil {
				t.Error(err)
			}
		}
	}
	t.Logf("%d passes trashed %d blobs while %d runs were written", passes, trashed, runs)
}
