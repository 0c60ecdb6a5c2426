package nn

import (
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors/images"
)

// convolve is the convolution, [g, In, n, h, w] to [g, Out, n, h/Stride, w/Stride], and what its
// backward pass needs: native where the backend compiles it, by patches and one product otherwise.
func (c ConvNorm) convolve(native bool, x, w *Node) (y, read *Node) {
	if native {
		return c.native(x, Reshape(Slice(w, AxisElem(0)), c.Out, c.reads())), x
	}
	d := x.Shape().Dimensions
	n, h, wd := d[2], d[3]/c.Stride, d[4]/c.Stride
	if c.Kernel == 1 {
		p := c.pixels(x)
		return Reshape(product(w, p), d[0], c.Out, n, h, wd), p
	}
	sources, taps := []*Node{x}, taps3x3
	if c.Stride == 2 {
		sources, taps = phases(x), taps3x3Stride2
	}
	p := patches(sources, taps)
	return crop(product(w, p), n, h, wd), p
}

// convolveBackward gives the gradient of the weights and returns that of the input.
func (c ConvNorm) convolveBackward(b *Backward, weight, w, read, dy *Node) *Node {
	if b.Native {
		return c.nativeBackward(b, weight, read, dy)
	}
	d := dy.Shape().Dimensions
	groups, n, h, wd := d[0], d[2], d[3], d[4]
	if c.Kernel == 1 {
		flat := Reshape(dy, groups, c.Out, n*h*wd)
		b.grad(ReduceSum(productT(flat, read), 0))
		if c.NoInputGrad {
			return nil
		}
		return c.unpixels(Reshape(product(transpose(w), flat), groups, c.In, n, h, wd))
	}
	b.grad(ReduceSum(productT(uncrop(dy), read), 0))
	if c.NoInputGrad {
		return nil
	}
	if c.Stride == 1 {
		flipped := Reshape(Transpose(Reverse(Reshape(weight, c.Out, 9, c.In), 1), 0, 2), c.In, 9*c.Out)
		return crop(product(repeat(flipped, groups), patches([]*Node{dy}, taps3x3)), n, h, wd)
	}
	// Each phase of the input sees the output at up to four shifts; one product serves all four phases,
	// with zero blocks where a phase does not see a shift.
	p := patches([]*Node{dy}, tapsStride2Backward)
	grid := product(repeat(c.phaseWeights(weight), groups), p)
	each := make([]*Node, 4)
	for i := range each {
		each[i] = cropChannels(grid, i*c.In, (i+1)*c.In, n, h, wd)
	}
	return interleave(each...)
}

// phaseWeights arranges w [Out, 9*In] as [4*In, 4*Out]: rows by phase of the input (as phases orders
// them), columns by shift of the output (as tapsStride2Backward orders them).
func (c ConvNorm) phaseWeights(w *Node) *Node {
	byTap := Transpose(Reshape(w, c.Out, 9, c.In), 0, 2) // [In, 9, Out]
	rows := make([]*Node, 0, 4)
	for ph := range 4 {
		blocks := make([]*Node, 0, 4)
		for _, shift := range tapsStride2Backward {
			block := zeros(w.Graph(), c.In, c.Out)
			for t, tap := range taps3x3Stride2 {
				if tap.source == ph && tap.dy == -shift.dy && tap.dx == -shift.dx {
					block = Reshape(Slice(byTap, AxisRange(), AxisElem(t)), c.In, c.Out)
				}
			}
			blocks = append(blocks, block)
		}
		rows = append(rows, Concatenate(blocks, 1))
	}
	return Concatenate(rows, 0)
}

// pixels views what a 1x1 convolution reads as [g, In, positions].
func (c ConvNorm) pixels(x *Node) *Node {
	if c.Stride == 2 {
		x = phase(x, 0, 0)
	}
	d := x.Shape().Dimensions
	return Reshape(x, d[0], d[1], d[2]*d[3]*d[4])
}

// unpixels is the adjoint of pixels, from [g, In, n, h, w].
func (c ConvNorm) unpixels(dx *Node) *Node {
	if c.Stride == 1 {
		return dx
	}
	return interleave(dx) // the other phases are zero
}

// tap is one position of a kernel: output (y, x) reads sources[source] at (y+dy, x+dx).
type tap struct{ source, dy, dx int }

var (
	taps3x3 = []tap{{0, -1, -1}, {0, -1, 0}, {0, -1, 1}, {0, 0, -1}, {0, 0, 0}, {0, 0, 1}, {0, 1, -1}, {0, 1, 0}, {0, 1, 1}}
	// With stride 2, row 2y-1 is row y-1 of the odd rows, 2y row y of the even and 2y+1 row y of the odd ones.
	taps3x3Stride2      = []tap{{3, -1, -1}, {2, -1, 0}, {3, -1, 0}, {1, 0, -1}, {0, 0, 0}, {1, 0, 0}, {3, 0, -1}, {2, 0, 0}, {3, 0, 0}}
	tapsStride2Backward = []tap{{0, 0, 0}, {0, 0, 1}, {0, 1, 0}, {0, 1, 1}}
)

