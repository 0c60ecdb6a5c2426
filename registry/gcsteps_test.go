package registry_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

// TestGCSteps interrupts a collection before each of its steps by a whole run and
// event, then a run and event before each of their steps by a whole collection. All
// that they refer to is old garbage until they do.
func TestGCSteps(t *testing.T) {
	ctx := t.Context()
	write := func(r *registry.Registry) {
		a, b := putBlob(t, r, "artifact"), putBlob(t, r, "checkpoint")
		if _, err := r.Append(ctx, newRunID(t, 2), "checkpoint", b); err != nil {
			t.Error(err)
		}
		if _, err := r.Commit(ctx, newManifest(1, map[string]registry.Descriptor{"a": a})); err != nil {
			t.Error(err)
		}
	}
	gc := func(r *registry.Registry) {
		if _, err := r.GC(ctx, registry.GCOptions{Remove: true, Grace: time.Hour}); err != nil {
			t.Error(err)
		}
	}
	for name, order := range map[string]struct{ first, second func(*registry.Registry) }{
		"collection interrupted": {gc, write}, "run interrupted": {write, gc},
	} {
		steps := 0
		for ; ; steps++ {
			aged := agedStore{store.NewMemory(name)}
			plain := openOn(t, aged)
			blobs := []registry.Descriptor{putBlob(t, plain, "artifact"), putBlob(t, plain, "checkpoint")}
			stepped := &steppedStore{aged, func() {}}
			r := openOn(t, stepped)
			left, interrupted := steps, false
			stepped.step = func() {
				if left == 0 {
					interrupted = true
					order.second(plain)
				}
				left--
			}
			order.first(r)
			if !interrupted {
				order.second(plain)
			}
			for _, d := range blobs {
				if ok, err := plain.HasBlob(ctx, d); !ok || err != nil {
					t.Errorf("%s before step %d: blob %s is gone, %v", name, steps, d.Digest, err)
				}
			}
			if got := found(t, plain, registry.CheckOptions{ReadData: true}); got != nil {
				t.Errorf("%s before step %d: Check finds %q", name, steps, got)
			}
			if !interrupted || t.Failed() {
				break
			}
		}
		t.Logf("%s before each of %d steps", name, steps)
	}
}

// TestGCLateDelete has the DELETE of a collector that has lost its lease arrive before each step of the next
// collection, which finds the blob restored and garbage once more: the blob is never gone for good.
func TestGCLateDelete(t *testing.T) {
	ctx := t.Context()
	for steps := 0; ; steps++ {
		aged := agedStore{store.NewMemory(fmt.Sprint("late ", steps))}
		plain := openOn(t, aged)
		d := putBlob(t, plain, "artifact")
		if _, err := plain.GC(ctx, registry.GCOptions{Remove: true, Grace: time.Hour}); err != nil { // the one that comes late
			t.Fatal(err)
		}
		putBlob(t, plain, "artifact")
		stepped := &steppedStore{aged, func() {}}
		r := openOn(t, stepped)
		left, late := steps, false
		stepped.step = func() {
			if left == 0 {
				late = true
				if err := aged.Delete(ctx, blobName(d.Digest)); err != nil {
					t.Error(err)
				}
			}
			left--
		}
		if _, err := r.GC(ctx, registry.GCOptions{Remove: true, Grace: time.Hour}); err != nil {
			t.Fatal(err)
		}
		if got, err := plain.Blob(ctx, d); err != nil || string(got) != "artifact" {
			t.Errorf("before step %d: the blob reads %q, %v", steps, got, err)
		}
		commit(t, plain, newManifest(1, map[string]registry.Descriptor{"a": d}))
		if got := found(t, plain, registry.CheckOptions{ReadData: true}); got != nil {
			t.Errorf("before step %d: Check finds %q", steps, got)
		}
		if !late || t.Failed() {
			t.Logf("before each of %d steps", steps)
			break
		}
	}
}

// An agedStore says of every blob that it is a day old.
type agedStore struct{ *store.Memory }

func (s agedStore) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		for info, err := range s.Memory.List(ctx, prefix) {
			if len(info.Key) > 5 && info.Key[:5] == "blobs" {
				info.ModTime = info.ModTime.Add(-24 * time.Hour)
			}
			if !yield(info, err) {
				return
			}
		}
	}
}
