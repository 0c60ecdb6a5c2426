// Package probe measures how good frozen features are: the accuracy of a linear classifier trained on
// them, and of their nearest neighbours.
//
// Online and offline probes of the same encoder differ by points, so a protocol is part of a claim's
// identity, under an id that changes with anything in it.
package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/nn"
)

// Protocol is how features are probed, after standardising them by the mean and deviation of the training features:
//
//   - linear: a softmax classifier, as the paper's, but fitted to the end by L-BFGS from zero weights
//     instead of by SGD: it has no seed and no schedule;
//   - ridge: least squares onto one-hot classes, in closed form, to see that the first did not fail;
//   - nearest neighbours by cosine.
type Protocol struct {
	// L2 is the penalty of the softmax classifier: (L2/2)|W|^2 beside the mean cross-entropy in nats.
	L2 float64 `json:"l2"`
	// Iterations bounds those of L-BFGS.
	Iterations int `json:"iterations"`
	// Ridge is the penalty of least squares on |W|^2 beside the mean squared error.
	Ridge float64 `json:"ridge"`
	// Neighbours is the number that vote, each weighted by its cosine.
	Neighbours int `json:"neighbours"`
	// SGD, if it is given, takes the place of all of these.
	SGD Evaluation `json:"sgd,omitempty"`
}

// ID names the protocol; the number in front changes when the method does.
func (p Protocol) ID() string {
	if p.SGD.Given() {
		return p.SGD.id()
	}
	return fmt.Sprintf("probe1-softmax-l2-%g-lbfgs-%d-ridge-%g-knn-%d", p.L2, p.Iterations, p.Ridge, p.Neighbours)
}

// Validate reports a setting out of range.
func (p Protocol) Validate() error {
	if p.SGD.Given() {
		if p.L2 != 0 || p.Iterations != 0 || p.Ridge != 0 || p.Neighbours != 0 {
			return errors.New("probe: sgd takes the place of l2, iterations, ridge and neighbours: they must be 0")
		}
		return p.SGD.validate()
	}
	if !(p.Ridge > 0) || !(p.L2 > 0) || p.Neighbours < 1 || p.Iterations < 1 {
		return errors.New("probe: l2, iterations, ridge and neighbours must be positive")
	}
	return nil
}

// Accuracy holds test accuracies as counts, so that nothing is rounded. An Evaluation counts Linear alone.
type Accuracy struct {
	Linear int `json:"linear"` // test images classified correctly by the softmax classifier
	Ridge  int `json:"ridge"`  // by least squares
	KNN    int `json:"knn"`    // by the nearest neighbours
	N      int `json:"n"`      // test images
}

// Set is one split's features: [Len, Dim], row-major, and its labels.
type Set struct {
	Dim    int
	Values []float32
	Labels []int32
}

// Len is the number of images.
func (s Set) Len() int { return len(s.Labels) }

// ErrNotFinite says that features hold NaN or infinity.
var ErrNotFinite = errors.New("features are not finite numbers")

// Passes is the number of images that pass through the encoder for a probe on images of an extent.
func (p Protocol) Passes(x dataset.Extent) int {
	return max(1, p.SGD.Epochs)*x.Train + x.Test
}

// Subject is what is probed.
type Subject struct {
	// Features are those of images: the whole split of a data set, or views of Side x Side pixels that are made for an
	// Evaluation.
	Features func(dataset.Split) (Set, error)
	Data     *dataset.Dataset
	Side     int
	// Seed is that of an Evaluation, and Threads make its views.
	Seed    uint64
	Threads int
}

// Probe measures a subject: the SGD of an Evaluation, which a cancelled context ends with its error, or Run.
func (p Protocol) Probe(ctx context.Context, device nn.Device, s Subject) (Accuracy, error) {
	if p.SGD.Given() {
		if err := p.Validate(); err != nil {
			return Accuracy{}, err
		}
		return p.SGD.run(ctx, device, s)
	}
	train, err := s.Features(s.Data.Train)
	if err != nil {
		return Accuracy{}, err
	}
	test, err := s.Features(s.Data.Test)
	if err != nil {
		return Accuracy{}, err
	}
	return p.Run(device, train, test, len(s.Data.Classes))
}

// Run fits on the training features and scores on the test features; the device does the products of
// the softmax classifier and of the nearest neighbours.
func (p Protocol) Run(device nn.Device, train, test Set, classes int) (Accuracy, error) {
	if err := p.Validate(); err != nil {
		return Accuracy{}, err
	}
	if train.Len() == 0 || test.Len() == 0 || train.Dim != test.Dim || train.Dim < 1 {
		return Accuracy{}, fmt.Errorf("probe: %d training and %d test features of %d and %d dimensions cannot be compared", train.Len(), test.Len(), train.Dim, test.Dim)
	}
	for _, set := range []Set{train, test} {
		for _, v := range set.Values {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return Accuracy{}, ErrNotFinite
			}
		}
	}
	var failure error
	correct := func(predicted []int32, err error) (n int) {
		failure = cmp.Or(failure, err)
		for i, p := range predicted {
			if p == test.Labels[i] {
				n++
			}
		}
		return n
	}
	x, y := standardise(train, test)
	return Accuracy{
		Linear: correct(p.softmax(device, x, train.Labels, y, classes)),
		Ridge:  correct(p.ridge(x, train.Labels, y, classes)),
		KNN:    correct(p.nearest(device, x, train.Labels, y, classes)),
		N:      test.Len(),
	}, failure
}

