package registry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

const ttl = time.Second

// isLost reports whether a lease is lost by now, when all else waits.
func isLost(l *registry.Lease) bool {
	synctest.Wait()
	select {
	case <-l.Lost():
		return true
	default:
		return false
	}
}

func TestLease(t *testing.T) { synctest.Test(t, testLease) }

func testLease(t *testing.T) {
	ctx := t.Context()
	url := memoryURL(t)
	a, b := openRegistry(t, url), openRegistry(t, url)
	run := newRunID(t, 1)
	lease, err := a.Acquire(ctx, run, "a", ttl)
	if err != nil {
		t.Fatal(err)
	}
	// It is renewed for longer than its term, before the eyes of another.
	for range 60 {
		_, err = b.Acquire(ctx, run, "b", ttl)
		wantErr(t, "a lease that is held", err, registry.ErrHeld)
		time.Sleep(ttl / 3)
	}
	if !strings.Contains(fmt.Sprint(err), `"a"`) {
		t.Errorf("the error does not name the owner: %v", err)
	}
	if isLost(lease) {
		t.Error("a lease that is renewed is lost")
	}
	_, err = a.Acquire(ctx, run, "a", ttl)
	wantErr(t, "one's own lease", err, registry.ErrHeld)
	wantErr(t, "Release", lease.Release(ctx), nil)
	wantErr(t, "Release again", lease.Release(ctx), nil)

	lease, err = b.Acquire(ctx, run, "b", ttl) // at once
	if err != nil {
		t.Fatal(err)
	}
	commit(t, b, newManifest(1, nil))
	wantErr(t, "Release", lease.Release(ctx), nil)
	_, err = a.Acquire(ctx, run, "a", ttl)
	wantErr(t, "a finished run", err, registry.ErrExist)
	for _, bad := range []time.Duration{0, -1, 1 << 62} {
		if _, err := a.Acquire(ctx, newRunID(t, 2), "a", bad); err == nil {
			t.Errorf("a term of %v is accepted", bad)
		}
	}
	if _, err := a.Acquire(ctx, "../x", "a", ttl); err == nil {
		t.Error("../x is accepted as a run id")
	}
	if got := found(t, a, registry.CheckOptions{ReadData: true}); got != nil {
		t.Errorf("Check finds %q", got)
	}
}

// acquireWithin calls Acquire until it succeeds, and returns how long it took.
func acquireWithin(t *testing.T, r *registry.Registry, run string, most time.Duration) (*registry.Lease, time.Duration) {
	t.Helper()
	start := time.Now()
	for {
		lease, err := r.Acquire(t.Context(), run, "b", ttl)
		if err == nil {
			return lease, time.Since(start)
		}
		if !errors.Is(err, registry.ErrHeld) || time.Since(start) > most {
			t.Fatalf("after %v: %v", time.Since(start), err)
		}
		time.Sleep(ttl / 20)
	}
}

// A cutStore does not get through to its store while it is cut off: requests fail
// at once, or they are silent until they are given up.
type cutStore struct {
	store.Store
	cut    atomic.Bool
	silent bool
}

func (s *cutStore) Swap(ctx context.Context, key string, old store.Version, data []byte) (store.Version, error) {
	switch {
	case s.cut.Load() && s.silent:
		<-ctx.Done()
		return "", ctx.Err()
	case s.cut.Load():
		return "", store.ErrUnavailable
	}
	return s.Store.Swap(ctx, key, old, data)
}

// TestLeaseLost cuts an owner off from its store: it knows before another takes
// the lease over.
func TestLeaseLost(t *testing.T) {
	for name, silent := range map[string]bool{"refused": false, "silent": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testLeaseLost(t, silent) })
		})
	}
}

func testLeaseLost(t *testing.T, silent bool) {
	s := &cutStore{Store: store.NewMemory("cut"), silent: silent}
	a, b := openOn(t, s), openOn(t, s.Store)
	run := newRunID(t, 1)
	lease, err := a.Acquire(t.Context(), run, "a", ttl)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // its next request is a while away
	s.cut.Store(true)
	taken, took := acquireWithin(t, b, run, 2*ttl)
	if !isLost(lease) {
		t.Error("the lease is taken over before its owner knows")
	}
	if took < ttl {
		t.Errorf("the lease is taken over after %v, its term is %v", took, ttl)
	}
	s.cut.Store(false)
	wantErr(t, "Release of what is lost", lease.Release(t.Context()), nil)
	time.Sleep(2 * ttl)
	if isLost(taken) {
		t.Error("the new owner loses the lease by the release of the old one")
	}
	wantErr(t, "Release", taken.Release(t.Context()), nil)
}

// TestLeaseDamaged wants that a lease nobody can read is taken over in the end.
func TestLeaseDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory("damaged")
		r := openOn(t, s)
		run := newRunID(t, 1)
		if _, err := s.Swap(t.Context(), "runs/"+run+"/lease.json", "", []byte(`{"owner":"a","milliseconds":9e99}`)); err != nil {
			t.Fatal(err)
		}
		lease, took := acquireWithin(t, r, run, 2*ttl)
		if took < ttl {
			t.Errorf("it takes %v, want more than %v", took, ttl)
		}
		wantErr(t, "Release", lease.Release(t.Context()), nil)
	})
}

func TestLeaseRace(t *testing.T) {
	url := memoryURL(t)
	for seed := range 10 {
		var wins atomic.Int64
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() {
				r, err := registry.Open(t.Context(), url)
				if err != nil {
					t.Error(err)
					return
				}
				lease, err := r.Acquire(t.Context(), newRunID(t, seed), fmt.Sprint(w), time.Minute)
				if err == nil {
					wins.Add(1)
					t.Cleanup(func() { lease.Release(context.Background()) })
				} else if !errors.Is(err, registry.ErrHeld) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if wins.Load() != 1 {
			t.Errorf("%d of 16 have the lease, want one", wins.Load())
		}
	}
}

// A lateStore holds up the next swap, however long that takes.
type lateStore struct {
	store.Store
	hold atomic.Pointer[chan struct{}]
}

func (s *lateStore) Swap(ctx context.Context, key string, old store.Version, data []byte) (store.Version, error) {
	if hold := s.hold.Swap(nil); hold != nil {
		<-*hold
	}
	return s.Store.Swap(ctx, key, old, data)
}

// TestLeaseLateRelease: an owner whose request to give the lease back arrives after another has taken it over does not
// give back what is the other's.
func TestLeaseLateRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lateStore{Store: store.NewMemory("late")}
		a, b := openOn(t, s), openOn(t, s.Store)
		run := newRunID(t, 1)
		lease, err := a.Acquire(t.Context(), run, "a", ttl)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		hold := make(chan struct{})
		s.hold.Store(&hold)
		released := make(chan error)
		go func() { released <- lease.Release(t.Context()) }()
		taken, _ := acquireWithin(t, b, run, 2*ttl)
		close(hold)
		wantErr(t, "Release that is late", <-released, nil)
		_, err = a.Acquire(t.Context(), run, "a", ttl)
		wantErr(t, "the lease of the new owner", err, registry.ErrHeld)
		wantErr(t, "Release", taken.Release(t.Context()), nil)
	})
}
