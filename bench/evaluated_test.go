package bench

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/probe"
)

// enlarged makes images one and a quarter as large, by repeating pixels.
type enlarged struct{ dataset.Split }

func (e enlarged) Read(i int, image []uint8) error {
	small := e.Buffer()
	if err := e.Split.Read(i, small); err != nil {
		return err
	}
	side := e.Width * 5 / 4
	for at := range side * side {
		from := at/side*4/5*e.Width + at%side*4/5
		copy(image[at*dataset.Channels:][:dataset.Channels], small[from*dataset.Channels:])
	}
	return nil
}

// published is a tier whose source pictures are larger than the encoder's input, evaluated as is published, at a size
// that trains in a second: its first two arms and the floors, on one seed.
func published(t *testing.T, store string, kind string) (*Runner, []Cell) {
	t.Helper()
	c := small()
	tier := c.Tiers[0]
	tier.Probe = probe.Protocol{SGD: probe.Evaluation{LearningRate: 10, Momentum: .9, Batch: 128, Epochs: 4, Drops: []int{3}, MinArea: .3}}
	r := runner(t, store)
	data := *smallData()
	data.Height, data.Width = 40, 40
	for _, split := range []*dataset.Split{&data.Train, &data.Test} {
		*split = dataset.Split{Reader: enlarged{*split}, Labels: split.Labels, Height: 40, Width: 40}
	}
	r.Data, r.Probe = &data, tier.Probe
	return r, slices.DeleteFunc(c.Matrix(tier, c.Claims, Explored(1), Environment{Backend: kind}), func(c Cell) bool { return c.Arm == "random" })
}

