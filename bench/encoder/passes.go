package encoder

import (
	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language

	"github.com/cidbench/cidbench/bench/nn"
)

// Encoder is the network on a backend.
type Encoder struct {
	Config
	// Params and Stats declare the trainable tensors and the running statistics of batch norm, in order.
	Params, Stats []nn.Param

	backend compute.Backend
	layers  nn.Sequential
}

// New builds the network that a valid configuration describes.
func New(backend compute.Backend, c Config) *Encoder {
	layers := nn.Sequential{c.backbone(), c.head()}
	return &Encoder{Config: c, Params: layers.Params(), Stats: layers.Stats(), backend: backend, layers: layers}
}

// Pass is what a forward pass of training gives.
type Pass struct {
	// Embedding holds rows of unit length, [groups*batch, Dim].
	Embedding *Node
	// Stats are the updated running statistics; Tape is what Backward needs, empty unless it was recorded.
	Stats, Tape []*Node
}

// Forward maps views [groups, 3, batch, Size, Size] to embeddings, with batch norm over each group.
func (e *Encoder) Forward(params, stats []*Node, views *Node, record bool) Pass {
	f := nn.NewForward(params, stats)
	f.Train, f.Native, f.Record = true, nn.Native(e.backend), record
	embedding, length := normalise(Transpose(e.layers.Forward(f, views), 0, 1))
	pass := Pass{Embedding: embedding, Stats: f.NewStats}
	if record {
		pass.Tape = append(f.Tape, length)
	}
	return pass
}

// Backward maps the gradient of the embedding, [groups*batch, Dim], to those of the parameters.
func (e *Encoder) Backward(params, tape []*Node, embedding, gradient *Node) []*Node {
	length, tape := tape[len(tape)-1], tape[:len(tape)-1]
	// d(x/|x|): what lies along the embedding does not change it.
	along := ReduceAndKeep(Mul(gradient, embedding), ReduceSum, 1)
	dz := Div(Sub(gradient, Mul(embedding, along)), length)
	b := nn.NewBackward(params, tape)
	b.Native = nn.Native(e.backend)
	e.layers.Backward(b, Transpose(dz, 0, 1))
	return b.Grads()
}

// normalise scales the rows of x [batch, dim] to unit length, and returns the lengths [batch, 1] too.
func normalise(x *Node) (unit, length *Node) {
	length = Sqrt(AddScalar(ReduceAndKeep(Mul(x, x), ReduceSum, 1), 1e-12))
	return Div(x, length), length
}
