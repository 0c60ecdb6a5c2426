package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/parallel"
	"github.com/cidbench/cidbench/bench/rng"
)

// Evaluation is linear evaluation as MoCo publishes it (github.com/facebookresearch/moco, main_lincls.py): a softmax
// classifier under SGD with momentum and without weight decay, on features of views that are drawn anew in every epoch
// - a random resized crop, and a flip with probability 0.5 - and scored on the centres of the test images. Weights begin
// normal with a deviation of 0.01, biases at 0. The encoder is frozen, batch norm has its running statistics, and features
// are taken as they are.
type Evaluation struct {
	LearningRate float64 `json:"learning_rate"`
	Momentum     float64 `json:"momentum"`
	// Batch is the number of views of a step; the last step of an epoch has what is left.
	Batch  int `json:"batch"`
	Epochs int `json:"epochs"`
	// Drops are the epochs, counted from 0, from each of which on the learning rate is a tenth of what it was.
	Drops []int `json:"drops"`
	// MinArea is that of augment.Config.
	MinArea float64 `json:"min_area"`
}

// Given says whether there is one: the zero value is none.
func (e Evaluation) Given() bool { return e.Epochs != 0 }

func (e Evaluation) id() string {
	drops := strings.ReplaceAll(strings.Trim(fmt.Sprint(e.Drops), "[]"), " ", "+")
	return fmt.Sprintf("linear1-sgd-lr-%g-momentum-%g-batch-%d-epochs-%d-drops-%s-crops-%g", e.LearningRate, e.Momentum, e.Batch, e.Epochs, drops, e.MinArea)
}

func (e Evaluation) validate() error {
	switch {
	case !(e.LearningRate > 0) || !(e.Momentum >= 0 && e.Momentum < 1):
		return errors.New("probe: sgd: learning_rate must be positive, momentum in [0, 1)")
	case e.Batch < 1 || e.Epochs < 1:
		return errors.New("probe: sgd: batch and epochs must be positive")
	case !slices.IsSorted(e.Drops) || len(e.Drops) > 0 && e.Drops[0] < 1:
		return errors.New("probe: sgd: drops must be epochs from 1 on, in order")
	}
	if err := e.crops().Validate(); err != nil {
		return fmt.Errorf("probe: sgd: %w", err)
	}
	return nil
}

func (e Evaluation) crops() augment.Config { return augment.Config{MinArea: e.MinArea, FlipProb: 0.5} }

// rate is the learning rate of an epoch.
func (e Evaluation) rate(epoch int) float64 {
	rate := e.LearningRate
	for _, drop := range e.Drops {
		if epoch >= drop {
			rate /= 10
		}
	}
	return rate
}

// Chunk is the number of views that are made at once, those of whole steps, while the encoder maps those before.
func (e Evaluation) Chunk() int { return 4 * e.Batch }

// run trains on the training images, and scores the test images.
func (e Evaluation) run(ctx context.Context, device nn.Device, s Subject) (Accuracy, error) {
	v := e.views(s)
	var c *classifier
	defer func() { c.close() }()
	for epoch := range e.Epochs {
		order := rng.Stream(s.Seed, rng.EvaluationOrder, uint64(epoch)).Perm(s.Data.Train.Len())
		chunks := slices.Collect(slices.Chunk(order, e.Chunk()))
		for split, err := range ahead(len(chunks), func(i int) (dataset.Split, error) { return v.split(epoch, chunks[i]) }) {
			if err = cmp.Or(ctx.Err(), err); err != nil {
				return Accuracy{}, err
			}
			x, err := s.finite(split)
			if err == nil && c == nil {
				c, err = e.classifier(device, len(s.Data.Classes), x.Dim, s.Seed)
			}
			if err == nil {
				err = c.epoch(e.rate(epoch), e.Batch, x)
			}
			if err != nil {
				return Accuracy{}, err
			}
		}
	}
	test, err := s.finite(s.Data.Test)
	if err != nil {
		return Accuracy{}, err
	}
	correct, err := c.correct(test)
	return Accuracy{Linear: correct, N: test.Len()}, err
}

// viewing makes views, with a viewer and the room for an image for each thread.
type viewing struct {
	Subject
	viewers []*augment.Viewer
	images  [][]uint8
}

func (e Evaluation) views(s Subject) viewing {
	v := viewing{Subject: s}
	for range max(1, s.Threads) {
		v.viewers = append(v.viewers, augment.NewViewer(e.crops(), s.Data.Height, s.Side))
		v.images = append(v.images, s.Data.Train.Buffer())
	}
	return v
}

// split holds a view of each chosen image in an epoch.
func (v viewing) split(epoch int, chosen []int) (dataset.Split, error) {
	area, train := v.Side*v.Side*dataset.Channels, v.Data.Train
	pixels, labels, errs := make(dataset.Memory, len(chosen)*area), make([]int32, len(chosen)), make([]error, len(chosen))
	parallel.Each(len(chosen), len(v.viewers), func(worker, i int) {
		image := v.images[worker]
		labels[i] = train.Labels[chosen[i]]
		if errs[i] = train.Read(chosen[i], image); errs[i] == nil {
			hi, lo := rng.Key(v.Seed, rng.EvaluationView, uint64(epoch), uint64(chosen[i]))
			v.viewers[worker].Picture(pixels[i*area:][:area], image, hi, lo)
		}
	})
	return dataset.Split{Reader: pixels, Labels: labels, Height: v.Side, Width: v.Side}, cmp.Or(errs...)
}

