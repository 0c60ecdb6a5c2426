package moco

import (
	"context"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/views"
)

// Parts are the parts of a step, in order. The views are made ahead: the first is the wait for them.
var Parts = []string{"batch", "forward", "contrast", "backward", "enqueue"}

// Advance implements method.Trainer.
func (t *Trainer) Advance(ctx context.Context, measure bool) (method.Metrics, error) {
	batch, err := t.Batch(ctx)
	if err != nil {
		return method.Metrics{}, err
	}
	t.clock("batch")
	if t.Applied() {
		return t.Whole(batch, measure, &t.key, &t.onDevice)
	}

	pass, err := t.encode(batch)
	if err != nil {
		return method.Metrics{}, err
	}
	defer pass.release()
	t.clock("forward")

	loss, m, err := t.Contrast(contrast.Batch{
		Similarity: pass.similarity, Positive: dots(pass.queries, pass.keys, t.Dim),
		Classes: batch.Classes, Negatives: t.queueClass,
	}, pass.norm, measure)
	if err != nil {
		nn.Release(pass.key, pass.norm)
		return m, err
	}
	t.clock("contrast")

	if err := t.descend(pass, loss, m.LearningRate); err != nil {
		return method.Metrics{}, err
	}
	t.clock("backward")

	at := (m.Step - 1) * t.config.Batch % t.config.Queue
	copy(t.queue[at*t.Dim:], pass.keys)
	copy(t.queueClass[at:], batch.Classes)
	t.clock("enqueue")
	return m, nil
}

func (t *Trainer) clock(part string) {
	if t.Clock != nil {
		t.Clock(part)
	}
}

// pass is what the forward graph gives.
type pass struct {
	queries, keys []float32 // [Batch, Dim], rows of unit length, in the order of the queries
	similarity    []float32 // [Batch, Queue], query . queue
	key, norm     []*tensors.Tensor
	// What backward needs besides: q is queries, queue as the queries saw it.
	q, queue, tape []*tensors.Tensor
}

func (p pass) release() { nn.Release(p.q, p.queue, p.tape) }

func (t *Trainer) encode(batch *views.Batch) (pass, error) {
	p := pass{queue: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(t.queue, t.config.Queue, t.Dim)}}
	query, key := batch.Query.Tensors(), batch.Key.Tensors()
	out, err := t.Encode(query, key, p.queue, t.Params, t.key, t.Stats)
	nn.Release(query, key)
	if err != nil {
		p.release()
		return pass{}, err
	}
	p.q = nn.Take(&out, 1)
	shuffled := nn.Take(&out, 2) // keys and dot products
	p.key, p.norm, p.tape = nn.Take(&out, len(t.key)), nn.Take(&out, len(t.Stats)), out
	p.queries, p.keys, p.similarity = nn.Values(p.q[0]), batch.Unshuffle(nn.Values(shuffled[0])), nn.Values(shuffled[1])
	nn.Release(shuffled)
	return p, nil
}

// forwardGraph: query views, key views, queue, query parameters, key parameters, running statistics ->
// q, k, q . queue, new key parameters, new running statistics, tape.
func (t *Trainer) forwardGraph(in []*Node) []*Node {
	n := len(t.Params)
	given := nn.Take(&in, 3)
	queryViews, keyViews, queue := given[0], given[1], given[2]
	query, key, stats := nn.Take(&in, n), nn.Take(&in, n), in
	newKey := momentum(key, query, t.config.KeyMomentum)
	q := t.Encoder.Forward(query, stats, queryViews, true)
	k := t.Encoder.Forward(newKey, stats, keyViews, false)

	out := []*Node{q.Embedding, k.Embedding, DotGeneral(q.Embedding, []int{1}, nil, queue, []int{1}, nil)}
	return append(append(append(out, newKey...), q.Stats...), q.Tape...)
}

// descend takes the step of SGD and accepts the key encoder of the pass.
func (t *Trainer) descend(p pass, loss contrast.Loss, rate float64) error {
	c := t.config
	given := []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(loss.Weights, c.Batch, c.Queue),
		tensors.FromFlatDataAndDimensions(loss.KeyWeights, c.Batch, 1),
		tensors.FromFlatDataAndDimensions(p.keys, c.Batch, t.Dim),
	}
	err := t.Descend(rate, p.norm, p.tape, p.q, p.queue, given)
	nn.Release(given)
	if err != nil {
		nn.Release(p.key, p.norm)
		return err
	}
	nn.Release(t.key)
	t.key = p.key
	return nil
}

// backwardGraph: q, queue, weights of the negatives and of the keys, keys, and what Update takes -> new query
// parameters, new velocities.
func (t *Trainer) backwardGraph(in []*Node) []*Node {
	given := nn.Take(&in, 5)
	q, queue, weights, keyWeights, keys := given[0], given[1], given[2], given[3], given[4]
	return t.Update(q, Add(Dot(weights, queue).Product(), Mul(keys, keyWeights)), in)
}

// dots are the dot products of the rows of a and b.
func dots(a, b []float32, dim int) []float32 {
	out := make([]float32, len(a)/dim)
	for i := range out {
		for d := range dim {
			out[i] += a[i*dim+d] * b[i*dim+d]
		}
	}
	return out
}
