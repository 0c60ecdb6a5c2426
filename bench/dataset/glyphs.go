package dataset

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/cidbench/cidbench/bench/parallel"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// glyphVersion is part of the key of every random stream: change it with anything that changes an image.
const glyphVersion = 2

// side is the height and width of a glyph, in pixels.
const side = 32

// An outline is the superclass of a glyph: the star-shaped region of radius 1 + depth cos(lobes theta).
type outline struct {
	name  string
	lobes int
	depth float64 // share of the mean radius
}

// Two depths for each number of lobes, so that the class tree has a level above the outline. Two lobes need more
// depth to stay clear of the nuisance of aspect, which is a second harmonic as well.
var outlines = []outline{
	{"oval", 2, .25}, {"peanut", 2, .50},
	{"triangle", 3, .15}, {"trefoil", 3, .42},
	{"square", 4, .13}, {"quatrefoil", 4, .40},
	{"pentagon", 5, .12}, {"cinquefoil", 5, .40},
	{"heptagon", 7, .12}, {"heptafoil", 7, .38},
}

// A family is a kind of texture.
type family int

const (
	stripes family = iota
	checks
	rings
	spokes
	waves
)

// A texture fills an outline with two colours. With its outline it makes the class.
type texture struct {
	name        string
	family      family
	frequency   float64 // cycles per outline radius; for spokes, cycles per turn
	orientation float64 // radians
	duty        float64 // share of the first colour, 0 to 1
}

var textures = []texture{
	{"broad stripes", stripes, 1.1, 0.3, .50}, {"fine stripes", stripes, 2.2, 1.9, .40},
	{"broad checks", checks, 0.9, 0.1, .50}, {"fine checks", checks, 1.6, 0.8, .50},
	{"broad rings", rings, 1.2, 0, .45}, {"fine rings", rings, 2.3, 0, .55},
	{"few spokes", spokes, 4, 0, .45}, {"many spokes", spokes, 9, 0, .55},
	{"broad waves", waves, 1.2, 1.2, .50}, {"fine waves", waves, 2.1, 2.8, .55},
}

// A glyph is a class: all that its instances share. What costs a trigonometric function is tabulated, as
// instances have thousands of samples.
type glyph struct {
	outline
	texture
	radii     [2048]float64 // distance from the centre to the outline, by angle from -pi to pi
	reach     float64       // a bound on the radii, with room for a soft edge
	sin, cos  float64       // of the texture's orientation
	threshold float64       // of the texture's wave, -1 to 1: above it is the first colour
	hue       float64       // of the first colour, turns
}

// hues are the places of the classes on the colour wheel: a shuffle, as any rule by label would follow the tree or
// its opposite, and decide what a claim about meaning finds. The stream is one whose shuffle leaves the nearness of
// hues uncorrelated with that of outlines and with that of textures; a test holds it to that.
var hues = newStream("hues", 24).shuffle(len(outlines) * len(textures))

// newGlyph returns the class of a label, 0 to 99: ten textures to an outline.
func newGlyph(label int) *glyph {
	o, t := label/len(textures), label%len(textures)
	g := &glyph{outline: outlines[o], texture: textures[t]}
	g.sin, g.cos = math.Sincos(g.orientation)
	g.threshold = math.Cos(math.Pi * g.duty)
	g.hue = float64(hues[label]) / float64(len(hues))

	const ripple = .06 // a weak harmonic, so that no two classes share an outline exactly
	ripples := float64(g.lobes + 1 + t%2)
	ripplePhase := 2 * math.Pi * float64(t) / float64(len(textures))
	for i := range g.radii {
		theta := 2*math.Pi*(float64(i)+.5)/float64(len(g.radii)) - math.Pi
		r := 1 + g.depth*math.Cos(float64(g.lobes)*theta) + ripple*math.Cos(ripples*theta+ripplePhase)
		g.radii[i] = r / (1 + g.depth/2) // shallow and deep outlines are about equally large
	}
	g.reach = slices.Max(g.radii[:]) + .05
	return g
}

