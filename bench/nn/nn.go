// Package nn builds the differentiable pieces of an encoder as GoMLX graphs: convolution, batch
// norm, linear layers, residual blocks.
//
// Activations are [groups, channels, batch, height, width]: the batch is split into groups, each with
// batch-norm statistics of its own (split batch norm; one group is ordinary batch norm), and channels
// come before images. On GoMLX's pure-Go backend this layout turns every convolution and its two
// gradients into matrix products that need no transpose of anything large, and every batch-norm
// statistic into products too; docs/performance.md has the measurements.
//
// Forward and backward are two separate graphs, because between them the negatives are ranked (see
// package moco). What backward needs of forward travels on a Tape.
package nn

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
)

// Param declares one trainable tensor of a layer.
type Param struct {
	Name string
	Dims []int
	// Std is the standard deviation of the normal initialisation; 0 means the constant Value.
	Std   float64
	Value float32
}

// Size is the number of scalars.
func (p Param) Size() int {
	n := 1
	for _, d := range p.Dims {
		n *= d
	}
	return n
}

// Init draws the initial value.
func (p Param) Init(rng *rand.Rand) []float32 {
	v := make([]float32, p.Size())
	for i := range v {
		v[i] = p.Value
		if p.Std > 0 {
			v[i] = float32(rng.NormFloat64() * p.Std)
		}
	}
	return v
}

// Layer is one differentiable piece of an encoder. A layer is a pure description: it holds sizes, and
// its tensors arrive through the Forward and Backward contexts.
type Layer interface {
	// Params lists the trainable tensors in the order in which Forward takes them.
	Params() []Param
	// Stats lists the running statistics (batch norm) in the order in which Forward takes them.
	Stats() []Param
	// Forward maps the input to the output, taking parameters and pushing what Backward needs.
	Forward(f *Forward, x *Node) *Node
	// Backward maps the gradient of the output to that of the input, popping what Forward pushed and giving the
	// gradients of the parameters. It returns nil when f.NoInput says that no gradient of the input is wanted.
	Backward(b *Backward, dy *Node) *Node
	// Apply is Forward for backends that compile, with activations [batch, height, width, channels].
	Apply(a *Apply, x *Node) *Node
}

// Forward is the context of a forward pass.
type Forward struct {
	// Train selects batch statistics (and pushes to the tape); otherwise running statistics are used.
	Train bool
	// Tape collects what Backward needs; it stays empty when Record is false.
	Record bool
	Tape   []*Node
	// NewStats collects the updated running statistics, in the order of Stats.
	NewStats []*Node

	params, stats []*Node
}

// NewForward starts a forward pass over parameters and running statistics in layer order.
func NewForward(params, stats []*Node) *Forward {
	return &Forward{params: params, stats: stats}
}

func (f *Forward) param() *Node { return pop(&f.params, 0, "parameter") }
func (f *Forward) stat() *Node  { return pop(&f.stats, 0, "running statistic") }

// pop removes the first or the last of a list.
func pop(list *[]*Node, at int, what string) *Node {
	if len(*list) == 0 {
		panic(fmt.Sprintf("nn: a layer takes one %s more than it declares, or than its forward pass left", what))
	}
	n := (*list)[at]
	*list = append((*list)[:at:at], (*list)[at+1:]...)
	return n
}

func (f *Forward) push(nodes ...*Node) {
	if f.Record {
		f.Tape = append(f.Tape, nodes...)
	}
}

// Backward is the context of a backward pass: the mirror image of Forward, so parameters and tape are
// taken from the end.
type Backward struct {
	params, tape []*Node
	grads        []*Node // reversed
}

// NewBackward starts a backward pass; params and tape are those of the forward pass.
func NewBackward(params, tape []*Node) *Backward {
	return &Backward{params: params, tape: tape}
}

func (b *Backward) param() *Node { return pop(&b.params, len(b.params)-1, "parameter") }
func (b *Backward) saved() *Node { return pop(&b.tape, len(b.tape)-1, "tape entry") }

func (b *Backward) grad(g *Node) { b.grads = append(b.grads, g) }

// Grads returns the gradients in the order of the parameters.
func (b *Backward) Grads() []*Node {
	grads := slices.Clone(b.grads)
	slices.Reverse(grads)
	return grads
}

