// Package augment makes the views of an image that contrastive learning compares: MoCo v2's random
// resized crop, colour jitter, grey, blur and flip.
//
// The colour operations (brightness, contrast, saturation, hue, grey) are affine maps of RGB, so they
// are composed into one 3x4 matrix for an image and applied in a single pass. Two consequences differ
// from torchvision: values are clamped once, at the end, rather than after each operation, and hue turns
// about the grey axis at constant luma rather than in HSV.
//
// The host makes the pixels of a view (Batch), or only says what they are (Recipes) and a graph makes them
// (FromRecipes): the same views from the same draws, up to rounding.
package augment

import (
	"errors"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"
)

// Config is the distribution of views.
type Config struct {
	// MinArea is the least share of the image that a crop covers; the aspect ratio is log-uniform in 3/4..4/3.
	MinArea float64 `json:"min_area"`
	// Jitter is applied with JitterProb: brightness, contrast and saturation are scaled by a factor uniform
	// in 1 +- the value, hue is turned by up to +- Hue turns; the order of the four is random.
	Brightness float64 `json:"brightness"`
	Contrast   float64 `json:"contrast"`
	Saturation float64 `json:"saturation"`
	Hue        float64 `json:"hue"`
	JitterProb float64 `json:"jitter_prob"`
	GreyProb   float64 `json:"grey_prob"`
	// Blur is Gaussian with a standard deviation uniform in BlurMin..BlurMax pixels, with BlurProb.
	BlurProb float64 `json:"blur_prob"`
	BlurMin  float64 `json:"blur_min"`
	BlurMax  float64 `json:"blur_max"`
	FlipProb float64 `json:"flip_prob"`
}

// Validate reports the first setting out of range.
func (c Config) Validate() error {
	for _, p := range []float64{c.JitterProb, c.GreyProb, c.BlurProb, c.FlipProb} {
		if !(p >= 0 && p <= 1) {
			return errors.New("augmentation probabilities must lie in [0, 1]")
		}
	}
	switch {
	case !(c.MinArea > 0 && c.MinArea <= 1):
		return errors.New("augmentation min_area must lie in (0, 1]")
	case min(c.Brightness, c.Contrast, c.Saturation, c.Hue) < 0 || max(c.Brightness, c.Contrast, c.Saturation) > 1 || c.Hue > 0.5:
		return errors.New("augmentation jitter must lie in [0, 1], hue in [0, 0.5]")
	case c.BlurProb > 0 && !(c.BlurMin > 0 && c.BlurMax >= c.BlurMin):
		return errors.New("augmentation blur_min and blur_max must be positive and in order")
	}
	return nil
}

// Mean and Std normalise the pixel values of every view, and of the images that are probed.
const (
	Mean = 0.5
	Std  = 0.25
)

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

// Views is a batch of views in one of two forms: their pixels (*Batch), or what FromRecipes makes those pixels
// from (*Recipes).
type Views interface {
	// Tensors are the inputs that bring the views into a graph.
	Tensors() []*tensors.Tensor
	// put writes the view of an image [Size, Size, 3] that d describes as image i.
	put(i int, image []uint8, d drawn, v *Viewer)
}

// Viewer draws views; it holds scratch memory and is not safe for concurrent use.
type Viewer struct {
	config  Config
	size    int
	rng     *rand.Rand
	pcg     *rand.PCG
	scratch []float32    // one plane
	columns []neighbours // of the crop in hand
}

// NewViewer returns a viewer for images of one size.
func NewViewer(c Config, size int) *Viewer {
	pcg := rand.NewPCG(0, 0)
	return &Viewer{config: c, size: size, pcg: pcg, rng: rand.New(pcg), scratch: make([]float32, size*size), columns: make([]neighbours, size)}
}

