package trainer

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/views"
)

// Scene is what a method sees in the graph of a whole step.
type Scene struct {
	Encoder       *encoder.Encoder
	Params, Stats []*Node
	// Query and Key are the views, [Batch, Size, Size, 3]. Places [Batch] are where the key of each query stands.
	Query, Key, Places *Node
	Classes            *Node // [Batch]
	Step               *Node // counted from 0
	Groups             int
	// Own is the method's state besides the encoder.
	Own []*Node
}

// Queries is what a method makes of it: B queries with their keys and K negatives, as differentiable functions of the
// parameters, and the state after the step.
type Queries struct {
	Similarity, Positive *Node // [B, K], [B]
	// Classes are those of the queries [B], Negatives those of their negatives, [K] or [B, K].
	Classes, Negatives *Node
	Stats, Own         []*Node
}

// CompileWhole makes the graph of a step with so many queries as one, for where the encoder is Applied. The key names all
// that see depends on but the settings.
func (b *Base) CompileWhole(queries int, see func(Scene) Queries, key ...any) (err error) {
	b.queries = queries
	w := wholeStep{see: see, encoder: b.Encoder, settings: b.settings, contrast: b.contrast.Shape()}
	// What differs between arms, temperatures and lengths of training is input.
	same := b.settings
	same.Temperature, same.Steps, same.SGD.LearningRate, same.SGD.WarmupSteps = 0, 0, 0, 0
	b.whole, err = b.device.Program(w.graph, append(key, same, w.contrast)...)
	return err
}

// wholeStep is all that the graph is made of.
type wholeStep struct {
	see      func(Scene) Queries
	encoder  *encoder.Encoder
	settings Settings
	contrast contrast.Shape
}

// The metrics of a step, as the graph has them.
const (
	loss = iota
	top1
	kept
	positive
	broken // numbers among the new running statistics that are none
)

// graph: rate, step, places, classes, query views, key views, inputs of the contrast, parameters, velocities, running
// statistics, the method's own -> metrics, dot products, classes of the negatives, and the last four after the step.
func (w wholeStep) graph(in []*Node) []*Node {
	given := nn.Take(&in, 4)
	rate, s := given[0], Scene{Encoder: w.encoder, Step: given[1], Places: given[2], Classes: given[3], Groups: w.settings.NormGroups}
	s.Query, in = augment.FromRecipes(in)
	s.Key, in = augment.FromRecipes(in)
	rules := w.contrast.Take(&in)
	s.Params = nn.Take(&in, len(w.encoder.Params))
	velocity := nn.Take(&in, len(w.encoder.Params))
	s.Stats, s.Own = nn.Take(&in, len(w.encoder.Stats)), in

	q := w.see(s)
	l := rules.Loss(StopGradient(q.Similarity), StopGradient(q.Positive), q.Classes, q.Negatives)
	// The loss is linear in these two near where they are, with the derivatives that the contrast gives.
	objective := Add(ReduceAllSum(Mul(q.Similarity, StopGradient(l.Weights))), ReduceAllSum(Mul(q.Positive, StopGradient(l.KeyWeights))))
	params, velocity := w.settings.SGD.Update(rate, s.Params, velocity, Gradient(objective, s.Params...))

	bad := ScalarZero(rate.Graph(), dtypes.Float32)
	for _, x := range q.Stats {
		bad = Add(bad, ReduceAllSum(ConvertDType(IsNaN(x), dtypes.Float32)))
	}
	numbers := []*Node{loss: l.InfoNCE, top1: l.Top1, kept: l.Kept, positive: ReduceAllMean(q.Positive), broken: bad}
	for at, x := range numbers {
		numbers[at] = Reshape(x, 1)
	}
	out := []*Node{Concatenate(numbers, 0), q.Similarity, q.Negatives}
	for _, group := range [][]*Node{params, velocity, q.Stats, q.Own} {
		out = append(out, group...)
	}
	return out
}

// Whole does a step as one graph, with the method's own state, which stays on the device like the rest of it.
func (b *Base) Whole(batch *views.Batch, measure bool, own ...*[]*tensors.Tensor) (method.Metrics, error) {
	m := b.metrics()
	n := len(batch.Classes)
	given := []*tensors.Tensor{
		tensors.FromScalar(float32(m.LearningRate)), tensors.FromScalar(int32(b.step)),
		tensors.FromFlatDataAndDimensions(batch.Places(), n), tensors.FromFlatDataAndDimensions(batch.Classes, n),
	}
	query, key := batch.Query.Tensors(), batch.Key.Tensors()
	rules := b.contrast.Inputs(b.seed, uint64(b.step), b.queries, b.settings.Negatives)
	inputs, state := [][]*tensors.Tensor{given, query, key, rules}, append([]*[]*tensors.Tensor{&b.Params, &b.Velocity, &b.Stats}, own...)
	for _, group := range state {
		inputs = append(inputs, *group)
	}
	out, err := b.whole.Run(inputs...)
	nn.Release(given, query, key, rules)
	if err != nil {
		return m, fmt.Errorf("step %d: %w", b.step, err)
	}
	seen := nn.Take(&out, 3)
	defer nn.Release(seen)
	numbers := nn.Values(seen[0])
	m.Loss, m.Top1, m.Kept, m.Positive = float64(numbers[loss]), float64(numbers[top1]), float64(numbers[kept]), float64(numbers[positive])
	if err := diverged(&m, numbers[broken] > 0); err != nil {
		nn.Release(out)
		return m, err
	}
	if measure {
		measured := contrast.Batch{Similarity: nn.Values(seen[1]), Positive: make([]float32, b.queries), Negatives: nn.Integers(seen[2])}
		for i := range measured.Positive {
			measured.Classes = append(measured.Classes, batch.Classes[i%n])
		}
		b.measure(&m, measured)
	}
	for _, group := range state {
		nn.Release(*group)
		*group = nn.Take(&out, len(*group))
	}
	b.step++
	return m, nil
}
