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
	bent    [2][]uint8   // images between two operations
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
	d := v.draw()
	to.put(i, v.bend(image, d), d, v)
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
