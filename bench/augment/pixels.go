package augment

import (
	"math"

	"github.com/gomlx/gomlx/core/tensors"
)

type rectangle struct{ x, y, w, h float64 }

// neighbours are two source pixels and the share of the second.
type neighbours struct {
	lo, hi int
	mix    float32
}

// position is the source of target pixel i along one side, with pixel centres at one half.
func position(origin, length float64, i, target, source int) float64 {
	at := origin + (float64(i)+0.5)*length/float64(target) - 0.5
	return min(max(at, 0), float64(source-1))
}

// sample finds the pixels around that position, where source and target have the same size.
func sample(origin, length float64, i, size int) neighbours {
	return between(position(origin, length, i, size, size), size)
}

// between finds the pixels around a place, counted from the centre of the first one.
func between(at float64, size int) neighbours {
	at = min(max(at, 0), float64(size-1))
	lo := int(at)
	return neighbours{lo, min(lo+1, size-1), float32(at - float64(lo))}
}

// reach is that of a target pixel along one side, in source pixels: a crop that is made smaller is averaged, as by PIL.
func reach(length float64, target int) float64 { return max(1, length/float64(target)) }

// taps are the source pixels, from first on, that a target pixel is made of, with weights that sum to 1.
type taps struct {
	first   int
	weights []float32
}

// tent weighs the source pixels within reach of a target pixel by their distance to its position.
func (t *taps) tent(origin, length float64, i, target, source int) {
	at, wide := position(origin, length, i, target, source), reach(length, target)
	t.first, t.weights = max(0, int(math.Ceil(at-wide))), t.weights[:0]
	sum := float32(0)
	for j := t.first; j < source && float64(j) <= at+wide; j++ {
		w := float32(1 - math.Abs(at-float64(j))/wide)
		t.weights = append(t.weights, w)
		sum += w
	}
	for j := range t.weights {
		t.weights[j] /= sum
	}
}

// Batch is a set of normalised images in groups, channel-first: [Groups, 3, N, Size, Size]. Image i of
// the batch is image i mod N of group i / N.
type Batch struct {
	Groups, N, Size int
	Values          []float32
}

// NewBatch allocates a batch of groups times n images.
func NewBatch(groups, n, size int) *Batch {
	return &Batch{Groups: groups, N: n, Size: size, Values: make([]float32, groups*3*n*size*size)}
}

// Dims is the shape of Values.
func (b *Batch) Dims() []int { return []int{b.Groups, 3, b.N, b.Size, b.Size} }

// plane is channel c of image i.
func (b *Batch) plane(c, i int) []float32 {
	area := b.Size * b.Size
	group, i := i/b.N, i%b.N
	return b.Values[((group*3+c)*b.N+i)*area:][:area]
}

// Set writes an image [Size, Size, 3] as it is, normalised.
func (b *Batch) Set(i int, image []uint8, n Normalisation) {
	for c := range 3 {
		p, mean, std := b.plane(c, i), n.Mean[c], n.Std[c]
		for j := range p {
			p[j] = (float32(image[3*j+c])/255 - mean) / std
		}
	}
}

// Tensors are Values as the graph takes them.
func (b *Batch) Tensors() []*tensors.Tensor {
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(b.Values, b.Dims()...)}
}

func (b *Batch) put(i int, image []uint8, d drawn, v *Viewer) {
	mean := v.resample(b, i, image, d.box, d.flip)
	d.colours(mean).apply(b, i)
	if len(d.kernel) > 1 {
		for ch := range 3 {
			blur(b.plane(ch, i), v.scratch, b.Size, d.kernel)
		}
	}
	b.finish(i, Own)
}

// finish clamps and normalises the values of image i, which are in 0..1.
func (b *Batch) finish(i int, n Normalisation) {
	for ch := range 3 {
		p, mean, std := b.plane(ch, i), n.Mean[ch], n.Std[ch]
		for j, x := range p {
			p[j] = (min(max(x, 0), 1) - mean) / std
		}
	}
}