// TestPublishedEvaluation trains such a tier from end to end, on go and on XLA: views, training and evaluation agree, and
// the result does not depend on threads.
func TestPublishedEvaluation(t *testing.T) {
	r, cells := published(t, t.TempDir(), "go")
	if err := r.Run(t.Context(), cells); err != nil {
		t.Fatal(err)
	}
	on := resultsOf(t, r, cells)
	for name, result := range on {
		if a := result.Accuracy; a.N != 500 || a.Linear < 8 || a.Ridge != 0 || a.KNN != 0 {
			t.Errorf("%s: %+v; chance is 5 of 500", name, a)
		}
	}
	again, _ := published(t, t.TempDir(), "go")
	again.Threads, again.Parallel = 3, 1
	one := cells[slices.IndexFunc(cells, func(c Cell) bool { return c.Arm == "hard" }):][:1]
	if err := again.Run(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(on[one[0].Name()], resultsOf(t, again, one)[one[0].Name()]); diff != "" {
		t.Errorf("other threads: %s", diff)
	}
	t.Run("xla", func(t *testing.T) {
		if testing.Short() {
			t.Skip("XLA compiles for minutes")
		}
		r, cells := published(t, t.TempDir(), "xla")
		cells = slices.DeleteFunc(cells, func(c Cell) bool { return c.Arm != "hard" && c.Arm != "untrained" })
		r.Backend, r.Parallel = backendtest.XLA(t), 1
		if err := r.Run(t.Context(), cells); err != nil {
			t.Fatal(err)
		}
		for name, x := range resultsOf(t, r, cells) {
			want := on[name]
			if math.Abs(float64(x.Accuracy.Linear-want.Accuracy.Linear)) > 15 {
				t.Errorf("%s: %d right on XLA, %d on go", name, x.Accuracy.Linear, want.Accuracy.Linear)
			}
			for i, p := range x.Progress {
				// The first step sees the views alone; from there on rounding grows.
				if math.Abs(p.Loss-want.Progress[i].Loss) > 2e-3 || math.Abs(p.Alignment-want.Progress[i].Alignment) > 2e-3 {
					t.Errorf("%s, step %d: %+v on XLA, %+v on go", name, p.Step, p, want.Progress[i])
				}
			}
		}
	})
}

// resultsOf are the results of cells by what they are called.
func resultsOf(t *testing.T, r *Runner, cells []Cell) map[string]Result {
	t.Helper()
	all := map[string]Result{}
	for _, cell := range cells {
		m, _, err := r.Registry.Run(t.Context(), cell.Spec.ID())
		if err != nil {
			t.Fatalf("%s: %v", cell.Name(), err)
		}
		var result Result
		if err := json.Unmarshal(m.Result, &result); err != nil {
			t.Fatal(err)
		}
		all[cell.Name()] = result
	}
	return all
}

// TestInterruptedEvaluation: a run that is stopped in the middle of its probe keeps the state of that step, trains no
// step again, and ends as if nothing had been.
func TestInterruptedEvaluation(t *testing.T) {
	whole, cells := published(t, t.TempDir(), "go")
	cells = cells[slices.IndexFunc(cells, func(c Cell) bool { return c.Arm == "hard" }):][:1]
	if err := whole.Run(t.Context(), cells); err != nil {
		t.Fatal(err)
	}
	for _, at := range cells[0].Spec.Training.Checkpoints {
		r, _ := published(t, t.TempDir(), "go")
		ctx, cancel := context.WithCancel(t.Context())
		reader := &cancelling{Reader: r.Data.Train.Reader, cancel: cancel}
		reader.left.Store(math.MaxInt64 / 2)
		r.Data.Train.Reader = reader
		r.Observe = func(e Event) {
			if e.Step == at { // its batch is made, so what is read from now on is read by the probe, or one batch ahead
				reader.left.Store(700)
			}
		}
		if err := r.Run(ctx, cells); !errors.Is(err, context.Canceled) {
			t.Fatalf("step %d: %v", at, err)
		}
		first := 0
		r.Observe = func(e Event) {
			if first == 0 {
				first = e.Step
			}
		}
		if err := r.Run(t.Context(), cells); err != nil {
			t.Fatal(err)
		}
		if last := cells[0].Spec.Training.Steps(); first != at+1 && at != last || at == last && first != 0 {
			t.Errorf("stopped in the probe of step %d it went on with step %d", at, first)
		}
		if diff := cmp.Diff(resultsOf(t, whole, cells), resultsOf(t, r, cells)); diff != "" {
			t.Errorf("step %d: %s", at, diff)
		}
	}
}

// TestTrainingIsSavedMeanwhile: whatever is declared, and to no other end.
func TestTrainingIsSavedMeanwhile(t *testing.T) {
	plain, cells := runner(t, t.TempDir()), encoderCells(1)
	cells = slices.DeleteFunc(cells, func(c Cell) bool { return c.Arm != "hard" })
	often := runner(t, t.TempDir())
	often.SaveEvery = 1
	for _, r := range []*Runner{plain, often} {
		if err := r.Run(t.Context(), cells); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(results(t, plain, cells), results(t, often, cells)); diff != "" {
		t.Error(diff)
	}
	saved := func(r *Runner) (steps []int) {
		all, err := (&run{Runner: r, id: cells[0].Spec.ID()}).checkpoints(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			steps = append(steps, c.Step)
		}
		return steps
	}
	if diff := cmp.Diff([]int{6, 12}, saved(plain)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, saved(often)); diff != "" {
		t.Error(diff)
	}
}

// TestPriceIsWhatARunTakes: what a registry keeps of a run is what was reckoned, within a quarter.
func TestPriceIsWhatARunTakes(t *testing.T) {
	r, cells := runner(t, t.TempDir()), encoderCells(1)
	cells = slices.DeleteFunc(cells, func(c Cell) bool { return c.Spec.Training.Features != Trained })[:1]
	if err := r.Run(t.Context(), cells); err != nil {
		t.Fatal(err)
	}
	m, _, err := r.Registry.Run(t.Context(), cells[0].Spec.ID())
	if err != nil {
		t.Fatal(err)
	}
	var kept int64
	for _, artifact := range m.Artifacts {
		kept += artifact.Size
	}
	tier := small().Tiers[0]
	header := int64(len(tier.Checkpoints)) * 8_000 // names and shapes, which weigh at this size alone
	cost := tier.Stated(1, smallData().Extent())
	if kept < cost.Disk*3/4 || kept > cost.Disk*5/4+header {
		t.Errorf("the run has %d bytes, reckoned were %d", kept, cost.Disk)
	}
	series, err := r.Registry.Blob(t.Context(), m.Artifacts[SeriesArtifact])
	if err != nil {
		t.Fatal(err)
	}
	if n, want := int64(len(series)), tier.series(); n < want*3/4 || n > want*5/4 {
		t.Errorf("the series has %d bytes, reckoned were %d", n, want)
	}
}

// TestMemoryOfXLAOnACPU: the estimate covers what processes were seen to take, and is not twice that.
func TestMemoryOfXLAOnACPU(t *testing.T) {
	shapes := Memory{Device: []Part{{"tensors", 860 << 20}}, Shared: []Part{{"the program", program}}}
	m := shapes.CompiledForCPU()
	const measured = 2102 << 20 // ResNet-18 at batches of 64, by make bench
	if got := Bytes(m.Device) + Bytes(m.Shared); got < measured || got > 2*measured {
		t.Errorf("%d bytes, %d were measured", got, measured)
	}
	if len(shapes.Device) != 1 || len(shapes.Shared) != 1 {
		t.Error("the shapes themselves were changed")
	}
}

// TestMemoryIsCheckedBeforeTheFirstStep, on CPUs for all cells together, on GPUs for one on each.
func TestMemoryIsCheckedBeforeTheFirstStep(t *testing.T) {
	m := Memory{Device: []Part{{"activations", 30e9}, {"gradients", 1e9}}, Host: []Part{{"the probe", 2e9}}, Shared: []Part{{"the images", 1e9}}}
	for _, tc := range []struct {
		cells        int
		gpus         bool
		machine, gpu int64
		want         string
	}{
		{1, false, 34e9, 0, ""},
		{2, false, 0, 0, ""}, // nothing says what there is
		{1, false, 33e9, 0, "tier t needs about 34 GB of memory, and the machine has 33 GB: it fits on a larger one, or write a tier with a smaller batch (tier show) (an estimate from the shapes of its tensors; a cell's largest parts: activations 30 GB)"},
		{3, false, 80e9, 0, "tier t needs about 100 GB of memory, and the machine has 80 GB: give --parallel 2, for fewer cells at a time than 3 (an estimate from the shapes of its tensors; a cell's largest parts: activations 30 GB)"},
		{8, true, 17e9, 31e9, ""},
		{8, true, 17e9, 0, ""},
		{8, true, 16e9, 80e9, "tier t needs about 17 GB of memory, and the machine has 16 GB: give --parallel 7, for fewer cells at a time than 8 (an estimate from the shapes of its tensors; a cell's largest parts: the probe 2 GB)"},
		{1, true, 64e9, 24e9, "tier t needs about 31 GB of memory, and a GPU has 24 GB: take a larger one, or write a tier with a smaller batch or precision: bfloat16 (tier show) (an estimate from the shapes of its tensors; a cell's largest parts: activations 30 GB)"},
	} {
		err, got := m.Check("t", tc.cells, tc.gpus, tc.machine, tc.gpu), ""
		if err != nil {
			got = err.Error()
			if !errors.As(err, new(*MemoryError)) {
				t.Errorf("%T", err)
			}
		}
		if got != tc.want {
			t.Errorf("%d cells, %d and %d bytes: %q\nwant %q", tc.cells, tc.machine, tc.gpu, got, tc.want)
		}
	}
}

// TestNeighboursOfEmbeddings: where the protocol asks for them they are measured at every checkpoint, of the untrained
// encoder too, and of pixels, which have no embedding, not at all. What else is measured stays what it was.
func TestNeighboursOfEmbeddings(t *testing.T) {
	plain, cells := runner(t, t.TempDir()), cellsOf(1)
	c := small()
	tier := c.Tiers[0]
	tier.Probe.Weighted = probe.Weighted{Neighbours: 20, Temperature: 0.1}
	r := runner(t, t.TempDir())
	r.Probe = tier.Probe
	more := c.Matrix(tier, c.Claims, Explored(1), Environment{Backend: "go"})
	chosen := func(c Cell) bool { return c.Arm != "hard" && c.Spec.Training.Features == Trained }
	cells, more = slices.DeleteFunc(cells, chosen), slices.DeleteFunc(more, chosen)
	if err := errors.Join(plain.Run(t.Context(), cells), r.Run(t.Context(), more)); err != nil {
		t.Fatal(err)
	}
	before := resultsOf(t, plain, cells)
	for name, result := range resultsOf(t, r, more) {
		kind := more[slices.IndexFunc(more, func(c Cell) bool { return c.Name() == name })].Spec.Training.Features
		for _, p := range append(slices.Clone(result.Curve), CurvePoint{Accuracy: result.Accuracy}) {
			if found := p.Accuracy.Weighted; (found > 0) != (kind != Pixels) {
				t.Errorf("%s, step %d: %d right", name, p.Step, found)
			}
		}
		for i := range result.Curve {
			result.Curve[i].Accuracy.Weighted = 0
		}
		result.Accuracy.Weighted = 0
		if diff := cmp.Diff(before[name], result); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