// at returns the colour of a point of the glyph as two shares, 0 to 1: inside the outline, and there of the first
// colour. The point is given in radii from the centre; unit is the number of pixels in a radius.
func (g *glyph) at(u, v, unit float64, n *nuisance) (cover, ink float64) {
	square := u*u + v*v
	if square > g.reach*g.reach {
		return 0, 0
	}
	radius, theta := math.Sqrt(square), math.Atan2(v, u)
	bin := int((theta + math.Pi) / (2 * math.Pi) * float64(len(g.radii)))
	outside := radius - g.radii[bin%len(g.radii)]
	cover = clamp(.5 - 2*unit*outside) // a sample is half a pixel wide
	if cover == 0 {
		return 0, 0
	}
	k := 2 * math.Pi * g.frequency
	along, across := k*(u*g.cos+v*g.sin), k*(v*g.cos-u*g.sin)
	var wave float64
	switch g.family {
	case stripes:
		wave = math.Sin(along + n.phase)
	case checks:
		wave = math.Sin(along+n.phase) * math.Sin(across+n.phase2)
	case rings:
		wave = math.Sin(k*radius + n.phase)
	case spokes:
		wave = math.Sin(g.frequency*theta + n.phase)
	case waves:
		wave = math.Sin(along + n.phase + 1.5*math.Sin(across+n.phase2))
	}
	const sharpness = 1.5 // an edge of about half a pixel, the width of a sample
	return cover, clamp(.5 + sharpness*(wave-g.threshold))
}

// A nuisance is all that tells one instance of a class from another, but for the pixel noise. It is drawn without
// a look at the class. It stays weaker than the class: with strong backgrounds or free colours, contrastive
// learning tells instances apart by those and learns nothing of the classes.
type nuisance struct {
	x, y          float64 // centre of the glyph, pixels from the centre of the image
	scale         float64 // radius of the glyph over half the side
	rotation      float64 // radians
	aspect        float64 // width over height
	phase, phase2 float64 // of the texture, radians
	hue, hue2     float64 // turns away from the hue of the class, and from its complement
	saturation    float64
	brightness    float64 // of both colours
	level         float64 // mean brightness of the background
	red, blue     float64 // tint of the background
	swell         float64 // amplitude of the slow wave over the background
	swellPhase    float64 // its phase at the centre, radians
	swellTurn     float64 // its direction, radians
}

const noise = .025 // standard deviation of the noise of each pixel and channel, with white at 1

func drawNuisance(s *stream) nuisance {
	return nuisance{
		x: s.uniform(-2, 2), y: s.uniform(-2, 2),
		scale:    s.uniform(.5, .85),
		rotation: .35 * s.normal(),
		aspect:   s.uniform(.88, 1.14),
		phase:    s.uniform(0, 2*math.Pi), phase2: s.uniform(0, 2*math.Pi),
		hue: .05 * s.normal(), hue2: .05 * s.normal(),
		saturation: s.uniform(.55, .8),
		brightness: s.uniform(.75, 1),
		level:      s.uniform(.4, .5),
		red:        s.uniform(-.03, .03), blue: s.uniform(-.03, .03),
		swell:      s.uniform(0, .06),
		swellPhase: s.uniform(0, 2*math.Pi), swellTurn: s.uniform(0, 2*math.Pi),
	}
}

// render draws one instance of the class into image, [side, side, 3], with 2x2 samples to a pixel. The noise
// comes from the stream.
func (g *glyph) render(n *nuisance, s *stream, image []uint8) {
	first := hsv(g.hue+n.hue, n.saturation, n.brightness)
	second := hsv(g.hue+n.hue2+.5, n.saturation, .6*n.brightness) // darker, so the texture survives greying
	unit := n.scale * side / 2                                    // pixels in a radius
	sin, cos := math.Sincos(n.rotation)
	stretch := math.Sqrt(n.aspect)
	// The linear map from pixels to radii: turned back, then stretched back.
	ux, uy := cos/(unit*stretch), sin/(unit*stretch)
	vx, vy := -sin*stretch/unit, cos*stretch/unit
	swellSin, swellCos := math.Sincos(n.swellTurn)
	for row := range side {
		for col := range side {
			cx, cy := float64(col)+.5-side/2, float64(row)+.5-side/2
			ground := n.level + n.swell*math.Cos(math.Pi/side*(cx*swellCos+cy*swellSin)+n.swellPhase)
			background := rgb{ground + n.red, ground, ground + n.blue}
			var sum rgb
			for sample := range 4 {
				x := cx + float64(sample%2)*.5 - .25 - n.x
				y := cy + float64(sample/2)*.5 - .25 - n.y
				colour := background
				if cover, ink := g.at(ux*x+uy*y, vx*x+vy*y, unit, n); cover > 0 {
					colour = background.mix(second.mix(first, ink), cover)
				}
				sum = sum.add(colour)
			}
			for c, v := range sum {
				image[(row*side+col)*Channels+c] = uint8(math.Round(255 * clamp(v/4+noise*s.normal())))
			}
		}
	}
}

