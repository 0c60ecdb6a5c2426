package probe

import (
	"context"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"

	"github.com/cidbench/cidbench/bench/nn"
)

// softmax fits a softmax classifier and predicts the test set. The biases are not penalised.
func (p Protocol) softmax(ctx context.Context, device nn.Device, x *mat.Dense, labels []int32, y *mat.Dense, classes int) ([]int32, error) {
	n, dim := x.Dims()
	o, err := newObjective(ctx, device, x, labels, classes, p.L2)
	if err != nil {
		return nil, err
	}
	defer nn.Release([]*tensors.Tensor{o.x})
	problem := optimize.Problem{
		Func: func(w []float64) float64 { return o.at(w).loss },
		Grad: func(grad, w []float64) { copy(grad, o.at(w).gradient) },
	}
	settings := &optimize.Settings{MajorIterations: p.Iterations, GradientThreshold: 1e-6, Converger: optimize.NeverTerminate{}}
	fitted, err := optimize.Minimize(problem, make([]float64, classes*(dim+1)), settings, &optimize.LBFGS{})
	if o.err != nil {
		return nil, fmt.Errorf("probe: softmax: %w", o.err)
	}
	// A line search that finds no further descent in single precision has arrived; it is no failure.
	if fitted == nil || math.IsNaN(fitted.F) || fitted.F > math.Log(float64(classes))+1e-6 {
		return nil, fmt.Errorf("probe: softmax classifier on %d features: %w", n, err)
	}
	w := mat.NewDense(classes, dim, fitted.X[:classes*dim])
	var scores mat.Dense
	scores.Mul(y, w.T())
	return argmax(&scores, fitted.X[classes*dim:]), nil
}

// objective is the mean cross-entropy plus the penalty, and its gradient, at weights [classes, dim] followed by biases
// [classes]. The two large products run on the backend in single precision, the sums on the host in double.
type objective struct {
	ctx            context.Context //nolint:containedctx // the optimiser passes none on
	labels         []int32
	dim, classes   int
	l2             float64
	x              *tensors.Tensor // [n, dim]
	logits, pullUp nn.Program

	last     []float64 // the weights of the value in hand
	loss     float64
	gradient []float64
	err      error
}

func newObjective(ctx context.Context, device nn.Device, x *mat.Dense, labels []int32, classes int, l2 float64) (*objective, error) {
	n, dim := x.Dims()
	o := &objective{ctx: ctx, labels: labels, dim: dim, classes: classes, l2: l2, gradient: make([]float64, classes*(dim+1))}
	var err error
	// Classes come first, so that both products are in layouts that need no transpose.
	if o.logits, err = device.Program(rowProducts, "products of rows"); err != nil {
		return nil, err
	}
	if o.pullUp, err = device.Program(func(in []*Node) []*Node { return []*Node{Dot(in[0], in[1]).Product()} }, "product"); err != nil {
		return nil, err
	}
	o.x = tensors.FromFlatDataAndDimensions(single(x.RawMatrix().Data), n, dim)
	return o, nil
}

// at evaluates; the optimiser asks for value and gradient at the same place one after the other.
func (o *objective) at(w []float64) *objective {
	if o.err != nil || o.last != nil && floats.Equal(o.last, w) {
		return o
	}
	o.last = append(o.last[:0], w...)
	if o.err = o.ctx.Err(); o.err == nil {
		o.err = o.evaluate(w)
	}
	if o.err != nil {
		o.loss = math.NaN()
	}
	return o
}

func (o *objective) evaluate(w []float64) error {
	n, weights, bias := len(o.labels), o.classes*o.dim, w[o.classes*o.dim:]
	scores, err := call(o.logits, tensors.FromFlatDataAndDimensions(single(w[:weights]), o.classes, o.dim), o.x)
	if err != nil {
		return err
	}
	top, sum := make([]float64, n), make([]float64, n)
	for i := range top {
		top[i] = math.Inf(-1)
	}
	for c, b := range bias {
		for i, s := range scores[c*n:][:n] {
			top[i] = max(top[i], float64(s)+b)
		}
	}
	loss := 0.0
	for c, b := range bias {
		row := scores[c*n:][:n]
		for i, s := range row {
			z := float64(s) + b - top[i]
			if o.labels[i] == int32(c) {
				loss -= z
			}
			e := math.Exp(z)
			sum[i] += e
			row[i] = float32(e)
		}
	}
	for i, s := range sum {
		loss += math.Log(s)
		sum[i] = 1 / (s * float64(n))
	}
	for c := range o.classes {
		row, total := scores[c*n:][:n], 0.0
		for i := range row {
			p := float64(row[i]) * sum[i]
			if o.labels[i] == int32(c) {
				p -= 1 / float64(n)
			}
			row[i] = float32(p)
			total += p
		}
		o.gradient[weights+c] = total
	}
	pulled, err := call(o.pullUp, tensors.FromFlatDataAndDimensions(scores, o.classes, n), o.x)
	if err != nil {
		return err
	}
	o.loss = loss / float64(n)
	for i, g := range pulled {
		o.gradient[i] = float64(g) + o.l2*w[i]
		o.loss += o.l2 / 2 * w[i] * w[i]
	}
	return nil
}

// rowProducts are the dot products of the rows of a and of b.
func rowProducts(in []*Node) []*Node {
	return []*Node{DotGeneral(in[0], []int{1}, nil, in[1], []int{1}, nil)}
}

// single rounds to single precision.
func single(values []float64) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return out
}

// call runs a product whose first operand is used once, and copies the result.
func call(p nn.Program, once, kept *tensors.Tensor) ([]float32, error) {
	out, err := p.Run([]*tensors.Tensor{once, kept})
	if err != nil {
		return nil, err
	}
	defer nn.Release(out, []*tensors.Tensor{once})
	return nn.Values(out[0]), nil
}