// resample writes the crop, bilinearly scaled to the whole view, in 0..1, and returns its mean colour.
func (v *Viewer) resample(b *Batch, i int, image []uint8, box rectangle, flip bool) (mean [3]float64) {
	if v.source != v.size {
		return v.reduce(b, i, image, box, flip)
	}
	size := b.Size
	for x := range v.columns {
		at := x
		if flip {
			at = size - 1 - x
		}
		v.columns[x] = sample(box.x, box.w, at, size)
	}
	red, green, blue := b.plane(0, i), b.plane(1, i), b.plane(2, i)
	var sums [3]float32
	for y := range size {
		row := sample(box.y, box.h, y, size)
		upper, lower := image[3*row.lo*size:][:3*size], image[3*row.hi*size:][:3*size]
		for x, column := range v.columns {
			a, c := upper[3*column.lo:][:3], upper[3*column.hi:][:3]
			d, e := lower[3*column.lo:][:3], lower[3*column.hi:][:3]
			mix := func(ch int) float32 {
				top := float32(a[ch]) + column.mix*(float32(c[ch])-float32(a[ch]))
				bottom := float32(d[ch]) + column.mix*(float32(e[ch])-float32(d[ch]))
				return (top + row.mix*(bottom-top)) * (1.0 / 255)
			}
			r, g, u := mix(0), mix(1), mix(2)
			red[y*size+x], green[y*size+x], blue[y*size+x] = r, g, u
			sums[0] += r
			sums[1] += g
			sums[2] += u
		}
	}
	for ch := range mean {
		mean[ch] = float64(sums[ch]) / float64(size*size)
	}
	return mean
}

// reduce is resample for images that are larger than views: first along the rows, then along the columns.
func (v *Viewer) reduce(b *Batch, i int, image []uint8, box rectangle, flip bool) (mean [3]float64) {
	size := b.Size
	for x := range v.taps {
		at := x
		if flip {
			at = size - 1 - x
		}
		v.taps[x].tent(box.x, box.w, at, size, v.source)
	}
	beyond := reach(box.h, size) + 1 // rows around the crop that its outermost pixels reach
	from, to := max(0, int(box.y-beyond)), min(v.source, int(math.Ceil(box.y+box.h+beyond)))
	for y := from; y < to; y++ {
		row, out := image[3*y*v.source:][:3*v.source], v.lines[3*y*size:][:3*size]
		for x, t := range v.taps {
			var c [3]float32
			for j, w := range t.weights {
				pixel := row[3*(t.first+j):][:3]
				c[0] += w * float32(pixel[0])
				c[1] += w * float32(pixel[1])
				c[2] += w * float32(pixel[2])
			}
			copy(out[3*x:], c[:])
		}
	}
	var vertical taps
	for y := range size {
		vertical.tent(box.y, box.h, y, size, v.source)
		for ch := range mean {
			row, sum := b.plane(ch, i)[y*size:][:size], float32(0)
			for x := range row {
				value := float32(0)
				for j, w := range vertical.weights {
					value += w * v.lines[3*((vertical.first+j)*size+x)+ch]
				}
				row[x] = value * (1.0 / 255)
				sum += row[x]
			}
			mean[ch] += float64(sum) / float64(size*size)
		}
	}
	return mean
}

func (m affine) apply(b *Batch, i int) {
	if m == identity() {
		return
	}
	var f [3][4]float32
	for r, row := range m {
		for k, v := range row {
			f[r][k] = float32(v)
		}
	}
	red, green, blue := b.plane(0, i), b.plane(1, i), b.plane(2, i)
	green, blue = green[:len(red)], blue[:len(red)]
	for j, r := range red {
		g, u := green[j], blue[j]
		red[j] = f[0][0]*r + f[0][1]*g + f[0][2]*u + f[0][3]
		green[j] = f[1][0]*r + f[1][1]*g + f[1][2]*u + f[1][3]
		blue[j] = f[2][0]*r + f[2][1]*g + f[2][2]*u + f[2][3]
	}
}

// gaussian is half of a normalised kernel, centre first, cut at three standard deviations.
func gaussian(sigma float64) []float32 {
	kernel := make([]float32, 1+int(math.Ceil(3*sigma)))
	sum := 0.0
	weights := make([]float64, len(kernel))
	for d := range weights {
		weights[d] = math.Exp(-float64(d*d) / (2 * sigma * sigma))
		sum += weights[d]
		if d > 0 {
			sum += weights[d]
		}
	}
	for d, w := range weights {
		kernel[d] = float32(w / sum)
	}
	return kernel
}

// blur convolves a plane with a symmetric kernel in both directions, repeating the border.
func blur(plane, scratch []float32, size int, kernel []float32) {
	for y := range size {
		row, out := plane[y*size:][:size], scratch[y*size:][:size]
		for x := range row {
			out[x] = kernel[0] * row[x]
		}
		for d := 1; d < len(kernel); d++ {
			k := kernel[d]
			for x := range out {
				if x >= d && x+d < size {
					out[x] += k * (row[x-d] + row[x+d])
				} else {
					out[x] += k * (row[max(x-d, 0)] + row[min(x+d, size-1)])
				}
			}
		}
	}
	for y := range size {
		out := plane[y*size:][:size]
		for x := range out {
			out[x] = kernel[0] * scratch[y*size+x]
		}
		for d := 1; d < len(kernel); d++ {
			up, down := scratch[max(y-d, 0)*size:][:size], scratch[min(y+d, size-1)*size:][:size]
			for x := range out {
				out[x] += kernel[d] * (up[x] + down[x])
			}
		}
	}
}