// patches gathers the taps of every position: [g, len(taps)*channels, (n+1)(h+1)(w+1)].
//
// Only block copies are used. An image is extended by one zero row and one zero column, which serve as
// padding for its neighbours on both sides once the pixels stand in one line; a tap is then a shift of
// that line, and a shift is a concatenation with zeros. The n+1st image holds what is shifted out.
// Output (y, x) of image i ends up at (i, y+1, x+1) of that grid: see crop.
func patches(sources []*Node, taps []tap) *Node {
	graph := sources[0].Graph()
	g, c, n, h, w := dims5(sources[0])
	image := (h + 1) * (w + 1)
	lines := make([]*Node, len(sources))
	for i, s := range sources {
		s = Concatenate([]*Node{Reshape(s, g*c*n*h, w), zeros(graph, g*c*n*h, 1)}, 1)
		s = Concatenate([]*Node{Reshape(s, g*c*n, h*(w+1)), zeros(graph, g*c*n, w+1)}, 1)
		lines[i] = Reshape(s, g, c, n*image)
	}
	shifted := make([]*Node, len(taps))
	for i, t := range taps {
		before := (w + 2) - (t.dy*(w+1) + t.dx) // where pixel 0 lands
		var parts []*Node
		if before > 0 {
			parts = append(parts, zeros(graph, g, c, before))
		}
		parts = append(parts, lines[t.source])
		if after := image - before; after > 0 {
			parts = append(parts, zeros(graph, g, c, after))
		}
		shifted[i] = Concatenate(parts, 2)
	}
	return Concatenate(shifted, 1)
}

// crop takes the outputs [g, c, n, h, w] out of the grid of patches.
func crop(grid *Node, n, h, w int) *Node {
	return cropChannels(grid, 0, grid.Shape().Dimensions[1], n, h, w)
}

func cropChannels(grid *Node, from, to, n, h, w int) *Node {
	g, c, _ := dims3(grid)
	return Slice(Reshape(grid, g, c, n+1, h+1, w+1), AxisRange(), AxisRange(from, to), AxisRange(0, n), AxisRange(1, h+1), AxisRange(1, w+1))
}

// uncrop is the adjoint of crop: [g, c, n, h, w] placed in the grid, zeros elsewhere.
func uncrop(x *Node) *Node {
	graph := x.Graph()
	g, c, n, h, w := dims5(x)
	x = Concatenate([]*Node{zeros(graph, g*c*n*h, 1), Reshape(x, g*c*n*h, w)}, 1)
	x = Concatenate([]*Node{zeros(graph, g*c*n, w+1), Reshape(x, g*c*n, h*(w+1))}, 1)
	image := (h + 1) * (w + 1)
	return Concatenate([]*Node{Reshape(x, g, c, n*image), zeros(graph, g, c, image)}, 2)
}

// phase takes every second row and column of [g, c, n, h, w], starting at (row, column).
func phase(x *Node, row, column int) *Node {
	_, _, _, h, w := dims5(x)
	return Slice(x, AxisRange(), AxisRange(), AxisRange(), AxisRange(row, h).Stride(2), AxisRange(column, w).Stride(2))
}

// phases splits x into (even, even), (even, odd), (odd, even), (odd, odd) rows and columns.
func phases(x *Node) []*Node {
	return []*Node{phase(x, 0, 0), phase(x, 0, 1), phase(x, 1, 0), phase(x, 1, 1)}
}

// interleave is the inverse of phases; phases that are not given are zero.
//
// The copies of single pixels that it consists of would be slow one by one, so a product with a
// permutation does them, on as many rows at a time as fill the backend's vectors.
func interleave(phases ...*Node) *Node {
	g, c, n, h, w := dims5(phases[0])
	rows := 1
	for 4*rows*w < 32 && h%(2*rows) == 0 {
		rows *= 2
	}
	permutation := make([][]float32, len(phases)*rows*w)
	pixels := make([]*Node, len(phases))
	for p := range phases {
		for y := range rows {
			for x := range w {
				to := make([]float32, 4*rows*w)
				to[(2*y+p/2)*2*w+2*x+p%2] = 1
				permutation[(p*rows+y)*w+x] = to
			}
		}
		pixels[p] = Reshape(phases[p], g*c*n*h/rows, rows*w)
	}
	return Reshape(Dot(Concatenate(pixels, 1), Const(phases[0].Graph(), permutation)).Product(), g, c, n, 2*h, 2*w)
}

// native is the backend's own convolution, for backends that compile it; groups are but batch to it.
func (c ConvNorm) native(x, w *Node) *Node {
	g, _, n, h, wd := dims5(x)
	kernel := TransposeAllDims(Reshape(w, c.Out, c.Kernel, c.Kernel, c.In), 0, 3, 1, 2)
	batch := Reshape(Transpose(x, 1, 2), g*n, c.In, h, wd)
	pad := (c.Kernel - 1) / 2
	y := Convolve(batch, kernel).ChannelsAxis(images.ChannelsFirst).Strides(c.Stride).
		PaddingPerDim([][2]int{{pad, pad}, {pad, pad}}).Done()
	return Transpose(Reshape(y, g, n, c.Out, h/c.Stride, wd/c.Stride), 1, 2)
}

func (c ConvNorm) nativeBackward(b *Backward, w, x, dy *Node) *Node {
	objective := ReduceAllSum(Mul(c.native(x, w), StopGradient(dy)))
	if c.NoInputGrad {
		b.grad(Gradient(objective, w)[0])
		return nil
	}
	grads := Gradient(objective, w, x)
	b.grad(grads[0])
	return grads[1]
}

func dims5(x *Node) (g, c, n, h, w int) {
	d := x.Shape().Dimensions
	return d[0], d[1], d[2], d[3], d[4]
}
