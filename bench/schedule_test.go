package bench

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

// A bucket is a store that answers as slowly as S3 does, and counts what it is asked.
type bucket struct {
	store.Store
	start time.Time

	mu        sync.Mutex
	requests  int
	perSecond map[int]int // reads
}

func newBucket() *bucket {
	return &bucket{Store: store.NewMemory("bucket"), start: time.Now(), perSecond: map[int]int{}}
}

func (b *bucket) asked(read bool, takes time.Duration) {
	b.mu.Lock()
	b.requests++
	if read {
		b.perSecond[int(time.Since(b.start)/time.Second)]++
	}
	b.mu.Unlock()
	time.Sleep(takes)
}

const (
	readTime  = 20 * time.Millisecond
	writeTime = 40 * time.Millisecond
	pageTime  = 100 * time.Millisecond
)

func (b *bucket) Get(ctx context.Context, key string) (io.ReadCloser, store.Info, error) {
	b.asked(true, readTime)
	return b.Store.Get(ctx, key)
}

func (b *bucket) Stat(ctx context.Context, key string) (store.Info, error) {
	b.asked(true, readTime)
	return b.Store.Stat(ctx, key)
}

func (b *bucket) Load(ctx context.Context, key string) ([]byte, store.Version, error) {
	b.asked(true, readTime)
	return b.Store.Load(ctx, key)
}

func (b *bucket) Create(ctx context.Context, key string, body io.ReadSeeker, size int64, sum store.Digest) error {
	b.asked(false, writeTime)
	return b.Store.Create(ctx, key, body, size, sum)
}

func (b *bucket) Swap(ctx context.Context, key string, old store.Version, data []byte) (store.Version, error) {
	b.asked(false, writeTime)
	return b.Store.Swap(ctx, key, old, data)
}

func (b *bucket) Delete(ctx context.Context, key string) error {
	b.asked(false, writeTime)
	return b.Store.Delete(ctx, key)
}

func (b *bucket) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		n := 0
		for info, err := range b.Store.List(ctx, prefix) {
			if n%1000 == 0 {
				b.asked(true, pageTime)
			}
			if n++; !yield(info, err) {
				return
			}
		}
		if n == 0 {
			b.asked(true, pageTime)
		}
	}
}

func (b *bucket) peak() (most int) {
	for _, n := range b.perSecond {
		most = max(most, n)
	}
	return most
}

// simulation is what workers did to a matrix.
type simulation struct {
	cells, workers  int
	requests, peak  int
	computed, again int           // cells, and how many of them more than once
	took, ideal     time.Duration // of the clock of the simulation; ideal is all work over all workers
}

// simulate has workers of unlike speed compute cells of a minute, on one bucket, through the real scheduling, leases and
// commits. Some of the workers die half-way, if asked to: their processes stop, and their leases run out.
func simulate(t testing.TB, cells, workers, dying int) simulation {
	reg := newBucket()
	matrix := cellsOf(cells/4 + 1)[:cells]
	var mu sync.Mutex
	computed := map[string]int{}
	var work time.Duration
	speeds := rand.New(rand.NewPCG(1, uint64(workers)))
	var wait sync.WaitGroup
	start := time.Now()
	for w := range workers {
		slow := time.Duration(30+speeds.IntN(60)) * time.Second
		wait.Go(func() {
			ctx, die := context.WithCancel(t.Context())
			defer die()
			own, err := registry.OpenOn(ctx, reg)
			if err != nil {
				t.Error(err)
				return
			}
			r := &Runner{Registry: own, Backend: backend.Backend{Kind: "go"}, Parallel: 1, Threads: 1, Lease: 20 * time.Second, Share: Share{w, workers}}
			ids := make([]string, len(matrix))
			for i, cell := range matrix {
				ids[i] = cell.Spec.ID()
			}
			done := 0
			err = r.all(ctx, ids, func(ctx context.Context, i int) error {
				return r.once(ctx, ids[i], matrix[i].Name(), func(ctx context.Context, a attempt) (registry.Manifest, error) {
					if done++; w < dying && done == 2 {
						die()
					}
					if err := sleep(ctx, slow); err != nil {
						return registry.Manifest{}, err
					}
					series, err := own.PutBlob(ctx, SeriesType, []byte(ids[i]))
					if err != nil {
						return registry.Manifest{}, err
					}
					if _, err := own.Append(ctx, ids[i], checkpointEvent, checkpoint{Run: ids[i], Series: series}); err != nil {
						return registry.Manifest{}, err
					}
					mu.Lock()
					computed[ids[i]]++
					work += slow
					mu.Unlock()
					result, err := json.Marshal(Result{Loss: 1})
					return registry.Manifest{Status: registry.Complete, Key: matrix[i].Spec.Key(), Result: result, Artifacts: map[string]registry.Descriptor{SeriesArtifact: series}}, err
				})
			})
			if err != nil && !(w < dying && errors.Is(err, context.Canceled)) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	s := simulation{cells: cells, workers: workers, requests: reg.requests, peak: reg.peak(), computed: len(computed), took: time.Since(start), ideal: work / time.Duration(workers)}
	for n := range maps.Values(computed) {
		if n > 1 {
			s.again++
		}
	}
	return s
}

func (s simulation) String() string {
	return fmt.Sprintf("%d cells, %d workers: %.0f requests a cell, at most %d reads a second, %v (ideally %v)",
		s.cells, s.workers, float64(s.requests)/float64(s.cells), s.peak, s.took.Round(time.Second), s.ideal.Round(time.Second))
}

// whole asks for the table of docs/scale.md, which takes minutes.
var whole = flag.Bool("whole", false, "simulate up to 100,000 cells and 1,000 workers")

// Requests grow with the work, and not with work times workers; no cell is computed twice, and those of workers that
// die are computed by others.
func TestRequestsGrowWithTheWork(t *testing.T) {
	cases := []struct{ cells, workers, dying int }{{100, 1, 0}, {100, 10, 2}, {300, 100, 10}, {100, 300, 0}}
	if *whole {
		cases = append(cases, []struct{ cells, workers, dying int }{{100, 1000, 0}, {1000, 10, 0}, {1000, 100, 0}, {1000, 1000, 0}, {10_000, 100, 0}, {10_000, 1000, 0}, {100_000, 1000, 0}}...)
	}
	for _, c := range cases {
		synctest.Test(t, func(t *testing.T) {
			s := simulate(t, c.cells, c.workers, c.dying)
			t.Log(s)
			if s.computed != c.cells || s.again > 0 {
				t.Errorf("%s: %d cells were computed, %d of them again", s, s.computed, s.again)
			}
			if s.requests > 300*c.cells || s.peak > 5000 {
				t.Errorf("too many requests: %s", s)
			}
		})
	}
}

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
