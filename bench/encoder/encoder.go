// Package encoder is the network that every training method trains: a small ResNet of bottleneck blocks with
// MoCo v2's MLP head. It maps views to embeddings and back in training, and images to features and embeddings
// for those who probe and analyse.
//
// An Encoder is the architecture on a backend; whoever trains it holds its tensors.
package encoder

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language

	"github.com/cidbench/cidbench/bench/nn"
)

// Config sizes the network: a stem of 3x3 stride-2 convolutions, stages of bottleneck blocks as in
// ResNet-50 (1x1, 3x3, 1x1 with batch norm, the stride in the 3x3), global average pooling, and
// MoCo v2's MLP head. The features that are probed are the pooled ones, before the head.
type Config struct {
	// Size is the height and width of the images in pixels.
	Size int `json:"size"`
	// Stem holds the channels of each stem convolution.
	Stem   []int   `json:"stem"`
	Stages []Stage `json:"stages"`
	// Hidden and Dim are the widths of the head's hidden layer and of the embedding.
	Hidden int `json:"hidden"`
	Dim    int `json:"dim"`
}

// Stage is a run of bottleneck blocks; the first has the stride.
type Stage struct {
	Blocks int `json:"blocks"`
	// Width is that of the 3x3 convolution, Out that of the block's output (ResNet-50: four times Width).
	Width  int `json:"width"`
	Out    int `json:"out"`
	Stride int `json:"stride"`
}

// Validate reports the first size that cannot be built.
func (c Config) Validate() error {
	size := c.Size
	for range c.Stem {
		if size%2 != 0 {
			return fmt.Errorf("encoder: a stem convolution halves %d pixels", size)
		}
		size /= 2
	}
	if len(c.Stem) == 0 || len(c.Stages) == 0 {
		return errors.New("encoder: stem and stages must not be empty")
	}
	for i, s := range c.Stages {
		if s.Blocks < 1 || s.Width < 1 || s.Out < 1 || s.Stride != 1 && s.Stride != 2 {
			return fmt.Errorf("encoder: stage %d: blocks, width and out must be positive and stride 1 or 2", i)
		}
		if size%s.Stride != 0 {
			return fmt.Errorf("encoder: stage %d halves %d pixels", i, size)
		}
		size /= s.Stride
	}
	if size < 2 {
		return fmt.Errorf("encoder: the last stage works on %dx%d pixels; 2x2 is the least", size, size)
	}
	if c.Hidden < 1 || c.Dim < 1 {
		return errors.New("encoder: hidden and dim must be positive")
	}
	return nil
}

// Features is the width of the pooled features.
func (c Config) Features() int { return c.Stages[len(c.Stages)-1].Out }

// backbone maps images [groups, 3, batch, Size, Size] to pooled features [Features, groups*batch].
func (c Config) backbone() nn.Sequential {
	var net nn.Sequential
	in, size := 3, c.Size
	for i, out := range c.Stem {
		net = append(net, nn.ConvNorm{In: in, Out: out, Kernel: 3, Stride: 2, ReLU: true, NoInputGrad: i == 0})
		in, size = out, size/2
	}
	for _, s := range c.Stages {
		for i := range s.Blocks {
			stride := 1
			if i == 0 {
				stride = s.Stride
			}
			net = append(net, bottleneck(in, s.Width, s.Out, stride))
			in, size = s.Out, size/stride
		}
	}
	return append(net, nn.GlobalAveragePool{Channels: in, Size: size})
}

// head maps pooled features to the embedding [Dim, batch], not yet normalised.
func (c Config) head() nn.Sequential {
	return nn.Sequential{
		nn.Linear{In: c.Features(), Out: c.Hidden, ReLU: true},
		nn.Linear{In: c.Hidden, Out: c.Dim},
	}
}

func bottleneck(in, width, out, stride int) nn.Layer {
	block := nn.Residual{Body: nn.Sequential{
		nn.ConvNorm{In: in, Out: width, Kernel: 1, Stride: 1, ReLU: true},
		nn.ConvNorm{In: width, Out: width, Kernel: 3, Stride: stride, ReLU: true},
		nn.ConvNorm{In: width, Out: out, Kernel: 1, Stride: 1},
	}}
	if in != out || stride != 1 {
		block.Shortcut = nn.ConvNorm{In: in, Out: out, Kernel: 1, Stride: stride}
	}
	return block
}

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
	b.Native = nn.Native(e.backend)
	e.layers.Backward(b, Transpose(dz, 0, 1))
	return b.Grads()
}

// normalise scales the rows of x [batch, dim] to unit length, and returns the lengths [batch, 1] too.
func normalise(x *Node) (unit, length *Node) {
	length = Sqrt(AddScalar(ReduceAndKeep(Mul(x, x), ReduceSum, 1), 1e-12))
	return Div(x, length), length
}
