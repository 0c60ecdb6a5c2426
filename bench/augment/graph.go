package augment

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"
)

// Recipes is a batch of views that FromRecipes is to make: raw images, and a few hundred bytes for each that
// say what was drawn for it. Groups and places are those of Batch.
type Recipes struct {
	Groups, N, Size int

	source int
	images []uint8 // [Groups, N, source, source, 3]
	// The source, in pixels, of each row and each column of the view: [Groups, N, Size].
	rows, columns []float32
	// A colour c becomes linear c + shift mean, where mean is the mean colour of the crop: [Groups, N, 3, 3].
	linear, shift []float32
	// Half of the blur's kernel, centre first: [Groups, N, taps].
	kernels []float32
	taps    int
	// Where images are larger than views, how far a pixel of the view reaches along columns and rows: [Groups, N, 2].
	reach []float32
}

// NewRecipes allocates a batch of groups times n views of size x size pixels, from images of source x source.
func NewRecipes(c Config, groups, n, source, size int) *Recipes {
	all, taps := groups*n, 1
	if c.BlurProb > 0 {
		taps = len(gaussian(c.BlurMax))
	}
	floats := func(each int) []float32 { return make([]float32, all*each) }
	r := &Recipes{
		Groups: groups, N: n, Size: size, source: source, images: make([]uint8, all*source*source*3),
		rows: floats(size), columns: floats(size), linear: floats(9), shift: floats(9),
		kernels: floats(taps), taps: taps,
	}
	if source > size {
		r.reach = floats(2)
	}
	return r
}

// Tensors are the inputs of FromRecipes.
func (r *Recipes) Tensors() []*tensors.Tensor {
	floats := func(values []float32, dims ...int) *tensors.Tensor {
		return tensors.FromFlatDataAndDimensions(values, append([]int{r.Groups, r.N}, dims...)...)
	}
	all := []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(r.images, r.Groups, r.N, r.source, r.source, 3),
		floats(r.rows, r.Size), floats(r.columns, r.Size),
		floats(r.linear, 3, 3), floats(r.shift, 3, 3), floats(r.kernels, r.taps),
	}
	if r.reach != nil {
		all = append(all, floats(r.reach, 2))
	}
	return all
}

func (r *Recipes) put(i int, image []uint8, d drawn, _ *Viewer) {
	copy(r.images[i*len(image):], image)
	rows, columns := r.rows[i*r.Size:][:r.Size], r.columns[i*r.Size:][:r.Size]
	for j := range r.Size {
		rows[j] = float32(position(d.box.y, d.box.h, j, r.Size, r.source))
		at := j
		if d.flip {
			at = r.Size - 1 - j
		}
		columns[at] = float32(position(d.box.x, d.box.w, j, r.Size, r.source))
	}
	if r.reach != nil {
		r.reach[2*i], r.reach[2*i+1] = float32(reach(d.box.h, r.Size)), float32(reach(d.box.w, r.Size))
	}
	// Contrast alone looks at the mean, and every operation is linear in colour and mean together: so the
	// offsets for the unit colours are the columns of shift.
	for k := range 3 {
		var unit [3]float64
		unit[k] = 1
		for row, m := range d.colours(unit) {
			r.linear[9*i+3*row+k] = float32(m[k])
			r.shift[9*i+3*row+k] = float32(m[3])
		}
	}
	kernel := r.kernels[i*r.taps:][:r.taps]
	clear(kernel)
	copy(kernel, d.kernel)
}

// FromRecipes makes views in a graph: it takes the Tensors of Recipes from the inputs, and returns the pixels that Batch
// holds, but as [Groups*N, Size, Size, 3], with the inputs that follow. Crop, resampling and flip are a small matrix
// for the rows of an image and one for its columns; so is blur.
func FromRecipes(inputs []*Node) (views *Node, rest []*Node) {
	images, rows, columns, linear, shift, kernels := inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], inputs[5]
	each, rest := []int{0, 1}, inputs[6:] // the views of a batch have nothing to do with one another
	source, down, across := images.Shape().Dim(2), (*Node)(nil), (*Node)(nil)
	if source > rows.Shape().Dim(-1) {
		reach := InsertAxes(rest[0], -1, -1) // [groups, n, 2, 1, 1]
		down, across = Squeeze(Slice(reach, AxisRange(), AxisRange(), AxisElem(0)), 2), Squeeze(Slice(reach, AxisRange(), AxisRange(), AxisElem(1)), 2)
		rest = rest[1:]
	}

	x := MulScalar(ConvertDType(images, dtypes.Float32), 1.0/255)
	x = DotGeneral(sampling(rows, down, source), []int{3}, each, x, []int{2}, each)      // [groups, n, y, source x, colour]
	x = DotGeneral(x, []int{3}, each, sampling(columns, across, source), []int{3}, each) // [groups, n, y, colour, x]

	mean := ReduceMean(x, 2, 4)
	x = DotGeneral(linear, []int{3}, each, x, []int{3}, each) // [groups, n, colour, y, x]
	x = Add(x, InsertAxes(DotGeneral(shift, []int{3}, each, mean, []int{2}, each), -1, -1))

	b := blurring(kernels, rows.Shape().Dim(-1))
	x = DotGeneral(b, []int{3}, each, x, []int{3}, each) // [groups, n, y, colour, x]
	x = DotGeneral(x, []int{4}, each, b, []int{3}, each)

	d := x.Shape().Dimensions
	x = Reshape(TransposeAllAxes(x, 0, 1, 2, 4, 3), d[0]*d[1], d[2], d[4], d[3])
	return MulScalar(AddScalar(ClipScalar(x, 0, 1), -Mean), 1/Std), rest
}

// sampling turns positions [groups, n, size] into matrices [groups, n, size, source]: linear interpolation
// weighs a source pixel by a tent over its distance, whose reach [groups, n, 1, 1] is one pixel if it is not given.
func sampling(at, reach *Node, source int) *Node {
	pixels := Iota(at.Graph(), shapes.Make(at.DType(), 1, 1, 1, source), 3)
	distance := Abs(Sub(InsertAxes(at, -1), pixels))
	if reach == nil {
		return MaxScalar(OneMinus(distance), 0)
	}
	weights := MaxScalar(OneMinus(Div(distance, reach)), 0)
	return Div(weights, ReduceAndKeep(weights, ReduceSum, -1))
}

// blurring turns kernels [groups, n, taps] into matrices [groups, n, size, source] that repeat the border.
func blurring(kernels *Node, size int) *Node {
	taps := kernels.Shape().Dim(-1)
	// reach[d, i, j] says how often pixel j stands at distance d from pixel i.
	reach := make([]float32, taps*size*size)
	for d := range taps {
		for i := range size {
			row := reach[(d*size+i)*size:][:size]
			row[min(i+d, size-1)]++
			if d > 0 {
				row[max(i-d, 0)]++
			}
		}
	}
	constant := ConstTensor(kernels.Graph(), tensors.FromFlatDataAndDimensions(reach, taps, size, size))
	return DotGeneral(kernels, []int{2}, nil, constant, []int{0}, nil)
}
