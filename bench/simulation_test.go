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
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3"
	"github.com/cidbench/cidbench/registry/store"
)

// A bucket is a store that answers as slowly as S3 does, and counts what it is asked.
type bucket struct {
	start time.Time

	mu        sync.Mutex
	shelves   map[string]store.Store // by what all their keys start with, so that no listing goes through all objects
	requests  int
	perSecond map[int]int // reads
	passed    time.Time   // the probe of it
	begun     bool
}

func newBucket() *bucket {
	return &bucket{start: time.Now(), shelves: map[string]store.Store{}, perSecond: map[int]int{}}
}

func (b *bucket) String() string { return "mem://bucket" }

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

// shelf is the folder of a key, and some of the next name.
func (b *bucket) shelf(key string) store.Store {
	name := key[:min(len(key), strings.LastIndexByte(key, '/')+1)]
	for _, folder := range []string{"runs/", "blobs/sha256/"} {
		if strings.HasPrefix(key, folder) {
			name = key[:len(folder)+2]
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shelves[name] == nil {
		b.shelves[name] = store.NewMemory(name)
	}
	return b.shelves[name]
}

func (b *bucket) Get(ctx context.Context, key string) (io.ReadCloser, store.Info, error) {
	b.asked(true, readTime)
	return b.shelf(key).Get(ctx, key)
}

func (b *bucket) Stat(ctx context.Context, key string) (store.Info, error) {
	b.asked(true, readTime)
	return b.shelf(key).Stat(ctx, key)
}

func (b *bucket) Load(ctx context.Context, key string) ([]byte, store.Version, error) {
	b.asked(true, readTime)
	return b.shelf(key).Load(ctx, key)
}

func (b *bucket) Create(ctx context.Context, key string, body io.ReadSeeker, size int64, sum store.Digest) error {
	b.asked(false, writeTime)
	return b.shelf(key).Create(ctx, key, body, size, sum)
}

func (b *bucket) Swap(ctx context.Context, key string, old store.Version, data []byte) (store.Version, error) {
	b.asked(false, writeTime)
	return b.shelf(key).Swap(ctx, key, old, data)
}

func (b *bucket) Delete(ctx context.Context, key string) error {
	b.asked(false, writeTime)
	return b.shelf(key).Delete(ctx, key)
}

func (b *bucket) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		b.mu.Lock()
		names := slices.Sorted(maps.Keys(b.shelves))
		b.mu.Unlock()
		n := 0
		for _, name := range names {
			if !strings.HasPrefix(name, prefix) && !strings.HasPrefix(prefix, name) {
				continue
			}
			for info, err := range b.shelf(name).List(ctx, prefix) {
				if n%1000 == 0 {
					b.asked(true, pageTime)
				}
				if n++; !yield(info, err) {
					return
				}
			}
		}
		if n == 0 {
			b.asked(true, pageTime)
		}
	}
}

// Probe decides as a bucket of S3 does whether to ask for what one asks for.
func (b *bucket) Probe(ctx context.Context) error {
	return s3.Trust(ctx, b, func(context.Context) error {
		var apart, upload sync.WaitGroup
		apart.Go(func() { b.writes(5) }) // what does not match its sum, an upload in three requests, and its removal
		upload.Go(func() { b.writes(2) })
		b.writes(1)
		upload.Wait()
		upload.Go(func() { b.writes(2) }) // it is refused, and ended
		b.writes(2)                       // what is refused
		upload.Wait()
		b.asked(true, readTime)
		b.writes(2)
		apart.Wait()
		return nil
	})
}

func (b *bucket) writes(n int) {
	for range n {
		b.asked(false, writeTime)
	}
}

func (b *bucket) Passed(context.Context) (bool, error) {
	b.asked(true, readTime)
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Since(b.passed) < time.Hour, nil
}

func (b *bucket) Begin(context.Context) (first bool, err error) {
	b.asked(false, writeTime)
	b.mu.Lock()
	defer b.mu.Unlock()
	first, b.begun = !b.begun, true
	return first, nil
}

func (b *bucket) End(context.Context, bool) error {
	b.writes(2)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.passed, b.begun = time.Now(), false
	return nil
}

func (b *bucket) peak() (most int) {
	for _, n := range b.perSecond {
		most = max(most, n)
	}
	return most
}

// A trial is a matrix, and those who are to compute it. Some die half-way: their processes stop, and their leases run out.
type trial struct {
	cells, workers, dying int
	analysed              bool // afterwards, as each encoder is in the end
}

