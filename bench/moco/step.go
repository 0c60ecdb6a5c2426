package moco

import (
	"context"
	"fmt"
	"math"

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
	if err := ctx.Err(); err != nil {
		return method.Metrics{}, err
	}
	batch, err := t.views.Next(t.step)
	if err != nil {
		return method.Metrics{}, fmt.Errorf("step %d: %w", t.step, err)
	}
	t.clock("batch")

	pass, err := t.encode(batch)
	if err != nil {
		return method.Metrics{}, fmt.Errorf("step %d: forward: %w", t.step, err)
	}
	defer pass.release()
	t.clock("forward")

	m := method.Metrics{Step: t.step + 1, LearningRate: t.config.Rate(t.step, t.config.Steps)}
	ranked := contrast.Batch{
		Similarity: pass.similarity, Positive: dots(pass.queries, pass.keys, t.config.Encoder.Dim),
		Classes: batch.Classes, Negatives: t.queueClass, Seed: t.seed, Step: uint64(t.step),
	}
	for _, p := range ranked.Positive {
		m.Positive += float64(p) / float64(t.config.Batch)
	}
	if measure {
		m.Bands, m.Uniformity = t.contrast.Bands(ranked), ranked.Uniformity()
	}
	loss := t.contrast.Loss(ranked)
	m.Loss, m.Top1, m.Kept = loss.InfoNCE, loss.Top1, loss.Kept
	if nn.AnyNaN(pass.norm) { // which ReLU may have hidden from the loss
		m.Loss = math.NaN()
	}
	if math.IsNaN(m.Loss) || math.IsInf(m.Loss, 0) {
		nn.Release(pass.key, pass.norm)
		return m, &method.DivergedError{Step: m.Step, Loss: m.Loss}
	}
	t.clock("contrast")

	if err := t.descend(pass, loss, m.LearningRate); err != nil {
		return method.Metrics{}, fmt.Errorf("step %d: backward: %w", t.step, err)
	}
	t.clock("backward")

	at := t.step * t.config.Batch % t.config.Queue
	copy(t.queue[at*t.config.Encoder.Dim:], pass.keys)
	copy(t.queueClass[at:], batch.Classes)
	t.step++
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
	p := pass{queue: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(t.queue, t.config.Queue, t.config.Encoder.Dim)}}
	query, key := batch.Query.Tensors(), batch.Key.Tensors()
	out, err := nn.Call(t.forward, query, key, p.queue, t.query, t.key, t.norm)
	nn.Release(query, key)
	if err != nil {
		p.release()
		return pass{}, err
	}
	p.q = nn.Take(&out, 1)
	shuffled := nn.Take(&out, 2) // keys and dot products
	p.key, p.norm, p.tape = nn.Take(&out, len(t.key)), nn.Take(&out, len(t.norm)), out
	p.queries, p.keys, p.similarity = nn.Values(p.q[0]), batch.Unshuffle(nn.Values(shuffled[0])), nn.Values(shuffled[1])
	nn.Release(shuffled)
	return p, nil
}

// forwardGraph: query views, key views, queue, query parameters, key parameters, running statistics ->
// q, k, q . queue, new key parameters, new running statistics, tape.
func (t *Trainer) forwardGraph(in []*Node) []*Node {
	n := len(t.encoder.Params)
	queryViews, keyViews := t.views.Take(&in), t.views.Take(&in)
	queue, query, key, stats := nn.Take(&in, 1)[0], nn.Take(&in, n), nn.Take(&in, n), in

	newKey := make([]*Node, n)
	m := t.config.KeyMomentum
	for i := range key {
		newKey[i] = Add(MulScalar(key[i], m), MulScalar(query[i], 1-m))
	}
	q := t.encoder.Forward(query, stats, queryViews, true)
	k := t.encoder.Forward(newKey, stats, keyViews, false)

	out := []*Node{q.Embedding, k.Embedding, DotGeneral(q.Embedding, []int{1}, nil, queue, []int{1}, nil)}
	return append(append(append(out, newKey...), q.Stats...), q.Tape...)
}

// descend takes the step of SGD and accepts the key encoder and the running statistics of the pass.
func (t *Trainer) descend(p pass, loss contrast.Loss, rate float64) error {
	c := t.config
	given := []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(loss.Weights, c.Batch, c.Queue),
		tensors.FromFlatDataAndDimensions(loss.KeyWeights, c.Batch, 1),
		tensors.FromFlatDataAndDimensions(p.keys, c.Batch, c.Encoder.Dim),
		tensors.FromScalar(float32(rate)),
	}
	out, err := nn.Call(t.backward, p.q, p.queue, given, t.query, t.velocity, p.tape)
	nn.Release(given)
	if err != nil {
		nn.Release(p.key, p.norm)
		return err
	}
	nn.Release(t.query, t.velocity, t.key, t.norm)
	t.query, t.velocity, t.key, t.norm = nn.Take(&out, len(t.query)), out, p.key, p.norm
	return nil
}

// backwardGraph: q, queue, weights of the negatives and of the keys, keys, learning rate, query parameters,
// velocities, tape -> new query parameters, new velocities.
func (t *Trainer) backwardGraph(in []*Node) []*Node {
	n := len(t.encoder.Params)
	given := nn.Take(&in, 6)
	q, queue, weights, keyWeights, keys, rate := given[0], given[1], given[2], given[3], given[4], given[5]
	params, velocity, tape := nn.Take(&in, n), nn.Take(&in, n), in

	dq := Add(Dot(weights, queue).Product(), Mul(keys, keyWeights))
	newParams, newVelocity := t.config.Update(rate, params, velocity, t.encoder.Backward(params, tape, q, dq))
	return append(newParams, newVelocity...)
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
