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
	// Weighted, if it is given, is measured beside them.
	Weighted Weighted `json:"weighted,omitzero"`
}

// ID names the protocol; the number in front of each part changes when the method does.
func (p Protocol) ID() string { return p.Features() + p.Weighted.id() }

// Features is the part of the ID that fixes what is measured of features, whatever is measured of embeddings beside.
func (p Protocol) Features() string {
	if p.SGD.Given() {
		return p.SGD.id()
	}
	return fmt.Sprintf("probe1-softmax-l2-%g-lbfgs-%d-ridge-%g-knn-%d", p.L2, p.Iterations, p.Ridge, p.Neighbours)
}

// Validate reports a setting out of range.
func (p Protocol) Validate() error {
	if err := p.Weighted.validate(); err != nil {
		return err
	}
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
	// Weighted counts those that the neighbours in the space of the embeddings classify, where the protocol asks for it and
	// there are embeddings.
	Weighted int `json:"weighted,omitempty"`
	N        int `json:"n"` // test images
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
	passes := max(1, p.SGD.Epochs)*x.Train + x.Test
	if p.Weighted.Given() {
		passes += x.Train + x.Test
	}
	return passes
}

// Subject is what is probed.
type Subject struct {
	// Features are those of images: the whole split of a data set, or views of Side x Side pixels that are made for an
	// Evaluation.
	Features func(dataset.Split) (Set, error)
	// Embeddings are those of the images of a split, [Len, Dim], in the space in which negatives are ranked; nil for what
	// has none, as pixels.
	Embeddings func(dataset.Split) ([]float32, error)
	Data       *dataset.Dataset
	Side       int
	// Seed is that of an Evaluation, and Threads make its views.
	Seed    uint64
	Threads int
}

// Probe measures a subject: the SGD of an Evaluation, or Run; and beside it what is asked of embeddings. A cancelled
// context ends it with its error.
func (p Protocol) Probe(ctx context.Context, device nn.Device, s Subject) (Accuracy, error) {
	if err := p.Validate(); err != nil {
		return Accuracy{}, err
	}
	data := *s.Data
	data.Train, data.Test = data.Train.Until(ctx), data.Test.Until(ctx)
	s.Data = &data
	accuracy, err := p.features(ctx, device, s)
	if err == nil && p.Weighted.Given() && s.Embeddings != nil {
		accuracy.Weighted, err = p.Weighted.run(ctx, device, s)
	}
	return accuracy, err
}

func (p Protocol) features(ctx context.Context, device nn.Device, s Subject) (Accuracy, error) {
	if p.SGD.Given() {
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
	return p.Run(ctx, device, train, test, len(s.Data.Classes))
}

// Run fits on the training features and scores on the test features; the device does the products of
// the softmax classifier and of the nearest neighbours. A cancelled context ends it with its error.
func (p Protocol) Run(ctx context.Context, device nn.Device, train, test Set, classes int) (Accuracy, error) {
	if err := p.Validate(); err != nil {
		return Accuracy{}, err
	}
	if train.Len() == 0 || test.Len() == 0 || train.Dim != test.Dim || train.Dim < 1 {
		return Accuracy{}, fmt.Errorf("probe: %d training and %d test features of %d and %d dimensions cannot be compared", train.Len(), test.Len(), train.Dim, test.Dim)
	}
	for _, set := range []Set{train, test} {
		if err := finite(set.Values); err != nil {
			return Accuracy{}, err
		}
	}
	var failure error
	correct := func(predicted []int32, err error) int {
		failure = cmp.Or(failure, err)
		return right(predicted, test.Labels)
	}
	x, y := standardise(train, test)
	return Accuracy{
		Linear: correct(p.softmax(ctx, device, x, train.Labels, y, classes)),
		Ridge:  correct(p.ridge(ctx, x, train.Labels, y, classes)),
		KNN:    correct(nearest(ctx, device, x, train.Labels, y, classes, p.Neighbours, func(cosine, _ float64) float64 { return cosine })),
		N:      test.Len(),
	}, failure
}

// finite is ErrNotFinite where a value is no number.
func finite(values []float32) error {
	for _, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return ErrNotFinite
		}
	}
	return nil
}

// right is the number of predictions that are the label; there may be none of them.
func right(predicted, labels []int32) (n int) {
	for i, p := range predicted {
		if p == labels[i] {
			n++
		}
	}
	return n
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
func (p Protocol) ridge(ctx context.Context, x *mat.Dense, labels []int32, y *mat.Dense, classes int) ([]int32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
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
