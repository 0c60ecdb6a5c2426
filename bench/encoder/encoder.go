// Package encoder is the network that every training method trains: a ResNet with MoCo's head, from a small one of our
// own to ResNet-50. It maps views to embeddings and back in training, and images to features and embeddings
// for those who probe and analyse.
//
// An Encoder is the architecture on a backend; whoever trains it holds its tensors.
package encoder

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language

	"github.com/cidbench/cidbench/bench/nn"
)

// Encoder is the network on a device. Backends that compile see it as layers that are applied, and derive its gradients;
// on the pure-Go backend it goes forward and backward with a tape between (package nn).
type Encoder struct {
	Config
	// Params and Stats declare the trainable tensors and the running statistics of batch norm, in order.
	Params, Stats []nn.Param

	device nn.Device
	layers nn.Sequential
}

// New builds the network that a valid configuration describes.
func New(device nn.Device, c Config) *Encoder {
	layers := nn.Sequential{c.backbone(), c.head()}
	return &Encoder{Config: c, Params: layers.Params(), Stats: layers.Stats(), device: device, layers: layers}
}

// Device is where the network runs.
func (e *Encoder) Device() nn.Device { return e.device }

// Applied says whether Apply is the way to train the encoder on its device, or else Forward and Backward.
func (e *Encoder) Applied() bool { return e.device.Compiles || e.compiled() }

// Pass is what a pass of training gives.
type Pass struct {
	// Embedding holds rows of unit length, [groups*batch, Dim].
	Embedding *Node
	// Stats are the updated running statistics; Tape is what Backward needs, empty unless it was recorded.
	Stats, Tape []*Node
}

// Apply maps views [groups*batch, Size, Size, 3] to embeddings, with batch norm over each of so many groups. What it
// gives has gradients.
func (e *Encoder) Apply(params, stats []*Node, views *Node, groups int) Pass {
	a := e.apply(params, stats)
	a.Train, a.Groups = true, groups
	embedding, _ := normalise(float32s(e.layers.Apply(a, ConvertDType(views, a.DType))))
	return Pass{Embedding: embedding, Stats: a.NewStats}
}

func (e *Encoder) apply(params, stats []*Node) *nn.Apply {
	a := nn.NewApply(params, stats)
	a.CPU = e.device.IsCPU()
	if e.Precision == BFloat16 {
		a.DType = dtypes.BFloat16
	}
	return a
}

// Forward maps views [groups, 3, batch, Size, Size] to embeddings, with batch norm over each group.
func (e *Encoder) Forward(params, stats []*Node, views *Node, record bool) Pass {
	f := nn.NewForward(params, stats)
	f.Train, f.Record = true, record
	embedding, length := normalise(Transpose(e.layers.Forward(f, views), 0, 1))
	pass := Pass{Embedding: embedding, Stats: f.NewStats}
	if record {
		pass.Tape = slices.Concat(f.Tape, []*Node{length})
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
	e.layers.Backward(b, Transpose(dz, 0, 1))
	return b.Grads()
}

// normalise scales the rows of x [batch, dim] to unit length, and returns the lengths [batch, 1] too.
func normalise(x *Node) (unit, length *Node) {
	length = Sqrt(AddScalar(ReduceAndKeep(Mul(x, x), ReduceSum, 1), 1e-12))
	return Div(x, length), length
}

func float32s(x *Node) *Node { return ConvertDType(x, dtypes.Float32) }