// Sequential applies layers one after the other.
type Sequential []Layer

func (s Sequential) Params() []Param { return s.collect(Layer.Params) }
func (s Sequential) Stats() []Param  { return s.collect(Layer.Stats) }

func (s Sequential) collect(of func(Layer) []Param) (all []Param) {
	for i, l := range s {
		for _, p := range of(l) {
			p.Name = fmt.Sprintf("%d.%s", i, p.Name)
			all = append(all, p)
		}
	}
	return all
}

// Forward implements Layer.
func (s Sequential) Forward(f *Forward, x *Node) *Node {
	for _, l := range s {
		x = l.Forward(f, x)
	}
	return x
}

// Backward implements Layer.
func (s Sequential) Backward(b *Backward, dy *Node) *Node {
	for i := len(s) - 1; i >= 0; i-- {
		dy = s[i].Backward(b, dy)
	}
	return dy
}

// Residual is relu(Body(x) + Shortcut(x)); a nil Shortcut is the identity.
type Residual struct{ Body, Shortcut Layer }

func (r Residual) parts() Sequential {
	if r.Shortcut == nil {
		return Sequential{r.Body}
	}
	return Sequential{r.Body, r.Shortcut}
}

func (r Residual) Params() []Param { return r.parts().Params() }
func (r Residual) Stats() []Param  { return r.parts().Stats() }

// Forward implements Layer.
func (r Residual) Forward(f *Forward, x *Node) *Node {
	y, skip := r.Body.Forward(f, x), x
	if r.Shortcut != nil {
		skip = r.Shortcut.Forward(f, x)
	}
	y = relu(Add(y, skip))
	f.push(y)
	return y
}

// Backward implements Layer.
func (r Residual) Backward(b *Backward, dy *Node) *Node {
	dy = reluBackward(b.saved(), dy)
	skip := dy
	if r.Shortcut != nil {
		skip = r.Shortcut.Backward(b, dy)
	}
	return Add(r.Body.Backward(b, dy), skip)
}

// relu compares bit patterns as integers: a float's sign is the integer's, and the pure-Go backend takes
// the larger of two integers three times as fast as that of two floats, which minds NaN. (A NaN may
// become 0 here; it shows in the running statistics.)
func relu(x *Node) *Node {
	return Bitcast(MaxScalar(Bitcast(x, dtypes.Int32), 0), dtypes.Float32)
}

// reluBackward gates dy by y > 0: the bits of dy times 1 or 0. That has no branch; on the pure-Go backend
// choosing by values of random sign costs several times as much, by mispredicted branches.
func reluBackward(y, dy *Node) *Node {
	gate := MinScalar(Bitcast(y, dtypes.Int32), 1)
	return Bitcast(Mul(Bitcast(dy, dtypes.Int32), gate), dtypes.Float32)
}

// Linear is y = W x + b on columns: x is [In, batch], y is [Out, batch]; with ReLU if asked.
type Linear struct {
	In, Out int
	ReLU    bool
	// Std is the standard deviation of the initial weights; 0: He initialisation with ReLU, LeCun's without.
	Std float64
}

// Params implements Layer: weights [Out, In] and biases [Out, 1].
func (l Linear) Params() []Param {
	gain := 1.0
	if l.ReLU {
		gain = 2
	}
	return []Param{
		{Name: "weight", Dims: []int{l.Out, l.In}, Std: cmp.Or(l.Std, math.Sqrt(gain/float64(l.In)))},
		{Name: "bias", Dims: []int{l.Out, 1}},
	}
}

// Stats implements Layer.
func (Linear) Stats() []Param { return nil }

// Forward implements Layer.
func (l Linear) Forward(f *Forward, x *Node) *Node {
	w, bias := f.param(), f.param()
	y := Add(Dot(w, x).Product(), bias)
	f.push(x)
	if l.ReLU {
		y = relu(y)
		f.push(y)
	}
	return y
}

// Backward implements Layer.
func (l Linear) Backward(b *Backward, dy *Node) *Node {
	if l.ReLU {
		dy = reluBackward(b.saved(), dy)
	}
	_, w, x := b.param(), b.param(), b.saved()
	b.grad(ReduceAndKeep(dy, ReduceSum, 1))
	b.grad(DotGeneral(dy, []int{1}, nil, x, []int{1}, nil))
	return Dot(Transpose(w, 0, 1), dy).Product()
}