// View puts one view of an image [Size, Size, 3] at place i of a batch; the view depends on the image and
// on the key (see package rng) alone.
func (v *Viewer) View(to Views, i int, image []uint8, hi, lo uint64) {
	v.pcg.Seed(hi, lo)
	to.put(i, image, v.draw(), v)
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

// drawn is everything random about a view.
type drawn struct {
	box  rectangle
	flip bool
	// order is that of the four jitter operations; empty without jitter.
	order                                  []int
	brightness, contrast, saturation, turn float64
	grey                                   bool
	// kernel is half of the blur's, centre first; of length 1 without blur.
	kernel []float32
}

// draw keeps to one order of drawing: a seed stands for its views.
func (v *Viewer) draw() (d drawn) {
	c := v.config
	d.box = v.crop(v.size)
	d.flip = v.rng.Float64() < c.FlipProb
	if v.rng.Float64() < c.JitterProb {
		factor := func(r float64) float64 { return 1 + (2*v.rng.Float64()-1)*r }
		d.brightness, d.contrast, d.saturation = factor(c.Brightness), factor(c.Contrast), factor(c.Saturation)
		d.turn = (2*v.rng.Float64() - 1) * c.Hue
		d.order = v.rng.Perm(4)
	}
	d.grey = v.rng.Float64() < c.GreyProb
	d.kernel = []float32{1}
	if v.rng.Float64() < c.BlurProb {
		d.kernel = gaussian(c.BlurMin + v.rng.Float64()*(c.BlurMax-c.BlurMin))
	}
	return d
}

type rectangle struct{ x, y, w, h float64 }

// crop draws area and aspect ratio as torchvision's RandomResizedCrop does: ten tries, then the whole image.
func (v *Viewer) crop(size int) rectangle {
	side := float64(size)
	for range 10 {
		area := side * side * (v.config.MinArea + v.rng.Float64()*(1-v.config.MinArea))
		aspect := math.Exp((2*v.rng.Float64() - 1) * math.Log(4.0/3))
		w, h := math.Sqrt(area*aspect), math.Sqrt(area/aspect)
		if w <= side && h <= side {
			return rectangle{v.rng.Float64() * (side - w), v.rng.Float64() * (side - h), w, h}
		}
	}
	return rectangle{0, 0, side, side}
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
	at := position(origin, length, i, size)
	lo := int(at)
	return neighbours{lo, min(lo+1, size-1), float32(at - float64(lo))}
}

// colours composes the colour operations, for a crop of that mean colour.
func (d drawn) colours(mean [3]float64) affine {
	m := identity()
	for _, op := range d.order {
		switch op {
		case 0:
			m = m.then(scaling(d.brightness))
		case 1:
			m = m.then(contrasting(d.contrast, luma(m.of(mean))))
		case 2:
			m = m.then(saturating(d.saturation))
		case 3:
			m = m.then(turning(d.turn))
		}
	}
	if d.grey {
		m = m.then(saturating(0))
	}
	return m
}

// lumaWeights are those of ITU-R BT.601, which PIL and torchvision use.
var lumaWeights = [3]float64{0.299, 0.587, 0.114}

func luma(c [3]float64) float64 {
	return lumaWeights[0]*c[0] + lumaWeights[1]*c[1] + lumaWeights[2]*c[2]
}

// affine maps a colour c to A c + b; the last column is b.
type affine [3][4]float64

func identity() affine { return scaling(1) }

func (m affine) of(c [3]float64) (out [3]float64) {
	for i, row := range m {
		out[i] = row[0]*c[0] + row[1]*c[1] + row[2]*c[2] + row[3]
	}
	return out
}

// then is the map m followed by next.
func (m affine) then(next affine) (out affine) {
	for i := range 3 {
		for j := range 4 {
			for k := range 3 {
				out[i][j] += next[i][k] * m[k][j]
			}
		}
		out[i][3] += next[i][3]
	}
	return out
}

func scaling(f float64) affine { return affine{{f, 0, 0, 0}, {0, f, 0, 0}, {0, 0, f, 0}} }

// contrasting scales the distance to the mean luma of the image.
func contrasting(f, meanLuma float64) affine {
	m := scaling(f)
	for i := range m {
		m[i][3] = (1 - f) * meanLuma
	}
	return m
}

// saturating scales the distance of each pixel to its own luma.
func saturating(f float64) affine {
	m := scaling(f)
	for i := range m {
		for j, w := range lumaWeights {
			m[i][j] += (1 - f) * w
		}
	}
	return m
}

// turning rotates hue by a share of a full turn, in the chroma plane of YIQ: luma stays.
func turning(turns float64) affine {
	sin, cos := math.Sincos(2 * math.Pi * turns)
	rotate := affine{{1, 0, 0, 0}, {0, cos, -sin, 0}, {0, sin, cos, 0}}
	return toYIQ.then(rotate).then(fromYIQ)
}

// The NTSC matrix and its inverse (FCC 1953; the inverse computed to double precision at start).
var (
	toYIQ   = affine{{0.299, 0.587, 0.114, 0}, {0.5959, -0.2746, -0.3213, 0}, {0.2115, -0.5227, 0.3112, 0}}
	fromYIQ = toYIQ.inverse()
)

// inverse of the linear part, by cofactors; the offset must be zero.
func (m affine) inverse() (out affine) {
	det := 0.0
	for i := range 3 {
		det += m[0][i] * m.cofactor(0, i)
	}
	for i := range 3 {
		for j := range 3 {
			out[i][j] = m.cofactor(j, i) / det
		}
	}
	return out
}

func (m affine) cofactor(i, j int) float64 {
	a, b, c, d := (i+1)%3, (i+2)%3, (j+1)%3, (j+2)%3
	return m[a][c]*m[b][d] - m[a][d]*m[b][c]
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