// ahead makes n things, each while the one before is used. None is being made any more when it ends.
func ahead[T any](n int, produce func(i int) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var wait sync.WaitGroup
		defer wait.Wait()
		var made [2]T
		var errs [2]error
		start := func(i int) {
			if i < n {
				wait.Go(func() { made[i%2], errs[i%2] = produce(i) })
			}
		}
		start(0)
		for i := range n {
			wait.Wait()
			start(i + 1)
			if !yield(made[i%2], errs[i%2]) {
				return
			}
		}
	}
}

// part are the images from one on up to another.
func (s Set) part(from, to int) Set {
	return Set{Dim: s.Dim, Values: s.Values[from*s.Dim : to*s.Dim], Labels: s.Labels[from:to]}
}

// classifier is a softmax classifier under SGD: weights [classes, dim], biases [classes], and their velocities, on the
// device.
type classifier struct {
	classes         int
	params, moving  []*tensors.Tensor
	update, predict nn.Program
}

func (e Evaluation) classifier(device nn.Device, classes, dim int, seed uint64) (*classifier, error) {
	weights, random := make([]float32, classes*dim), rng.Stream(seed, rng.EvaluationInit)
	for i := range weights {
		weights[i] = float32(0.01 * random.NormFloat64())
	}
	matrix := func(values []float32) []*tensors.Tensor {
		return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(values, classes, dim), tensors.FromFlatDataAndDimensions(make([]float32, classes), classes)}
	}
	c := &classifier{classes: classes, params: matrix(weights), moving: matrix(make([]float32, classes*dim))}
	sgd := nn.SGD{Momentum: e.Momentum}
	var err error
	if c.update, err = device.Program(func(in []*Node) []*Node { return descend(sgd, in) }, "evaluation", sgd); err != nil {
		return nil, err
	}
	c.predict, err = device.Program(func(in []*Node) []*Node {
		return []*Node{ConvertDType(ArgMax(logits(in[0], in[1], in[2]), -1), dtypes.Int32)}
	}, "prediction")
	return c, err
}

func (c *classifier) close() {
	if c != nil {
		nn.Release(c.params, c.moving)
	}
}

// logits are those of rows x [n, dim]: [n, classes].
func logits(x, weights, biases *Node) *Node {
	return Add(DotGeneral(x, []int{1}, nil, weights, []int{1}, nil), InsertAxes(biases, 0))
}

// descend takes a step of SGD along the gradient of the mean cross-entropy: rate, x [n, dim], labels [n], parameters,
// velocities -> parameters, velocities.
func descend(sgd nn.SGD, in []*Node) []*Node {
	rate, x, labels, params, moving := in[0], in[1], in[2], in[3:5], in[5:7]
	z := logits(x, params[0], params[1])
	p := Exp(Sub(z, ReduceAndKeep(z, ReduceMax, -1)))
	p = Div(p, ReduceAndKeep(p, ReduceSum, -1))
	wrong := MulScalar(Sub(p, OneHot(labels, z.Shape().Dim(-1), z.DType())), 1/float64(x.Shape().Dim(0)))
	gradients := []*Node{DotGeneral(wrong, []int{0}, nil, x, []int{0}, nil), ReduceSum(wrong, 0)}
	params, moving = sgd.Update(rate, params, moving, gradients)
	return append(params, moving...)
}

// epoch takes a step for each batch of a set, in order; the last may be short.
func (c *classifier) epoch(rate float64, batch int, s Set) error {
	for at := 0; at < s.Len(); at += batch {
		if err := c.step(rate, s.part(at, min(at+batch, s.Len()))); err != nil {
			return err
		}
	}
	return nil
}

func (c *classifier) step(rate float64, s Set) error {
	given := []*tensors.Tensor{
		tensors.FromScalar(float32(rate)), tensors.FromFlatDataAndDimensions(s.Values, s.Len(), s.Dim), tensors.FromFlatDataAndDimensions(s.Labels, s.Len()),
	}
	out, err := c.update.Run(given, c.params, c.moving)
	nn.Release(given)
	if err != nil {
		return fmt.Errorf("probe: a step of SGD: %w", err)
	}
	nn.Release(c.params, c.moving)
	c.params, c.moving = nn.Take(&out, 2), out
	return nil
}

// correct counts the images that are classified as what they are.
func (c *classifier) correct(s Set) (n int, err error) {
	const rows = 1000
	for at := 0; at < s.Len(); at += rows {
		part := s.part(at, min(at+rows, s.Len()))
		x := []*tensors.Tensor{tensors.FromFlatDataAndDimensions(part.Values, part.Len(), part.Dim)}
		out, err := c.predict.Run(x, c.params)
		nn.Release(x)
		if err != nil {
			return 0, fmt.Errorf("probe: predictions: %w", err)
		}
		for i, predicted := range nn.Integers(out[0]) {
			if predicted == part.Labels[i] {
				n++
			}
		}
		nn.Release(out)
	}
	if nn.AnyNaN(c.params) {
		return 0, fmt.Errorf("probe: the classifier diverged on them: %w", ErrNotFinite)
	}
	return n, nil
}

// finite are the features of a split, if they are numbers.
func (s Subject) finite(split dataset.Split) (Set, error) {
	set, err := s.Features(split)
	if err == nil {
		err = finite(set.Values)
	}
	return set, err
}