// GlobalAveragePool maps [groups, Channels, batch, Size, Size] to [Channels, groups*batch].
type GlobalAveragePool struct{ Channels, Size int }

func (GlobalAveragePool) Params() []Param { return nil }
func (GlobalAveragePool) Stats() []Param  { return nil }

// Forward implements Layer.
func (p GlobalAveragePool) Forward(f *Forward, x *Node) *Node {
	d := x.Shape().Dimensions
	area := p.Size * p.Size
	mean := MulScalar(rowSum(Reshape(x, d[0], p.Channels*d[2], area)), 1/float64(area))
	f.push(mean)
	return Reshape(Transpose(Reshape(mean, d[0], p.Channels, d[2]), 0, 1), p.Channels, d[0]*d[2])
}

// Backward implements Layer.
func (p GlobalAveragePool) Backward(b *Backward, dy *Node) *Node {
	groups := b.saved().Shape().Dimensions[0]
	n, area := dy.Shape().Dimensions[1]/groups, p.Size*p.Size
	column := Reshape(Transpose(Reshape(dy, p.Channels, groups, n), 0, 1), groups, p.Channels*n, 1)
	return Reshape(repeatColumns(MulScalar(column, 1/float64(area)), area), groups, p.Channels, n, p.Size, p.Size)
}

// product is a b for each group: [g, m, k] by [g, k, n]. Sums over rows, broadcasts and scalings are
// written as products throughout, because products alone are vectorised on the go backend.
func product(a, b *Node) *Node { return DotGeneral(a, []int{2}, []int{0}, b, []int{1}, []int{0}) }

// productT is a b^T for each group: [g, m, k] by [g, n, k], the layout that needs no transpose.
func productT(a, b *Node) *Node { return DotGeneral(a, []int{2}, []int{0}, b, []int{2}, []int{0}) }

// rowSum sums [g, m, k] over k to [g, m, 1].
func rowSum(x *Node) *Node {
	g, m, k := dims3(x)
	return Reshape(DotGeneral(Reshape(x, g*m, k), []int{1}, nil, ones(x.Graph(), 1, k), []int{1}, nil), g, m, 1)
}

// rowDot is the dot product of corresponding rows of [g, m, k], as [g, m, 1].
func rowDot(x, y *Node) *Node {
	g, m, k := dims3(x)
	return Reshape(productT(Reshape(x, g*m, 1, k), Reshape(y, g*m, 1, k)), g, m, 1)
}

// scaleRows multiplies each row of x [g, m, k] by its factor [g, m, 1].
func scaleRows(x, factor *Node) *Node {
	g, m, k := dims3(x)
	return Reshape(product(Reshape(factor, g*m, 1, 1), Reshape(x, g*m, 1, k)), g, m, k)
}

// combineRows is factors[0] xs[0] + factors[1] xs[1] + ... row by row, with one factor [g, m, 1] more than there are x
// [g, m, k]: the last is added as it is. One product on stacked rows takes fewer passes than sums do.
func combineRows(factors []*Node, xs ...*Node) *Node {
	g, m, k := dims3(xs[0])
	rows := make([]*Node, 0, len(factors))
	for _, x := range xs {
		rows = append(rows, Reshape(x, g*m, 1, k))
	}
	rows = append(rows, ones(xs[0].Graph(), g*m, 1, k))
	return Reshape(product(Reshape(Concatenate(factors, 2), g*m, 1, len(factors)), Concatenate(rows, 1)), g, m, k)
}

// repeatColumns repeats a column [g, m, 1] to [g, m, k].
func repeatColumns(x *Node, k int) *Node {
	g, m, _ := dims3(x)
	return Reshape(Dot(Reshape(x, g*m, 1), ones(x.Graph(), 1, k)).Product(), g, m, k)
}

func dims3(x *Node) (g, m, k int) {
	d := x.Shape().Dimensions
	return d[0], d[1], d[2]
}

func ones(g *Graph, dims ...int) *Node  { return constant(g, 1, dims...) }
func zeros(g *Graph, dims ...int) *Node { return constant(g, 0, dims...) }

func constant(g *Graph, value float32, dims ...int) *Node {
	return BroadcastToDims(Scalar(g, dtypes.Float32, value), dims...)
}
