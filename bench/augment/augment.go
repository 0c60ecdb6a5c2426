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
	// Before the crop the image is turned by up to +- Rotation degrees, and what is dark on it grows or shrinks by up to
	// Stroke pixels, in [0, 1], to each side.
	Rotation float64 `json:"rotation"`
	Stroke   float64 `json:"stroke"`
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
	case !(c.Rotation >= 0 && c.Rotation <= 180) || !(c.Stroke >= 0 && c.Stroke <= 1):
		return errors.New("augmentation rotation must lie in [0, 180] degrees, stroke in [0, 1] pixels")
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

// Normalisation brings the channels of pixels, from 0 to 1, to what an encoder was trained on: (value - Mean) / Std.
type Normalisation struct{ Mean, Std [3]float32 }

// Own is that of every view.
var Own = Normalisation{Mean: [3]float32{Mean, Mean, Mean}, Std: [3]float32{Std, Std, Std}}

// Views is a batch of views in one of two forms: their pixels (*Batch), or what FromRecipes makes those pixels
// from (*Recipes).
type Views interface {
	// Tensors are the inputs that bring the views into a graph.
	Tensors() []*tensors.Tensor
	// put writes the view of an image that d describes as image i.
	put(i int, image []uint8, d drawn, v *Viewer)
}

// Viewer draws views; it holds scratch memory and is not safe for concurrent use.
type Viewer struct {
	config       Config
	source, size int
	rng          *rand.Rand
	pcg          *rand.PCG
	scratch      []float32    // one plane
	columns      []neighbours // of the crop in hand
	taps         []taps       // likewise, for images that are larger than views
	lines        []float32    // rows of the source at the width of the view
	picture      *Batch       // for Picture
	bent         [2][]uint8   // images between two operations
}

// NewViewer returns a viewer that makes views of size x size pixels from images of source x source, which are no smaller.
func NewViewer(c Config, source, size int) *Viewer {
	pcg := rand.NewPCG(0, 0)
	v := &Viewer{
		config: c, source: source, size: size, pcg: pcg, rng: rand.New(pcg),
		scratch: make([]float32, size*size), columns: make([]neighbours, size), picture: NewBatch(1, 1, size),
	}
	if source > size {
		v.taps, v.lines = make([]taps, size), make([]float32, 3*source*size)
	}
	return v
}

// View puts one view of an image [source, source, 3] at place i of a batch; the view depends on the image and
// on the key (see package rng) alone.
func (v *Viewer) View(to Views, i int, image []uint8, hi, lo uint64) {
	v.pcg.Seed(hi, lo)
	d := v.draw()
	to.put(i, v.bend(image, d), d, v)
}

// Centre puts an image [source, source, 3] as encoders are evaluated on it at place i of a batch: all of it, or of one
// that is larger than a view the central seven eighths of its side, as published for ImageNet (224 of 256 pixels), but no
// fewer pixels than the view has.
func (v *Viewer) Centre(to *Batch, i int, image []uint8, n Normalisation) {
	if v.source == v.size {
		to.Set(i, image, n)
		return
	}
	side := max(float64(v.size), float64(v.source)*7/8)
	at := math.Floor((float64(v.source) - side) / 2)
	v.resample(to, i, image, rectangle{at, at, side, side}, false)
	to.finish(i, n)
}

// Picture is View as pixels again, [size, size, 3], for what reads images.
func (v *Viewer) Picture(to, image []uint8, hi, lo uint64) {
	v.View(v.picture, 0, image, hi, lo)
	for ch := range 3 {
		for j, x := range v.picture.plane(ch, 0) {
			to[3*j+ch] = uint8(math.Round(float64(x*Std+Mean) * 255))
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
	// rotation is in radians, stroke that of Config, negative where the dark shrinks.
	rotation, stroke float64
}

// draw keeps to one order of drawing: a seed stands for its views.
func (v *Viewer) draw() (d drawn) {
	c := v.config
	d.box = v.crop(v.source)
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
	if c.Rotation > 0 {
		d.rotation = (2*v.rng.Float64() - 1) * c.Rotation * math.Pi / 180
	}
	if c.Stroke > 0 {
		d.stroke = (2*v.rng.Float64() - 1) * c.Stroke
	}
	return d
}

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
