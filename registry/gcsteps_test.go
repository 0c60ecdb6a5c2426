package registry_test

import (
	"context"
	"io"
	"iter"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
)

// A steppedStore calls interrupt before one of its operations.
type steppedStore struct {
	registry.Store
	left      int // operations before that one
	interrupt func()
}

func (s *steppedStore) step() {
	if s.left == 0 {
		s.interrupt()
	}
	s.left--
}

func (s *steppedStore) Get(ctx context.Context, key string) (io.ReadCloser, registry.Info, error) {
	s.step()
	return s.Store.Get(ctx, key)
}

func (s *steppedStore) Stat(ctx context.Context, key string) (registry.Info, error) {
	s.step()
	return s.Store.Stat(ctx, key)
}

func (s *steppedStore) Load(ctx context.Context, key string) ([]byte, registry.Version, error) {
	s.step()
	return s.Store.Load(ctx, key)
}

func (s *steppedStore) Create(ctx context.Context, key string, body io.ReadSeeker, size int64, sum registry.Digest) error {
	s.step()
	return s.Store.Create(ctx, key, body, size, sum)
}

func (s *steppedStore) Swap(ctx context.Context, key string, old registry.Version, data []byte) (registry.Version, error) {
	s.step()
	return s.Store.Swap(ctx, key, old, data)
}

func (s *steppedStore) Delete(ctx context.Context, key string) error {
	s.step()
	return s.Store.Delete(ctx, key)
}

// TestGCSteps interrupts a collection before each of its steps by a whole run,
// ref and event, then a run, ref and event before each of their steps by a whole
// collection. All that they refer to is old garbage until they do.
func TestGCSteps(t *testing.T) {
	ctx := t.Context()
	write := func(r *registry.Registry) {
		a, b, c := putBlob(t, r, "artifact"), putBlob(t, r, "target"), putBlob(t, r, "checkpoint")
		if _, err := r.Append(ctx, newRunID(t, 2), "checkpoint", c); err != nil {
			t.Error(err)
		}
		if _, err := r.Commit(ctx, newManifest(1, map[string]registry.Descriptor{"a": a})); err != nil {
			t.Error(err)
		}
		if _, err := r.SetRef(ctx, "ref", b, ""); err != nil {
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
			store := registry.NewMemory(name)
			plain, err := registry.OpenOn(ctx, agedStore{store})
			if err != nil {
				t.Fatal(err)
			}
			blobs := []registry.Descriptor{putBlob(t, plain, "artifact"), putBlob(t, plain, "target"), putBlob(t, plain, "checkpoint")}
			interrupted := false
			stepped := &steppedStore{agedStore{store}, -1, func() { interrupted = true; order.second(plain) }}
			r, err := registry.OpenOn(ctx, stepped)
			if err != nil {
				t.Fatal(err)
			}
			stepped.left = steps
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

// An agedStore says of every blob that it is a day old.
type agedStore struct{ *registry.Memory }

func (s agedStore) List(ctx context.Context, prefix string) iter.Seq2[registry.Info, error] {
	return func(yield func(registry.Info, error) bool) {
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
