package probe

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

var evaluation = Evaluation{LearningRate: 1, Momentum: 0.9, Batch: 16, Epochs: 6, Drops: []int{3, 5}, MinArea: 0.3}

// TestStepsArePyTorchs: schedule, gradient, momentum and the last short batch (testdata/evaluation.py).
func TestStepsArePyTorchs(t *testing.T) {
	text, err := os.ReadFile("testdata/evaluation.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Dim, Classes, Batch, Epochs int
		Rate, Momentum              float64
		Drops                       []int
		X, Weights                  []float32
		Labels                      []int32
		WantWeights, WantBiases     []float32
		WantCorrect                 int
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	backendtest.Each(t, func(t *testing.T, d nn.Device) {
		e := Evaluation{LearningRate: golden.Rate, Momentum: golden.Momentum, Batch: golden.Batch, Epochs: golden.Epochs, Drops: golden.Drops}
		c, err := e.classifier(d, golden.Classes, golden.Dim, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		c.params[0] = tensors.FromFlatDataAndDimensions(golden.Weights, golden.Classes, golden.Dim)
		x := Set{Dim: golden.Dim, Values: golden.X, Labels: golden.Labels}
		for epoch := range golden.Epochs {
			if err := c.epoch(e.rate(epoch), golden.Batch, x); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range [][]float32{golden.WantWeights, golden.WantBiases} {
			for j, got := range nn.Values(c.params[i]) {
				if math.Abs(float64(got-want[j])) > 1e-4 {
					t.Errorf("parameter %d of %d is %g, PyTorch's %g", j, i, got, want[j])
				}
			}
		}
		if n, err := c.correct(x); err != nil || n != golden.WantCorrect {
			t.Errorf("%d correct, %v; PyTorch's classifier has %d", n, err, golden.WantCorrect)
		}
	})
}

// quadrants are noisy pictures of a class each, by which quarter is bright: top and bottom tell them apart also when they
// are flipped.
func quadrants(n, side int, seed uint64) dataset.Split {
	random := rand.New(rand.NewPCG(seed, 0))
	s := dataset.Split{Height: side, Width: side}
	var images dataset.Memory
	for i := range n {
		label := i % 3
		s.Labels = append(s.Labels, int32(label))
		for p := range side * side {
			bright := 60 * (1 - math.Abs(float64(label)-2*float64(p/side)/float64(side-1)))
			for range dataset.Channels {
				images = append(images, uint8(100+bright+80*random.Float64()))
			}
		}
	}
	s.Reader = images
	return s
}

// rows are the mean red of each row of pictures: features of an encoder that has learned what matters.
func rows(side int) func(dataset.Split) (Set, error) {
	return func(s dataset.Split) (Set, error) {
		set, image := Set{Dim: s.Height, Labels: s.Labels}, s.Buffer()
		if s.Height > side { // the centre, as encoders see it
			set.Dim = side
		}
		for i := range s.Len() {
			if err := s.Read(i, image); err != nil {
				return set, err
			}
			first := (s.Height - set.Dim) / 2
			for y := range set.Dim {
				sum := 0.0
				for x := range s.Width {
					sum += float64(image[dataset.Channels*((first+y)*s.Width+x)])/255 - 0.5
				}
				set.Values = append(set.Values, float32(sum/float64(s.Width)))
			}
		}
		return set, nil
	}
}

func subject() Subject {
	tree := taxonomy.Flat("band", "a", "b", "c")
	return Subject{
		Features: rows(12), Side: 12, Seed: 1, Threads: 2,
		Data: &dataset.Dataset{Images: dataset.Images{Height: 16, Width: 16, Train: quadrants(150, 16, 1), Test: quadrants(60, 16, 2)}, Tree: tree, Classes: taxonomy.Classes(tree)},
	}
}

// TestEvaluationLearns from views that are smaller than the pictures, and says the same again, with any number of
// threads.
func TestEvaluationLearns(t *testing.T) {
	protocol := Protocol{SGD: evaluation}
	if err := protocol.Validate(); err != nil {
		t.Fatal(err)
	}
	run := func(change func(*Subject)) Accuracy {
		s := subject()
		change(&s)
		a, err := protocol.Probe(t.Context(), device(), s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	want := run(func(*Subject) {})
	if want.N != 60 || want.Linear < 54 || want.Ridge != 0 || want.KNN != 0 {
		t.Errorf("%+v; want at least 54 of 60 right", want)
	}
	if got := run(func(s *Subject) { s.Threads = 5 }); got != want {
		t.Errorf("%+v with other threads, want %+v", got, want)
	}
	shuffled := run(func(s *Subject) {
		rand.New(rand.NewPCG(3, 3)).Shuffle(150, func(i, j int) {
			labels := s.Data.Train.Labels
			labels[i], labels[j] = labels[j], labels[i]
		})
	})
	if shuffled.Linear > 40 {
		t.Errorf("%d of 60 right with labels that say nothing", shuffled.Linear)
	}
}

// TestEvaluationSeesNewViews: every epoch has other views of all images, in another order, and the batches of a seed
// are always the same.
func TestEvaluationSeesNewViews(t *testing.T) {
	seen := func(seed uint64) (epochs []string) {
		s := subject()
		s.Seed = seed
		var text strings.Builder
		features, images := s.Features, 0
		s.Features = func(split dataset.Split) (Set, error) {
			if split.Height == 12 {
				set, err := features(split)
				for i := range split.Len() {
					text.WriteString(string(rune('a' + int(set.Values[i*set.Dim]*1000)%26)))
				}
				if images += split.Len(); images == 150 {
					epochs, images = append(epochs, text.String()), 0
					text.Reset()
				}
				return set, err
			}
			return features(split)
		}
		e := evaluation
		e.Epochs = 2
		if _, err := (Protocol{SGD: e}).Probe(t.Context(), device(), s); err != nil {
			t.Fatal(err)
		}
		return epochs
	}
	a, b, other := seen(1), seen(1), seen(2)
	if len(a) != 2 || a[0] == a[1] || a[0] != b[0] || a[1] != b[1] || a[0] == other[0] {
		t.Errorf("epochs of one seed %q, again %q, of another %q", a, b, other)
	}
}

func TestEvaluationEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, calls := subject(), 0
	features := s.Features
	s.Features = func(split dataset.Split) (Set, error) {
		if calls++; calls == 3 {
			cancel()
		}
		return features(split)
	}
	if _, err := (Protocol{SGD: evaluation}).Probe(ctx, device(), s); !errors.Is(err, context.Canceled) || calls != 3 {
		t.Errorf("cancelled: %v after %d chunks", err, calls)
	}
	gone := errors.New("the disk is gone")
	s = subject()
	s.Data.Train.Reader = broken{gone}
	if _, err := (Protocol{SGD: evaluation}).Probe(t.Context(), device(), s); !errors.Is(err, gone) {
		t.Errorf("images that cannot be read: %v", err)
	}
	s = subject()
	s.Features = func(split dataset.Split) (Set, error) {
		set, err := rows(12)(split)
		set.Values[0] = float32(math.NaN())
		return set, err
	}
	if _, err := (Protocol{SGD: evaluation}).Probe(t.Context(), device(), s); !errors.Is(err, ErrNotFinite) {
		t.Errorf("features that are no numbers: %v", err)
	}
}

type broken struct{ err error }

func (b broken) Read(int, []uint8) error { return b.err }

func TestEvaluationIsNamedAndChecked(t *testing.T) {
	if got, want := (Protocol{SGD: evaluation}).ID(), "linear1-sgd-lr-1-momentum-0.9-batch-16-epochs-6-drops-3+5-crops-0.3"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for name, breakIt := range map[string]func(*Protocol){
		"rate":     func(p *Protocol) { p.SGD.LearningRate = 0 },
		"momentum": func(p *Protocol) { p.SGD.Momentum = 1 },
		"batch":    func(p *Protocol) { p.SGD.Batch = 0 },
		"epochs":   func(p *Protocol) { p.SGD.Epochs = -1 },
		"drops":    func(p *Protocol) { p.SGD.Drops = []int{5, 3} },
		"crops":    func(p *Protocol) { p.SGD.MinArea = 0 },
		"both":     func(p *Protocol) { p.Ridge = 1 },
	} {
		p := Protocol{SGD: evaluation}
		if breakIt(&p); p.Validate() == nil {
			t.Errorf("%s: a bad setting is accepted", name)
		}
	}
}
