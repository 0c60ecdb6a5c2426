package probe

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"

	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// embedded is a subject whose images are known by their embeddings alone: sets of [Len, Dim].
func embedded(train, test Set, classes int) Subject {
	tree := &taxonomy.Memory{}
	root := tree.Add("thing")
	data := &dataset.Dataset{Tree: tree}
	for range classes {
		node := tree.Add("class", root)
		tree.Label(node)
		data.Classes = append(data.Classes, "class")
	}
	data.Train, data.Test = dataset.Split{Labels: train.Labels}, dataset.Split{Labels: test.Labels}
	return Subject{Data: data, Embeddings: func(s dataset.Split) ([]float32, error) {
		if &s.Labels[0] == &train.Labels[0] {
			return train.Values, nil
		}
		return test.Values, nil
	}}
}

// TestWeightedIsTheNotebooks holds it to NumPy (testdata/neighbours.py): one neighbour and many, temperatures at which
// only the nearest or all count, and more neighbours than there are images.
func TestWeightedIsTheNotebooks(t *testing.T) {
	text, err := os.ReadFile("testdata/neighbours.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Dim, Classes            int
		Train, Test             []float32
		TrainLabels, TestLabels []int32
		Want                    []struct {
			Weighted
			Correct int
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	s := embedded(Set{golden.Dim, golden.Train, golden.TrainLabels}, Set{golden.Dim, golden.Test, golden.TestLabels}, golden.Classes)
	backendtest.Each(t, func(t *testing.T, d nn.Device) {
		for _, want := range golden.Want {
			got, err := want.run(t.Context(), d, s)
			if err != nil || got != want.Correct {
				t.Errorf("%d neighbours at temperature %g: %d of %d right, NumPy has %d (%v)", want.Neighbours, want.Temperature, got, len(golden.TestLabels), want.Correct, err)
			}
		}
	})
}

// TestWeightedByHand: the nearest is at 0 degrees from the test image, two others at 60, where the cosine is 1/2. They
// outvote it if 2 exp(1/2t) > exp(1/t), that is above t = 1/(2 ln 2), or about 0.72.
func TestWeightedByHand(t *testing.T) {
	half := float32(math.Sqrt(3) / 2)
	train := Set{Dim: 2, Values: []float32{0.5, half, 1, 0, 0.5, -half}, Labels: []int32{1, 0, 1}}
	predicted := func(w Weighted, train Set, label int32) bool {
		t.Helper()
		n, err := w.run(t.Context(), device(), embedded(train, Set{Dim: 2, Values: []float32{1, 0}, Labels: []int32{label}}, 3))
		if err != nil {
			t.Fatal(err)
		}
		return n == 1
	}
	for _, x := range []struct {
		name  string
		w     Weighted
		label int32
	}{
		{"the nearest outweighs two", Weighted{3, 0.7}, 0},
		{"two outvote the nearest", Weighted{3, 0.75}, 1},
		{"all of fewer images than neighbours", Weighted{200, 0.75}, 1},
		{"one neighbour", Weighted{1, 100}, 0},
		{"a temperature at which exp(1/t) is no number", Weighted{3, 1e-4}, 0},
	} {
		if !predicted(x.w, train, x.label) {
			t.Errorf("%s: class %d is not predicted", x.name, x.label)
		}
	}
	tied := Set{Dim: 2, Values: []float32{0.5, half, 0.5, -half, -1, 0}, Labels: []int32{2, 1, 0}}
	if !predicted(Weighted{2, 0.1}, tied, 1) {
		t.Error("of classes with as many votes the lower does not win")
	}
	if !predicted(Weighted{1, 0.1}, tied, 2) {
		t.Error("of images as near the earlier is not taken")
	}
}

// TestWeightedStandsBeside: it is measured where it is asked for and there are embeddings, and changes nothing else.
func TestWeightedStandsBeside(t *testing.T) {
	train, test := blobs(200, 6, 4, 0.5, 3), blobs(100, 6, 4, 0.5, 4)
	s := embedded(train, test, 4)
	embeddings := s.Embeddings
	s.Features = func(split dataset.Split) (Set, error) {
		values, err := embeddings(split)
		return Set{Dim: train.Dim, Values: values, Labels: split.Labels}, err
	}
	measure := func(p Protocol, s Subject) Accuracy {
		t.Helper()
		a, err := p.Probe(t.Context(), device(), s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	with := protocol
	with.Weighted = Weighted{20, 0.1}
	plain, both := measure(protocol, s), measure(with, s)
	if plain.Weighted != 0 || both.Weighted < 50 {
		t.Errorf("%d right without it and %d with it, of 100", plain.Weighted, both.Weighted)
	}
	if both.Weighted = 0; both != plain {
		t.Errorf("%+v beside it, %+v without", both, plain)
	}
	if with.ID() != protocol.ID()+"-weighted1-knn-20-t-0.1" || with.Features() != protocol.ID() {
		t.Errorf("its id is %s", with.ID())
	}
	s.Embeddings = nil
	if a := measure(with, s); a != plain {
		t.Errorf("%+v without embeddings", a)
	}
	s.Embeddings = func(dataset.Split) ([]float32, error) { return []float32{float32(math.NaN())}, nil }
	if _, err := with.Probe(t.Context(), device(), s); !errors.Is(err, ErrNotFinite) {
		t.Errorf("embeddings that are no numbers: %v", err)
	}
	for _, bad := range []Weighted{{Neighbours: 5}, {Temperature: 0.1}, {-1, 0.1}, {5, -0.1}, {5, math.NaN()}, {5, math.Inf(1)}} {
		with.Weighted = bad
		if with.Validate() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}
