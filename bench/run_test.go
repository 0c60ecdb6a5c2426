package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
)

// small is a catalogue whose cells take a fraction of a second.
func small() *Catalogue {
	return &Catalogue{
		Arms: []*Arm{
			{ID: "all", Title: "all", Features: Trained},
			{ID: "hard", Title: "hardest tenth", Features: Trained, Rules: []negatives.Rule{{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.1}}},
			{ID: "random", Title: "random tenth", Features: Trained, Rules: []negatives.Rule{{Action: negatives.Keep, Pool: negatives.Random, Fraction: 0.1}}},
			{ID: "again", Title: "all, by another name", Features: Trained},
			{ID: "untrained", Title: "untrained", Features: Untrained},
			{ID: "pixels", Title: "pixels", Features: Pixels},
		},
		Datasets: []*dataset.Source{{
			Name: "glyphs-small", From: "drawn", Digest: "sha256:694905712762d37ee3742e7bcea1648670a3003a275d18310eff8f9033de63f6",
			Tree: dataset.GlyphTree, Read: dataset.Glyphs(1_000, 500),
		}},
		Claims: []*Claim{{
			ID: "hard", Thesis: "hard", Statement: "s", Target: "t", Source: Source{Where: "w", Ours: "o"},
			Contrasts: []Contrast{{A: "hard", B: "all", Relation: Greater, Margin: 0.1}}, Controls: []string{"random", "again"},
			MinSeeds: 2, Probe: "probe1-softmax-l2-0.001-lbfgs-5-ridge-0.01-knn-5",
		}},
		Tiers: []*Tier{{
			ID: "tiny", Title: "tiny", Caveat: "c", Dataset: "glyphs-small",
			Train: moco.Config{
				Encoder: encoder.Config{Size: 32, Stem: []int{4, 8}, Stages: []encoder.Stage{{Blocks: 1, Width: 4, Out: 8, Stride: 2}}, Hidden: 8, Dim: 8},
				Augment: augment.Config{MinArea: .4, Brightness: .3, JitterProb: .8, FlipProb: .5},
				Batch:   16, Queue: 64, Steps: 12, Temperature: .2, KeyMomentum: .9, NormGroups: 2,
				SGD: nn.SGD{LearningRate: .05, WarmupSteps: 2, Momentum: .9, WeightDecay: 1e-4},
			},
			Probe: probe.Protocol{L2: .001, Iterations: 5, Ridge: .01, Neighbours: 5}, Checkpoints: []float64{.5, 1}, BandEvery: 3, Seeds: 2,
			Analysis: analysis.Protocol{Queries: 100, Tail: .05, Draws: 19, Resamples: 19},
		}},
		Floors: []string{"untrained", "pixels"},
		Gain:   Gain{Of: "all", Over: "untrained"},
	}
}

var smallData = sync.OnceValue(func() *dataset.Dataset {
	d, err := small().Datasets[0].Open("")
	if err != nil {
		panic(err)
	}
	return d
})

func runner(t *testing.T, store string) *Runner {
	t.Helper()
	reg, err := registry.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	return &Runner{Registry: reg, Data: smallData(), Probe: small().Tiers[0].Probe, Backend: backend.Backend{Kind: "go"}, Parallel: 2, Threads: 1, Lease: time.Second}
}

func cellsOf(seeds int) []Cell {
	c := small()
	return c.Matrix(c.Tiers[0], c.Claims, Explored(seeds), Environment{Backend: "go"})
}

// encoderCells leaves out pixels, whose hundreds of features take longer to probe than all else takes to train.
func encoderCells(seeds int) []Cell {
	return slices.DeleteFunc(cellsOf(seeds), func(c Cell) bool { return c.Arm == "pixels" })
}