// GlyphTree hangs the classes below their outlines, and these below their numbers of lobes.
func GlyphTree() taxonomy.Tree {
	t := &taxonomy.Memory{}
	root := t.Add("glyph")
	fold, foldLobes := -1, 0
	for _, o := range outlines {
		if o.lobes != foldLobes {
			fold, foldLobes = t.Add(fmt.Sprintf("%d lobes", o.lobes), root), o.lobes
		}
		superclass := t.Add(o.name, fold)
		for _, x := range textures {
			t.Label(t.Add(o.name+", "+x.name, superclass))
		}
	}
	return t
}

// Glyphs reads a data set of so many training and test images; a smaller one is a prefix of a larger.
func Glyphs(train, test int) func(dir string) (Images, error) {
	return func(string) (Images, error) {
		var classes []*glyph
		for label := range len(outlines) * len(textures) {
			classes = append(classes, newGlyph(label))
		}
		return Images{Height: side, Width: side, Train: drawSplit("train", train, classes), Test: drawSplit("test", test, classes)}, nil
	}
}

// drawSplit draws in parallel. The labels go round the classes, so any prefix of a whole number of rounds is balanced.
func drawSplit(split string, n int, classes []*glyph) Split {
	const size = side * side * Channels
	images, labels := make(Memory, n*size), make([]int32, n)
	parallel.Each(n, runtime.GOMAXPROCS(0), func(_, i int) {
		label := i % len(classes)
		labels[i] = int32(label)
		random := newStream(split, i)
		instance := drawNuisance(random)
		classes[label].render(&instance, random, images[i*size:][:size])
	})
	return Split{Reader: images, Labels: labels, Height: side, Width: side}
}

// A stream is the randomness of one image. Streams of different splits or indices are independent, so images can
// be drawn in any order. ChaCha8 has a published specification: its output will not change with the Go release.
type stream struct{ *rand.ChaCha8 }

func newStream(split string, index int) *stream {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], glyphVersion)
	binary.LittleEndian.PutUint64(key[8:], uint64(index))
	copy(key[16:], split)
	return &stream{rand.NewChaCha8(key)}
}

// shuffle is a permutation of 0 to n-1.
func (s *stream) shuffle(n int) []int { return rand.New(s).Perm(n) }

// uniform is uniform in [low, high).
func (s *stream) uniform(low, high float64) float64 {
	return low + (high-low)*float64(s.Uint64()>>11)/(1<<53)
}

// normal has mean 0 and standard deviation 1. It is the sum of four uniforms: a bell cut off at 3.5, quick, and
// free of functions whose last bit depends on the processor.
func (s *stream) normal() float64 {
	bits := s.Uint64()
	sum := bits&0xffff + bits>>16&0xffff + bits>>32&0xffff + bits>>48
	const mean, deviation = 2 * 65535, 65536 / 1.7320508075688772
	return (float64(sum) - mean) / deviation
}

// rgb is a colour, or a sum of colours, with white at 1.
type rgb [Channels]float64

func (a rgb) add(b rgb) rgb { return rgb{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }

// mix goes from a, at share 0, to b, at share 1.
func (a rgb) mix(b rgb, share float64) rgb {
	return rgb{a[0] + share*(b[0]-a[0]), a[1] + share*(b[1]-a[1]), a[2] + share*(b[2]-a[2])}
}

// hsv converts a hue in turns, of any sign, and a saturation and value of 0 to 1.
func hsv(hue, saturation, value float64) rgb {
	var c rgb
	for i, offset := range [...]float64{5, 3, 1} {
		k := hue*6 + offset
		k -= 6 * math.Floor(k/6)
		c[i] = value * (1 - saturation*clamp(min(k, 4-k)))
	}
	return c
}

func clamp(v float64) float64 { return min(max(v, 0), 1) }
