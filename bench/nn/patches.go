package nn

import . "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language

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

func dims5(x *Node) (g, c, n, h, w int) {
	d := x.Shape().Dimensions
	return d[0], d[1], d[2], d[3], d[4]
}
