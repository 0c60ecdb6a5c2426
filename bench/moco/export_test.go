package moco

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/encoder"
)

// GraphBytes is the size of everything that the operations of one step write, in both graphs: a measure
// of the data that the pure-Go backend moves.
func (t *Trainer) GraphBytes(backend compute.Backend) (int64, error) {
	c := t.config
	views := shapesOf([]*tensors.Tensor{t.Params[0]})[0]
	image := func() shapes.Shape {
		return shapes.Make(views.DType, c.NormGroups, 3, c.Batch/c.NormGroups, c.Encoder.Size, c.Encoder.Size)
	}
	matrix := func(dims ...int) shapes.Shape { return shapes.Make(views.DType, dims...) }
	dim := c.Encoder.Dim
	inputs := append([]shapes.Shape{image(), image(), matrix(c.Queue, dim)}, shapesOf(t.Params, t.key, t.Stats)...)
	forward, outputs, err := written(backend, t.forwardGraph, inputs)
	if err != nil {
		return 0, err
	}
	tape := outputs[3+len(t.key)+len(t.Stats):]
	inputs = append([]shapes.Shape{matrix(c.Batch, dim), matrix(c.Queue, dim), matrix(c.Batch, c.Queue), matrix(c.Batch, 1), matrix(c.Batch, dim), matrix()}, shapesOf(t.Params, t.Velocity)...)
	backward, _, err := written(backend, t.backwardGraph, append(inputs, tape...))
	return forward + backward, err
}

func shapesOf(groups ...[]*tensors.Tensor) (all []shapes.Shape) {
	for _, group := range groups {
		for _, x := range group {
			all = append(all, x.Shape())
		}
	}
	return all
}

func written(backend compute.Backend, build func([]*Node) []*Node, inputs []shapes.Shape) (bytes int64, outputs []shapes.Shape, err error) {
	var g *Graph
	e, err := NewExec(backend, func(in []*Node) []*Node {
		g = in[0].Graph()
		out := build(in)
		for _, n := range out {
			outputs = append(outputs, n.Shape())
		}
		return out
	})
	if err != nil {
		return 0, nil, err
	}
	defer e.Finalize()
	if _, err := e.Compile(inputs...); err != nil {
		return 0, nil, err
	}
	for _, n := range g.Nodes() {
		switch n.Type() {
		case NodeTypeParameter, NodeTypeConstant, NodeTypeReshape:
		default:
			bytes += n.Shape().ByteSize()
		}
	}
	return bytes, outputs, nil
}

// MultiplyAdds of the encoder's forward pass for one image.
func MultiplyAdds(e encoder.Config) int {
	total, in, size := 0, 3, e.Size
	conv := func(kernel, from, to, at int) { total += kernel * kernel * from * to * at * at }
	for _, out := range e.Stem {
		size /= 2
		conv(3, in, out, size)
		in = out
	}
	for _, s := range e.Stages {
		for i := range s.Blocks {
			stride := 1
			if i == 0 {
				stride = s.Stride
			}
			conv(1, in, s.Width, size)
			size /= stride
			conv(3, s.Width, s.Width, size)
			conv(1, s.Width, s.Out, size)
			if in != s.Out || stride != 1 {
				conv(1, in, s.Out, size)
			}
			in = s.Out
		}
	}
	return total + in*e.Hidden + e.Hidden*e.Dim
}
