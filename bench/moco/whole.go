package moco

import (
	"slices"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/trainer"
)

// whole is a step as one graph: momentum, both encoders, dot products with the queue, and enqueue.
type whole struct{ keyMomentum float64 }

// see has the parameters of the key encoder, queue and classes of the queue as the method's own state.
func (w whole) see(s trainer.Scene) trainer.Queries {
	own := s.Own
	n := len(own) - 2
	key, queue, queueClass := momentum(own[:n], s.Params, w.keyMomentum), own[n], own[n+1]
	q := s.Encoder.Apply(s.Params, s.Stats, s.Query, s.Groups)
	k := StopGradient(s.Encoder.Apply(key, s.Stats, s.Key, s.Groups).Embedding)
	k = Gather(k, InsertAxes(s.Places, -1))

	out := trainer.Queries{
		Similarity: DotGeneral(q.Embedding, []int{1}, nil, queue, []int{1}, nil),
		Positive:   ReduceSum(Mul(q.Embedding, k), 1),
		Classes:    s.Classes, Negatives: queueClass, Stats: q.Stats,
	}
	out.Own = slices.Concat(key, []*Node{enqueue(queue, k, s.Step), enqueue(queueClass, s.Classes, s.Step)})
	return out
}

// enqueue puts a batch in the place of the oldest. Queues hold whole batches; the queue is written as a whole, as it would
// be by an update of a slice that is not in place.
func enqueue(queue, batch, step *Node) *Node {
	n, d := batch.Shape().Dim(0), queue.Shape().Dimensions
	batches := Reshape(queue, append([]int{d[0] / n, n}, d[1:]...)...)
	place := Iota(queue.Graph(), shapes.Make(step.DType(), batches.Shape().Dimensions...), 0)
	oldest := Equal(place, Mod(step, Scalar(step.Graph(), step.DType(), d[0]/n)))
	return Reshape(Where(oldest, BroadcastToDims(InsertAxes(batch, 0), batches.Shape().Dimensions...), batches), d...)
}

// momentum moves the parameters of the key encoder towards those of the query encoder.
func momentum(key, query []*Node, keep float64) []*Node {
	moved := make([]*Node, len(key))
	for i := range key {
		moved[i] = Add(MulScalar(key[i], keep), MulScalar(query[i], 1-keep))
	}
	return moved
}

// send brings the queue to the device.
func (t *Trainer) send() {
	nn.Release(t.onDevice)
	t.onDevice = []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(t.queue, t.config.Queue, t.Dim),
		tensors.FromFlatDataAndDimensions(t.queueClass, t.config.Queue),
	}
}

// fetch reads it back.
func (t *Trainer) fetch() {
	if t.Applied() {
		t.queue, t.queueClass = nn.Values(t.onDevice[0]), nn.Integers(t.onDevice[1])
	}
}