// simulation is what workers did to a matrix.
type simulation struct {
	trial
	matrix []Cell
	ids    []string
	bucket *bucket
	start  time.Time

	mu       sync.Mutex
	computed map[string]int             // how often, by run
	work     time.Duration              // of all of them
	leased   map[int]time.Duration      // when a worker with a share took its first lease
	took     time.Duration              // of the clock of the simulation
	speeds   map[int]time.Duration      // what a worker takes for a cell
	analyses map[string]registry.Digest // there are, by run
}

// simulate has workers of unlike speed open one bucket and compute cells of a minute, and analyses of a quarter of that,
// through the real opening, scheduling, leases and commits.
func simulate(t testing.TB, c trial) *simulation {
	s := &simulation{
		trial: c, matrix: cellsOf(c.cells/4 + 1)[:c.cells], bucket: newBucket(), start: time.Now(),
		computed: map[string]int{}, leased: map[int]time.Duration{}, speeds: map[int]time.Duration{}, analyses: map[string]registry.Digest{},
	}
	for _, cell := range s.matrix {
		s.ids = append(s.ids, cell.Spec.ID())
	}
	random := rand.New(rand.NewPCG(1, uint64(c.workers)))
	var wait sync.WaitGroup
	for w := range c.workers {
		s.speeds[w] = time.Duration(30+random.IntN(60)) * time.Second
	}
	for w := range c.workers {
		wait.Go(func() {
			ctx, die := context.WithCancel(t.Context())
			defer die()
			if err := s.worker(ctx, w, die); err != nil && !(w < c.dying && errors.Is(err, context.Canceled)) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	s.took = time.Since(s.start)
	return s
}

// worker does what `run` does.
func (s *simulation) worker(ctx context.Context, w int, die func()) error {
	share := Share{w, s.workers}
	if err := share.Spread(ctx); err != nil {
		return err
	}
	own, err := registry.OpenOn(ctx, s.bucket)
	if err != nil {
		return err
	}
	none := func(*registry.Summary) bool { return false }
	there, err := own.Overview(ctx, none)
	if err != nil {
		return err
	}
	r := &Runner{Registry: own, Backend: backend.Backend{Kind: "go"}, Parallel: 1, Threads: 1, Lease: 20 * time.Second, Share: share}
	r.Known = there.Has
	done := 0
	err = r.all(ctx, s.ids, func(ctx context.Context, i int) error {
		return r.once(ctx, s.ids[i], s.matrix[i].Name(), func(ctx context.Context, _ attempt) (registry.Manifest, error) {
			if done++; done == 1 && w < s.cells {
				s.mu.Lock()
				s.leased[w] = time.Since(s.start)
				s.mu.Unlock()
			}
			if w < s.dying && done == 2 {
				die()
			}
			return s.train(ctx, own, i, s.speeds[w])
		})
	})
	if err != nil || !s.analysed {
		return err
	}
	if err := share.Settle(ctx); err != nil {
		return err
	}
	if there, err = own.Overview(ctx, none); err != nil {
		return err
	}
	analyses, err := Analyses(ctx, there.Run, s.matrix, small().Tiers[0].Analysis, smallTree(), Environment{Backend: "go"})
	if err != nil {
		return err
	}
	analyses = slices.DeleteFunc(analyses, func(a Analysis) bool { return a.Step < a.Cell.Spec.Training.Steps() })
	ids := make([]string, len(analyses))
	s.mu.Lock()
	for i, a := range analyses {
		ids[i] = a.Spec.ID()
		s.analyses[ids[i]] = a.state.Digest
	}
	s.mu.Unlock()
	r.Known = there.Has
	return r.all(ctx, ids, func(ctx context.Context, i int) error {
		return r.once(ctx, ids[i], analyses[i].Name(), func(ctx context.Context, _ attempt) (registry.Manifest, error) {
			return s.analyse(ctx, own, analyses[i], s.speeds[w]/4)
		})
	})
}

// train takes its time, and leaves what a training does.
func (s *simulation) train(ctx context.Context, own *registry.Registry, i int, takes time.Duration) (registry.Manifest, error) {
	if err := sleep(ctx, takes); err != nil {
		return registry.Manifest{}, err
	}
	state, err := own.PutBlob(ctx, "application/octet-stream", []byte(s.ids[i]))
	if err != nil {
		return registry.Manifest{}, err
	}
	if _, err := own.Append(ctx, s.ids[i], checkpointEvent, checkpoint{Run: s.ids[i], State: state, Series: state}); err != nil {
		return registry.Manifest{}, err
	}
	s.count(s.ids[i], takes)
	m := registry.Manifest{Status: registry.Complete, Key: s.matrix[i].Spec.Key(), Artifacts: map[string]registry.Descriptor{SeriesArtifact: state}}
	for _, step := range s.matrix[i].Spec.Training.Checkpoints {
		m.Artifacts[CheckpointName(step)] = state
	}
	m.Result, err = json.Marshal(Result{Loss: 1})
	return m, err
}

// analyse takes its time, and leaves what an analysis does.
func (s *simulation) analyse(ctx context.Context, own *registry.Registry, a Analysis, takes time.Duration) (registry.Manifest, error) {
	if a.state.Digest != "" {
		if _, err := own.Blob(ctx, a.state); err != nil {
			return registry.Manifest{}, err
		}
	}
	if err := sleep(ctx, takes); err != nil {
		return registry.Manifest{}, err
	}
	counts, err := own.PutBlob(ctx, "application/octet-stream", []byte("counts of "+a.Spec.ID()))
	s.count(a.Spec.ID(), takes)
	return registry.Manifest{
		Status: registry.Complete, Key: a.Spec.Key(), Result: json.RawMessage("{}"), Artifacts: map[string]registry.Descriptor{CountsArtifact: counts},
	}, err
}

func (s *simulation) count(run string, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.computed[run]++
	s.work += took
}

func (s *simulation) perCell() float64 { return float64(s.bucket.requests) / float64(s.cells) }

// starts are when the first worker took a lease, and the last.
func (s *simulation) starts() (first, last time.Duration) {
	all := slices.Sorted(maps.Values(s.leased))
	return all[0], all[len(all)-1]
}

// String is a row of the table in docs/scale.md.
func (s *simulation) String() string {
	first, last := s.starts()
	ideal := s.work / time.Duration(s.workers)
	return fmt.Sprintf("| %d | %d | %d | %d | %.0f | %d | %.2f | %.2f | %.2f |", s.cells, len(s.analyses), s.workers, s.dying,
		s.perCell(), s.bucket.peak(), first.Seconds(), last.Seconds(), s.took.Seconds()/ideal.Seconds())
}

func smallTree() taxonomy.Tree { return small().Datasets[0].Tree() }

// whole asks for the table of docs/scale.md, which takes an hour or more.
var whole = flag.Bool("whole", false, "simulate up to 100,000 cells and 1,000 workers")

// TestRequestsGrowWithTheWork: opening a registry, cells and analyses take at most 300 requests a cell, and not workers
// times cells; no cell is computed twice, those of workers that die are computed by others, and work begins in
// a second: the first worker makes the registry and probes the bucket, by some 25 requests one after the other.
func TestRequestsGrowWithTheWork(t *testing.T) {
	trials := []trial{{1, 1, 0, true}, {100, 1, 0, true}, {100, 10, 2, true}, {300, 100, 10, true}, {100, 300, 0, true}}
	if *whole {
		trials = append(trials, []trial{
			{100, 1000, 0, true}, {1000, 10, 0, true}, {1000, 100, 0, true}, {1000, 1000, 0, true},
			{10_000, 100, 0, false}, {10_000, 1000, 0, false}, {100_000, 1000, 0, false},
		}...)
	}
	for _, c := range trials {
		t.Run(fmt.Sprintf("%d-cells/%d-workers", c.cells, c.workers), func(t *testing.T) { synctest.Test(t, c.test) })
	}
}

// test is a row of the table in docs/scale.md.
func (c trial) test(t *testing.T) {
	s := simulate(t, c)
	t.Log(s)
	if n := len(s.computed); n != c.cells+len(s.analyses) || c.analysed != (len(s.analyses) > 0) {
		t.Errorf("%s: %d runs were computed", s, n)
	}
	for run, n := range s.computed {
		if n > 1 {
			t.Errorf("%s: run %s was computed %d times", s, run, n)
		}
	}
	if s.perCell() > 300 || s.bucket.peak() > 5000 {
		t.Errorf("too many requests: %s", s)
	}
	if first, last := s.starts(); first > time.Second || last > 2500*time.Millisecond {
		t.Errorf("it takes too long until work begins: %s", s)
	}
}
