package contrast

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/parallel"
	"github.com/cidbench/cidbench/bench/rng"
)

// Shape is what a graph of the contrast depends on. All else is input, so that one graph serves many arms and
// temperatures.
type Shape struct{ negatives.Shape }

// Shape is that of the rules.
func (c *Contrast) Shape() Shape { return Shape{negatives.ShapeOf(c.rules)} }

// Rules are the contrast's inputs in a graph: the temperature, the slots of all rules, and what those of the random pool
// draw.
type Rules struct {
	shape              Shape
	temperature, slots *Node
	drawn              []*Node
}

// Take removes them from the inputs of the graph, in the order of Contrast.Inputs.
func (s Shape) Take(inputs *[]*Node) Rules {
	given := nn.Take(inputs, 2)
	return Rules{s, given[0], given[1], nn.Take(inputs, s.Random)}
}

// Inputs are those of Rules.Loss at a step, for a batch of b queries with k negatives each: temperature, rules, and for
// each rule of the random pool what it draws. The draws are those of Loss.
func (c *Contrast) Inputs(seed, step uint64, b, k int) []*tensors.Tensor {
	slots := negatives.Slots(c.rules, k, c.classes, int(step), c.steps)
	in := []*tensors.Tensor{
		tensors.FromScalar(float32(c.temperature)),
		tensors.FromFlatDataAndDimensions(slots, len(slots)/negatives.SlotSize, negatives.SlotSize),
	}
	var drawing []negatives.Rule
	var pools [][]bool
	for _, r := range c.rules {
		if r.Pool == negatives.Random {
			drawing, pools = append(drawing, r), append(pools, make([]bool, b*k))
		}
	}
	if len(drawing) > 0 {
		parallel.Each(b, len(c.selectors), func(thread, i int) {
			random := rng.Stream(seed, rng.RandomPool, step, uint64(i))
			for at, r := range drawing {
				if r.Active(int(step), c.steps) {
					c.selectors[thread].Draw(pools[at][i*k:][:k], r.Count(k, c.classes), random)
				}
			}
		})
	}
	for _, pool := range pools {
		in = append(in, tensors.FromFlatDataAndDimensions(pool, b, k))
	}
	return in
}

// GraphLoss is Loss in a graph: InfoNCE, Top1 and Kept are scalars, Weights [B, K] and KeyWeights [B].
type GraphLoss struct{ InfoNCE, Top1, Kept, Weights, KeyWeights *Node }

// Loss is Contrast.Loss as a graph, with its own derivatives: similarity is [B, K], positive and classes [B], the classes
// of the negatives [K] or [B, K].
func (r Rules) Loss(similarity, positive, classes, negativeClasses *Node) GraphLoss {
	kept := r.shape.Kept(similarity, classes, negativeClasses, r.slots, r.drawn)
	b := float64(positive.Shape().Dim(0))
	none := Scalar(similarity.Graph(), dtypes.Float32, math.Inf(-1))
	seen := Where(kept, similarity, BroadcastToShape(none, similarity.Shape()))
	positive = InsertAxes(positive, -1)
	hardest := ReduceAndKeep(seen, ReduceMax, 1)
	top := Max(positive, hardest) // leaves the softmax as it is and keeps exp from overflowing
	numerator := Exp(Div(Sub(positive, top), r.temperature))
	each := Exp(Div(Sub(seen, top), r.temperature))
	sum := Add(numerator, ReduceAndKeep(each, ReduceSum, 1))
	perQuery := Div(Scalar(similarity.Graph(), dtypes.Float32, 1/b), r.temperature)
	// The logarithm of a quotient that may underflow is taken of its parts.
	infoNCE := Sub(Log(sum), Div(Sub(positive, top), r.temperature))
	return GraphLoss{
		InfoNCE:    ReduceAllMean(infoNCE),
		Top1:       ReduceAllMean(ConvertDType(GreaterThan(positive, hardest), dtypes.Float32)),
		Kept:       DivScalar(ReduceAllSum(ConvertDType(kept, dtypes.Float32)), b),
		Weights:    Mul(Div(each, sum), perQuery),
		KeyWeights: Squeeze(Mul(AddScalar(Div(numerator, sum), -1), perQuery), -1),
	}
}
