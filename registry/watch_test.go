package registry_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

// A bucket counts requests as countingStore does, and lists names by the thousand.
type bucket struct{ countingStore }

func (b *bucket) Names(ctx context.Context, folder string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		n := 0
		b.requests.Add(1)
		for name, err := range b.Store.(*store.Memory).Names(ctx, folder) {
			if n++; n%1000 == 0 {
				b.requests.Add(1)
			}
			if !yield(name, err) {
				return
			}
		}
	}
}

func (b *bucket) Probe(context.Context) error { return nil }

// TestWatch: of 10,000 runs, 400 of them at work, beside 100,000 others, a look takes at most 50 requests, and after some
// looks everything is known: what is finished and why it failed, who holds what, and at which step he is.
func TestWatch(t *testing.T) {
	const planned, finished, later, held, others, most = 10_000, 6000, 70, 400, 100_000, 50
	synctest.Test(t, func(t *testing.T) {
		s := &bucket{countingStore{Store: store.NewMemory(t.Name())}}
		r := openOn(t, s)
		runs := make([]string, planned)
		finish := func(from, to int) {
			for i := from; i < to; i++ {
				m := newManifest(i, nil)
				if i%1000 == 999 {
					m.Status, m.Reason, m.Result = registry.Failed, fmt.Sprintf("diverged in %d", i), nil
				}
				commit(t, r, m)
			}
		}
		for i := range runs {
			runs[i] = newRunID(t, i)
		}
		finish(0, finished)
		if _, err := r.Reindex(t.Context()); err != nil {
			t.Fatal(err)
		}
		finish(finished, finished+later)
		begin := finished + later
		for i := begin; i < begin+held; i++ {
			lease, err := r.Acquire(t.Context(), runs[i], fmt.Sprintf("worker %d", i), 20*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			lease.Reached(i)
			if i%2 == 0 {
				if _, err := r.Append(t.Context(), runs[i], "checkpoint", 1); err != nil {
					t.Fatal(err)
				}
			}
			defer lease.Release(t.Context())
		}
		begun := time.Now()
		time.Sleep(10 * time.Second) // they are renewed

		for i := range others { // of which there is nothing but names
			key := fmt.Sprintf("runs/%032x/lease.json", i)
			if err := s.Store.Create(t.Context(), key, bytes.NewReader(nil), 0, store.DigestOf(nil)); err != nil {
				t.Fatal(err)
			}
		}
		w := openOn(t, s).Watch(runs, nil, most-2)
		look := func() *registry.Sight {
			t.Helper()
			s.requests.Store(0)
			sight, err := w.Look(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n := s.requests.Load(); n > most {
				t.Errorf("a look takes %d requests, want at most %d", n, most)
			}
			time.Sleep(10 * time.Second)
			return sight
		}
		sight := look()
		if len(sight.Finished) < finished || len(sight.Unread) == 0 {
			t.Errorf("the first look sees %d finished, and that %d are not read", len(sight.Finished), len(sight.Unread))
		}
		looks := 1
		for ; len(sight.Unread) > 0 || len(sight.Finished) < finished+later; looks++ {
			if sight = look(); looks > 40 {
				t.Fatalf("after %d looks %d are not read, and %d finished", looks, len(sight.Unread), len(sight.Finished))
			}
		}
		t.Logf("%d looks", looks)
		if len(sight.Leases) != held || len(sight.Reasons) != finished/1000 {
			t.Errorf("%d are held and %d failed, want %d and %d", len(sight.Leases), len(sight.Reasons), held, finished/1000)
		}
		for i := begin; i < begin+held; i++ {
			l := sight.Leases[runs[i]]
			if !l.Live || l.Silent() || l.Step != i || l.Owner != fmt.Sprintf("worker %d", i) || begun.Sub(l.Since).Abs() > time.Second {
				t.Errorf("run %d is seen as %+v", i, l)
			}
		}
		for i := 999; i < finished; i += 1000 {
			if got := sight.Reasons[runs[i]]; got != fmt.Sprintf("diverged in %d", i) {
				t.Errorf("run %d failed for %q", i, got)
			}
		}
		// What is finished meanwhile is seen in the next look.
		commit(t, r, newManifest(begin, nil))
		if sight = look(); sight.Finished[runs[begin]] == nil {
			t.Error("a run that was finished is not seen")
		}
	})
}

// TestWatchSilence: whose lease is not renewed for its term is silent, and what was given back is held by nobody.
func TestWatchSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := store.NewMemory(t.Name())
		dying := &dead{Store: shared}
		r := openOn(t, dying)
		run, other := newRunID(t, 1), newRunID(t, 2)
		lease, err := r.Acquire(t.Context(), run, "dying", 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		w := openOn(t, shared).Watch([]string{run, other}, nil, 50)
		look := func() registry.Holding {
			t.Helper()
			sight, err := w.Look(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := sight.Leases[other]; ok {
				t.Error("a run that nobody began is held")
			}
			return sight.Leases[run]
		}
		time.Sleep(time.Minute)
		if l := look(); !l.Live || l.Silent() {
			t.Errorf("at work: %+v", l)
		}
		dying.gone.Store(true)
		time.Sleep(10 * time.Second)
		if l := look(); l.Silent() {
			t.Errorf("a moment later: %+v", l)
		}
		time.Sleep(20 * time.Second)
		if l := look(); !l.Live || !l.Silent() {
			t.Errorf("dead: %+v", l)
		}
		<-lease.Lost()
	})
}

// dead is a store that cannot be reached any more, once it is gone.
type dead struct {
	store.Store
	gone atomic.Bool
}

func (d *dead) Swap(ctx context.Context, key string, old store.Version, data []byte) (store.Version, error) {
	if d.gone.Load() {
		return "", registry.ErrUnavailable
	}
	return d.Store.Swap(ctx, key, old, data)
}
