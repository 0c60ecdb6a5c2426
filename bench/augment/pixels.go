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
func position(origin, length float64, i, size int) float64 {
	at := origin + (float64(i)+0.5)*length/float64(size) - 0.5
	return min(max(at, 0), float64(size-1))
}

// sample finds the pixels around that position.
func sample(origin, length float64, i, size int) neighbours {
	return between(position(origin, length, i, size), size)
}

// between finds the pixels around a place, counted from the centre of the first one.
func between(at float64, size int) neighbours {
	at = min(max(at, 0), float64(size-1))
	lo := int(at)
	return neighbours{lo, min(lo+1, size-1), float32(at - float64(lo))}
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
func (b *Batch) Set(i int, image []uint8) {
	for c := range 3 {
		p := b.plane(c, i)
		for j := range p {
			p[j] = (float32(image[3*j+c])/255 - Mean) / Std
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
	for ch := range 3 {
		p := b.plane(ch, i)
		for j, x := range p {
			p[j] = (min(max(x, 0), 1) - Mean) / Std
		}
	}
}

// resample writes the crop, bilinearly scaled to the whole image, in 0..1, and returns its mean colour.
func (v *Viewer) resample(b *Batch, i int, image []uint8, box rectangle, flip bool) (mean [3]float64) {
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