// standardise gives both sets mean 0 and deviation 1 by the training set; a feature that does not vary
// there becomes 0.
func standardise(train, test Set) (x, y *mat.Dense) {
	x, y = dense(train), dense(test)
	n, dim := x.Dims()
	for j := range dim {
		mean, variance := 0.0, 0.0
		for i := range n {
			mean += x.At(i, j) / float64(n)
		}
		for i := range n {
			variance += (x.At(i, j) - mean) * (x.At(i, j) - mean) / float64(n)
		}
		scale := 0.0
		if variance > 1e-12*(1+mean*mean) {
			scale = 1 / math.Sqrt(variance)
		}
		for _, m := range []*mat.Dense{x, y} {
			rows, _ := m.Dims()
			for i := range rows {
				m.Set(i, j, (m.At(i, j)-mean)*scale)
			}
		}
	}
	return x, y
}

func dense(s Set) *mat.Dense {
	values := make([]float64, len(s.Values))
	for i, v := range s.Values {
		values[i] = float64(v)
	}
	return mat.NewDense(s.Len(), s.Dim, values)
}

// ridge solves (X'X + n ridge I) W = X'(onehot - prior) and predicts the largest of X W + prior.
func (p Protocol) ridge(x *mat.Dense, labels []int32, y *mat.Dense, classes int) ([]int32, error) {
	n, dim := x.Dims()
	gram := mat.NewSymDense(dim, nil)
	gram.SymOuterK(1, x.T())
	for j := range dim {
		gram.SetSym(j, j, gram.At(j, j)+float64(n)*p.Ridge)
	}
	prior := make([]float64, classes)
	for _, l := range labels {
		prior[l] += 1 / float64(n)
	}
	// X'(onehot - prior): the columns of X have mean 0, so the prior falls out.
	target := mat.NewDense(dim, classes, nil)
	for i, l := range labels {
		row := x.RawRowView(i)
		for j, v := range row {
			target.Set(j, int(l), target.At(j, int(l))+v)
		}
	}
	var cholesky mat.Cholesky
	if !cholesky.Factorize(gram) {
		return nil, errors.New("probe: the features' covariance is not positive definite")
	}
	var w, scores mat.Dense
	if err := cholesky.SolveTo(&w, target); err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	scores.Mul(y, &w)
	return argmax(&scores, prior), nil
}

// argmax is the class of the largest score plus bias of each row; ties go to the lower class.
func argmax(scores *mat.Dense, bias []float64) []int32 {
	predicted := make([]int32, scores.RawMatrix().Rows)
	for i := range predicted {
		best := math.Inf(-1)
		for c, s := range scores.RawRowView(i) {
			if s+bias[c] > best {
				best, predicted[i] = s+bias[c], int32(c)
			}
		}
	}
	return predicted
}

// nearest lets the nearest training images vote, each with its cosine; ties go to the lower class.
func (p Protocol) nearest(device nn.Device, x *mat.Dense, labels []int32, y *mat.Dense, classes int) ([]int32, error) {
	product, err := device.Program(rowProducts, "products of rows")
	if err != nil {
		return nil, err
	}
	rows, dim := y.Dims()
	n, _ := x.Dims()
	train := tensors.FromFlatDataAndDimensions(unitRows(x, 0, n), n, dim)
	defer nn.Release([]*tensors.Tensor{train})
	predicted := make([]int32, rows)
	neighbours, votes := make([]int32, 0, p.Neighbours+1), make([]float64, classes)
	const chunk = 250
	for start := 0; start < rows; start += chunk {
		end := min(start+chunk, rows)
		test := tensors.FromFlatDataAndDimensions(unitRows(y, start, end), end-start, dim)
		cosines, err := call(product, test, train)
		if err != nil {
			return nil, fmt.Errorf("probe: cosines: %w", err)
		}
		for i := start; i < end; i++ {
			row := cosines[(i-start)*n:][:n]
			neighbours = largest(neighbours[:0], row, min(p.Neighbours, n))
			clear(votes)
			for _, j := range neighbours {
				votes[labels[j]] += float64(row[j])
			}
			predicted[i] = int32(slices.Index(votes, slices.Max(votes)))
		}
	}
	return predicted, nil
}

// unitRows are rows from to to of m, scaled to unit length (a zero row stays zero).
func unitRows(m *mat.Dense, from, to int) []float32 {
	_, dim := m.Dims()
	out := make([]float32, 0, (to-from)*dim)
	for i := from; i < to; i++ {
		norm := mat.Norm(m.RowView(i), 2)
		for _, v := range m.RawRowView(i) {
			if norm > 0 {
				v /= norm
			}
			out = append(out, float32(v))
		}
	}
	return out
}

// largest appends the places of the k largest values, by insertion: k is small and most values lose at once.
func largest(places []int32, values []float32, k int) []int32 {
	for j, v := range values {
		if len(places) == k && v <= values[places[k-1]] {
			continue
		}
		at := len(places)
		for at > 0 && v > values[places[at-1]] {
			at--
		}
		places = slices.Insert(places, at, int32(j))
		if len(places) > k {
			places = places[:k]
		}
	}
	return places
}