// TestPixelsAreMeansOfFour: the features of an image are its pixels at half resolution, up to a factor.
func TestPixelsAreMeansOfFour(t *testing.T) {
	image := make(dataset.Memory, 4*2*dataset.Channels)
	for i := range image {
		image[i] = uint8(i)
	}
	set, err := sums(dataset.Split{Reader: image, Labels: []int32{7}, Height: 2, Width: 4}, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := probe.Set{Dim: 6, Labels: []int32{7}, Values: []float32{30, 34, 38, 54, 58, 62}}
	if diff := cmp.Diff(want, set); diff != "" {
		t.Error(diff)
	}
}

func TestMatrixHoldsEachRunOnce(t *testing.T) {
	var got []string
	for _, c := range cellsOf(2) {
		got = append(got, fmt.Sprintf("%s %d", c.Arm, c.Seed))
	}
	// "again" is the same training as "all"; pixels have no seed.
	want := []string{"untrained 0", "pixels 0", "untrained 1", "again 0", "hard 0", "random 0", "again 1", "hard 1", "random 1"}
	slices.Sort(got)
	slices.Sort(want)
	if len(got) == len(want) { // which of the two names stands for the run is the order's business
		for i := range got {
			got[i] = strings.Replace(got[i], "all", "again", 1)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// results returns the result digests of the cells, by run.
func results(t *testing.T, r *Runner, cells []Cell) map[string]registry.Digest {
	t.Helper()
	out := map[string]registry.Digest{}
	for _, c := range cells {
		m, _, err := r.Registry.Run(t.Context(), c.Spec.ID())
		if err != nil {
			t.Fatalf("%s seed %d: %v", c.Arm, c.Seed, err)
		}
		if m.Status != registry.Complete {
			t.Fatalf("%s seed %d failed: %s", c.Arm, c.Seed, m.Reason)
		}
		out[c.Spec.ID()] = m.ResultDigest
	}
	return out
}

// TestSameSpecSameBytes runs a matrix twice, side by side with a thread each and cell by cell with all threads;
// then once more, which must find everything there.
func TestSameSpecSameBytes(t *testing.T) {
	cells := encoderCells(2)
	a, b := runner(t, t.TempDir()), runner(t, t.TempDir())
	b.Parallel, b.Threads = 1, runtime.GOMAXPROCS(0)
	for _, r := range []*Runner{a, b} {
		if err := r.Run(t.Context(), cells); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(results(t, a, cells), results(t, b, cells)); diff != "" {
		t.Error(diff)
	}
	var mu sync.Mutex
	cached := 0
	a.Observe = func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Cached {
			cached++
		} else {
			t.Errorf("%s runs again", e.Name)
		}
	}
	if err := a.Run(t.Context(), cells); err != nil || cached != len(cells) {
		t.Errorf("%d of %d cells were there, error %v", cached, len(cells), err)
	}
	problems, err := a.Registry.Check(t.Context(), registry.CheckOptions{ReadData: true})
	if err != nil || len(problems) > 0 {
		t.Errorf("check: %v, %v", problems, err)
	}
	seeds := map[registry.Digest]bool{}
	for _, d := range results(t, a, cells) {
		seeds[d] = true
	}
	if len(seeds) != len(cells) {
		t.Errorf("%d cells gave %d different results", len(cells), len(seeds))
	}
}

// TestInterruptAndResume stops a run at every step in turn and resumes it: the final bytes must be those
// of an uninterrupted run.
func TestInterruptAndResume(t *testing.T) {
	cells := cellsOf(1)
	cell := cells[slices.IndexFunc(cells, func(c Cell) bool { return c.Arm == "random" })]
	whole := runner(t, t.TempDir())
	if err := whole.Run(t.Context(), []Cell{cell}); err != nil {
		t.Fatal(err)
	}
	want := results(t, whole, []Cell{cell})

	r := runner(t, t.TempDir())
	began, resumed := time.Now(), time.Time{}
	for stop := 1; stop <= cell.Spec.Training.Steps(); stop += 3 {
		if stop > 1 && resumed.IsZero() {
			resumed = time.Now()
		}
		ctx, cancel := context.WithCancel(t.Context())
		first := 0
		r.Observe = func(e Event) {
			if first == 0 {
				first = e.Step
			}
			if e.Step == stop {
				cancel()
			}
		}
		err := r.Run(ctx, []Cell{cell})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at step %d: %v", stop, err)
		}
		if stop > 1 && first != stop-2 {
			t.Errorf("after a stop at step %d the run went on with step %d", stop-3, first)
		}
		if done, err := Finished(t.Context(), r.Registry, cell.Spec.ID()); done || err != nil {
			t.Fatalf("stopped at step %d: finished %t, %v", stop, done, err)
		}
	}
	r.Observe = nil
	if err := r.Run(t.Context(), []Cell{cell}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, results(t, r, []Cell{cell})); diff != "" {
		t.Error(diff)
	}
	m, _, _ := r.Registry.Run(t.Context(), cell.Spec.ID())
	if m.Provenance.Resumed != 4 {
		t.Errorf("resumed %d times, want 4", m.Provenance.Resumed)
	}
	// A run has begun when its first attempt did: a plan that was registered in between came after it.
	if at := m.Provenance.Started; at.Before(began.Truncate(time.Millisecond)) || at.After(resumed) {
		t.Errorf("the run began at %v, its first attempt between %v and %v", at, began, resumed)
	}
}

// cancelling is a reader that cancels a run while it makes the batch of a step, counted from 0: that happens in the
// middle of the step before, whose number from 1 it is.
type cancelling struct {
	dataset.Reader
	left   atomic.Int64 // images until then
	cancel func()
}

func (c *cancelling) Read(i int, image []uint8) error {
	if c.left.Add(-1) == 0 {
		c.cancel()
	}
	return c.Reader.Read(i, image)
}

// TestInterruptInTheMiddleOfAStep: the step is finished and nothing of it lost, at a declared checkpoint (6) as well.
func TestInterruptInTheMiddleOfAStep(t *testing.T) {
	cells := cellsOf(1)
	cell := cells[slices.IndexFunc(cells, func(c Cell) bool { return c.Arm == "hard" })]
	whole := runner(t, t.TempDir())
	if err := whole.Run(t.Context(), []Cell{cell}); err != nil {
		t.Fatal(err)
	}
	want := results(t, whole, []Cell{cell})
	for _, step := range []int{4, 6} {
		ctx, cancel := context.WithCancel(t.Context())
		data := *smallData()
		reader := &cancelling{Reader: data.Train.Reader, cancel: cancel}
		reader.left.Store(int64(16*step + 1))
		data.Train.Reader = reader
		r := runner(t, t.TempDir())
		r.Data = &data
		var steps []int
		r.Observe = func(e Event) {
			if e.Step > 0 {
				steps = append(steps, e.Step)
			}
		}
		if err := r.Run(ctx, []Cell{cell}); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped in step %d: %v", step, err)
		}
		if err := r.Run(t.Context(), []Cell{cell}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, steps); diff != "" {
			t.Errorf("stopped in step %d: a step is missing, or trained twice: %s", step, diff)
		}
		if diff := cmp.Diff(want, results(t, r, []Cell{cell})); diff != "" {
			t.Error(diff)
		}
	}
}

// TestDivergedRunIsRecorded: a loss that is not a number ends a run, which is kept with its reason and
// not tried again.
func TestDivergedRunIsRecorded(t *testing.T) {
	c := small()
	train := c.Tiers[0].Train.(moco.Config)
	train.LearningRate = 1e30
	c.Tiers[0].Train = train
	cells := c.Matrix(c.Tiers[0], c.Claims, Explored(1), Environment{Backend: "go"})
	cell := cells[slices.IndexFunc(cells, func(c Cell) bool { return c.Arm == "hard" })]
	r := runner(t, t.TempDir())
	failed := ""
	r.Observe = func(e Event) { failed += e.Failed }
	for range 2 {
		if err := r.Run(t.Context(), []Cell{cell}); err != nil {
			t.Fatal(err)
		}
	}
	m, _, err := r.Registry.Run(t.Context(), cell.Spec.ID())
	if err != nil || m.Status != registry.Failed || !strings.Contains(m.Reason, "diverged") || failed != m.Reason {
		t.Errorf("status %q, reason %q, observed %q, %v", m.Status, m.Reason, failed, err)
	}
}

// TestProcessesShareAMatrix: two runners on one registry - as two machines would be - train each cell once
// between them.
func TestProcessesShareAMatrix(t *testing.T) {
	cells, store := encoderCells(2), t.TempDir()
	var mu sync.Mutex
	trained, held := map[string]int{}, 0
	var both sync.WaitGroup
	for range 2 {
		r := runner(t, store)
		r.Lease = 5 * time.Second // a busy machine is not a dead process
		r.Observe = func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Done && !e.Cached {
				trained[e.Run]++
			}
			if e.Held {
				held++
			}
		}
		both.Go(func() {
			if err := r.Run(t.Context(), cells); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	for _, c := range cells {
		if n := trained[c.Spec.ID()]; n != 1 {
			t.Errorf("%s seed %d was trained %d times", c.Arm, c.Seed, n)
		}
	}
	if held == 0 {
		t.Error("the two never met: nothing was tested")
	}
	results(t, runner(t, store), cells)
}
