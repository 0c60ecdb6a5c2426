package probe

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/gomlx/compute/gobackend"

	"github.com/cidbench/cidbench/bench/nn"
	"gonum.org/v1/gonum/mat"
)

var protocol = Protocol{L2: 1e-3, Iterations: 50, Ridge: 0.01, Neighbours: 5}

// blobs draws images of classes whose features lie around centres, with other scales and offsets in each
// dimension, so that standardising matters.
func blobs(n, dim, classes int, spread float64, seed uint64) Set {
	centres := rand.New(rand.NewPCG(1, 1))
	centre := make([]float64, classes*dim)
	for i := range centre {
		centre[i] = centres.NormFloat64()
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	s := Set{Dim: dim}
	for i := range n {
		label := i % classes
		s.Labels = append(s.Labels, int32(label))
		for d := range dim {
			v := centre[label*dim+d] + spread*rng.NormFloat64()
			s.Values = append(s.Values, float32(v*math.Pow(10, float64(d%3-1))+float64(d)))
		}
	}
	return s
}

func mustRun(t *testing.T, train, test Set, classes int) Accuracy {
	t.Helper()
	a, err := protocol.Run(t.Context(), device(), train, test, classes)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSeparableClassesAreFound(t *testing.T) {
	a := mustRun(t, blobs(400, 12, 10, 0.05, 3), blobs(300, 12, 10, 0.05, 4), 10)
	if a != (Accuracy{Linear: 300, Ridge: 300, KNN: 300, N: 300}) {
		t.Errorf("%+v, want all 300 right", a)
	}
}

// TestLabelsThatSayNothing: with random training labels accuracy is chance, 10% of 1,000 within 4 deviations.
func TestLabelsThatSayNothing(t *testing.T) {
	train, test := blobs(1000, 12, 10, 0.5, 3), blobs(1000, 12, 10, 0.5, 4)
	rng := rand.New(rand.NewPCG(5, 5))
	rng.Shuffle(len(train.Labels), func(i, j int) { train.Labels[i], train.Labels[j] = train.Labels[j], train.Labels[i] })
	rng.Shuffle(len(test.Labels), func(i, j int) { test.Labels[i], test.Labels[j] = test.Labels[j], test.Labels[i] })
	a := mustRun(t, train, test, 10)
	for name, right := range map[string]int{"linear": a.Linear, "ridge": a.Ridge, "knn": a.KNN} {
		if right < 62 || right > 138 {
			t.Errorf("%s: %d of 1000 right by chance", name, right)
		}
	}
}

func TestConstantFeaturesDoNotMatter(t *testing.T) {
	train, test := blobs(300, 6, 3, 1, 3), blobs(300, 6, 3, 1, 4)
	want := mustRun(t, train, test, 3)
	widen := func(s Set) Set {
		out := Set{Dim: s.Dim + 1, Labels: s.Labels}
		for i := range s.Len() {
			out.Values = append(append(out.Values, s.Values[i*s.Dim:][:s.Dim]...), 7)
		}
		return out
	}
	if got := mustRun(t, widen(train), widen(test), 3); got != want {
		t.Errorf("%+v with a constant feature, %+v without", got, want)
	}
}

// TestGradient compares the gradient of the softmax objective with central differences.
func TestGradient(t *testing.T) {
	train := blobs(60, 5, 4, 1, 3)
	x, _ := standardise(train, train)
	o, err := newObjective(t.Context(), device(), x, train.Labels, 4, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(6, 6))
	w := make([]float64, 4*6)
	for i := range w {
		w[i] = 0.5 * rng.NormFloat64()
	}
	gradient := slices.Clone(o.at(w).gradient)
	const step = 1e-2
	for i := range w {
		at := func(d float64) float64 {
			moved := slices.Clone(w)
			moved[i] += d
			return o.at(moved).loss
		}
		if want := (at(step) - at(-step)) / (2 * step); math.Abs(want-gradient[i]) > 1e-4 {
			t.Errorf("gradient[%d] = %g, want %g", i, gradient[i], want)
		}
	}
}

// TestSoftmaxIsAtTheMinimum: the fitted classifier's loss cannot be lowered, so a step in any direction
// raises it. The objective is convex: that is the minimum.
func TestSoftmaxIsAtTheMinimum(t *testing.T) {
	train := blobs(200, 4, 3, 1, 3)
	x, y := standardise(train, blobs(200, 4, 3, 1, 4))
	long := protocol
	long.L2, long.Iterations = 0.05, 200
	predicted, err := long.softmax(t.Context(), device(), x, train.Labels, y, 3)
	if err != nil {
		t.Fatal(err)
	}
	// Plain gradient descent, run to the end, must predict the same.
	o, err := newObjective(t.Context(), device(), x, train.Labels, 3, long.L2)
	if err != nil {
		t.Fatal(err)
	}
	w := make([]float64, 3*5)
	for range 3000 {
		for i, g := range slices.Clone(o.at(w).gradient) {
			w[i] -= 0.5 * g
		}
	}
	var scores mat.Dense
	scores.Mul(y, mat.NewDense(3, 4, w[:12]).T())
	differ := 0
	for i, p := range argmax(&scores, w[12:]) {
		if p != predicted[i] {
			differ++
		}
	}
	if differ > 1 { // one image on the border may go either way
		t.Errorf("%d of 200 predictions differ from gradient descent's", differ)
	}
}

// TestRidgeAgainstNormalEquations solves a tiny problem by hand: one feature, two classes.
func TestRidgeAgainstNormalEquations(t *testing.T) {
	x := mat.NewDense(4, 1, []float64{-1, -1, 1, 1})
	y := mat.NewDense(2, 1, []float64{-0.2, 0.3})
	got, err := protocol.ridge(t.Context(), x, []int32{1, 1, 0, 0}, y, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []int32{1, 0}) {
		t.Errorf("predicted %v", got)
	}
}

// TestNearestByHand: two neighbours of class 1 outvote one nearer neighbour of class 0.
func TestNearestByHand(t *testing.T) {
	x := mat.NewDense(4, 2, []float64{1, 0.01, 1, 0.2, 1, -0.2, -1, 0})
	y := mat.NewDense(1, 2, []float64{1, 0})
	for k, want := range map[int]int32{1: 0, 3: 1} {
		got, err := nearest(t.Context(), device(), x, []int32{0, 1, 1, 0}, y, 2, k, func(cosine, _ float64) float64 { return cosine })
		if err != nil {
			t.Fatal(err)
		}
		if got[0] != want {
			t.Errorf("%d neighbours: class %d, want %d", k, got[0], want)
		}
	}
}

func TestLargestAgainstSort(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	values := make([]float32, 300)
	for i := range values {
		values[i] = float32(rng.IntN(50))
	}
	want := make([]int32, len(values))
	for i := range want {
		want[i] = int32(i)
	}
	slices.SortStableFunc(want, func(a, b int32) int { return int(values[b] - values[a]) })
	if got := largest(nil, values, 20); !slices.Equal(got, want[:20]) {
		t.Errorf("got %v, want %v", got, want[:20])
	}
}

func TestBadFeaturesAreRefused(t *testing.T) {
	good := blobs(30, 3, 3, 1, 3)
	bad := blobs(30, 3, 3, 1, 4)
	bad.Values[4] = float32(math.NaN())
	if _, err := protocol.Run(t.Context(), device(), good, bad, 3); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN: %v", err)
	}
	if _, err := protocol.Run(t.Context(), device(), good, Set{Dim: 3}, 3); err == nil {
		t.Error("an empty test set is accepted")
	}
	if _, err := (Protocol{}).Run(t.Context(), device(), good, good, 3); err == nil {
		t.Error("a protocol without settings is accepted")
	}
}

func BenchmarkProbe(b *testing.B) {
	train, test := blobs(10000, 192, 100, 6, 3), blobs(5000, 192, 100, 6, 4)
	p := Protocol{L2: 1e-3, Iterations: 50, Ridge: 0.01, Neighbours: 20}
	for b.Loop() {
		if _, err := p.Run(b.Context(), device(), train, test, 100); err != nil {
			b.Fatal(err)
		}
	}
}

// device runs operations one after the other.
var device = sync.OnceValue(func() nn.Device {
	b, err := gobackend.New("ops_sequential")
	if err != nil {
		panic(err)
	}
	return nn.Devices(b, 1)[0]
})

// A probe that is cancelled in its midst ends with the context's error, wherever it is.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	train, test := blobs(40, 4, 3, 0.05, 3), blobs(30, 4, 3, 0.05, 4)
	if _, err := protocol.Run(ctx, device(), train, test, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
