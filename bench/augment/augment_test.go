package augment

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

const size = 16

// moco is MoCo v2's augmentation, with a blur for small images.
var moco = Config{MinArea: 0.2, Brightness: .4, Contrast: .4, Saturation: .4, Hue: .1, JitterProb: .8, GreyProb: .2, BlurProb: .5, BlurMin: .1, BlurMax: 2, FlipProb: .5}

func noise(seed uint64) []uint8 {
	rng := rand.New(rand.NewPCG(seed, 0))
	image := make([]uint8, size*size*3)
	for i := range image {
		image[i] = uint8(rng.IntN(256))
	}
	return image
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > tolerance {
		t.Errorf("%s = %g, want %g", what, got, want)
	}
}

// TestNothingDrawnIsTheImage: with every operation off, a view is the image itself.
func TestNothingDrawnIsTheImage(t *testing.T) {
	view, plain := NewBatch(1, 2, size), NewBatch(1, 2, size)
	NewViewer(Config{MinArea: 1}, size, size).View(view, 1, noise(1), 1, 2)
	plain.Set(1, noise(1), Own)
	for i := range view.Values {
		near(t, "pixel", float64(view.Values[i]), float64(plain.Values[i]), 1e-5)
	}
}

func TestFlipMirrors(t *testing.T) {
	image := noise(2)
	mirrored := make([]uint8, len(image))
	for y := range size {
		for x := range size {
			copy(mirrored[3*(y*size+x):][:3], image[3*(y*size+size-1-x):][:3])
		}
	}
	view, plain := NewBatch(1, 1, size), NewBatch(1, 1, size)
	NewViewer(Config{MinArea: 1, FlipProb: 1}, size, size).View(view, 0, image, 1, 2)
	plain.Set(0, mirrored, Own)
	for i := range view.Values {
		near(t, "pixel", float64(view.Values[i]), float64(plain.Values[i]), 1e-5)
	}
}

// TestCropOfARamp: on a linear ramp bilinear resampling is exact, so the view shows the crop's own ramp.
// TestRotate: a quarter turn is exact, and there and back again is nearly the image where no corner was lost.
func TestRotate(t *testing.T) {
	v, image := NewViewer(Config{MinArea: 1}, size, size), noise(4)
	turned := v.rotate(image, math.Pi/2)
	for y := range size {
		for x := range size {
			for ch := range 3 { // clockwise: the upper row becomes the right column
				near(t, "pixel", float64(turned[3*(x*size+size-1-y)+ch]), float64(image[3*(y*size+x)+ch]), 1)
			}
		}
	}
	flat := make([]uint8, len(image))
	for i := range flat {
		flat[i] = 200
	}
	for _, value := range v.rotate(flat, 0.3) {
		near(t, "the border is repeated", float64(value), 200, 0)
	}
}

// TestThicken: a dot grows to a square, or goes.
func TestThicken(t *testing.T) {
	v := NewViewer(Config{MinArea: 1}, size, size)
	image := make([]uint8, 3*size*size)
	for i := range image {
		image[i] = 250
	}
	at := func(y, x int) int { return 3*(y*size+x) + 1 }
	image[at(5, 6)] = 50
	for _, c := range []struct{ share, own, beside, far float64 }{{1, 50, 50, 250}, {0.5, 50, 150, 250}, {-1, 250, 250, 250}, {-0.5, 150, 250, 250}} {
		out := v.thicken(image, c.share)
		near(t, "dot", float64(out[at(5, 6)]), c.own, 0)
		near(t, "beside it", float64(out[at(4, 7)]), c.beside, 0)
		near(t, "far", float64(out[at(5, 8)]), c.far, 0)
	}
}

// TestBendIsDrawn: the settings bound what is drawn, and change nothing of what was drawn without them.
func TestBendIsDrawn(t *testing.T) {
	plain, c := moco, moco
	c.Rotation, c.Stroke = 10, 0.5
	most, least := drawn{}, drawn{}
	for key := range uint64(400) {
		v, w := NewViewer(c, size, size), NewViewer(plain, size, size)
		v.pcg.Seed(key, 1)
		w.pcg.Seed(key, 1)
		d, without := v.draw(), w.draw()
		if d.box != without.box || d.flip != without.flip || !slices.Equal(d.kernel, without.kernel) || without.rotation != 0 || without.stroke != 0 {
			t.Fatalf("drawn %+v, and without rotation and stroke %+v", d, without)
		}
		most.rotation, least.rotation = max(most.rotation, d.rotation), min(least.rotation, d.rotation)
		most.stroke, least.stroke = max(most.stroke, d.stroke), min(least.stroke, d.stroke)
	}
	near(t, "largest rotation", most.rotation, math.Pi/18, 0.005)
	near(t, "least rotation", least.rotation, -math.Pi/18, 0.005)
	near(t, "largest stroke", most.stroke, 0.5, 0.02)
	near(t, "least stroke", least.stroke, -0.5, 0.02)
}

func TestCropOfARamp(t *testing.T) {
	image := make([]uint8, size*size*3)
	for i := range size * size {
		image[3*i] = uint8(10 * (i % size))
		image[3*i+1] = uint8(10 * (i / size))
	}
	b := NewBatch(1, 1, size)
	box := rectangle{x: 3, y: 2, w: 8, h: 10}
	mean := NewViewer(Config{MinArea: 1}, size, size).resample(b, 0, image, box, false)
	for y := range size {
		for x := range size {
			wantX := 10 * (3 + (float64(x)+.5)/2 - .5) / 255
			wantY := 10 * (2 + (float64(y)+.5)*10/16 - .5) / 255
			near(t, "red", float64(b.plane(0, 0)[y*size+x]), wantX, 1e-5)
			near(t, "green", float64(b.plane(1, 0)[y*size+x]), wantY, 1e-5)
		}
	}
	near(t, "mean red", mean[0], 10*(3+4-.5)/255, 1e-5)
	near(t, "mean blue", mean[2], 0, 0)
}

// TestColourOperations compares each with its definition on single colours.
func TestColourOperations(t *testing.T) {
	c := [3]float64{0.2, 0.5, 0.9}
	l := 0.299*0.2 + 0.587*0.5 + 0.114*0.9
	for ch := range 3 {
		near(t, "brightness", scaling(1.3).of(c)[ch], 1.3*c[ch], 1e-12)
		near(t, "contrast", contrasting(0.7, 0.4).of(c)[ch], 0.4+0.7*(c[ch]-0.4), 1e-12)
		near(t, "saturation", saturating(0.6).of(c)[ch], l+0.6*(c[ch]-l), 1e-12)
		near(t, "grey", saturating(0).of(c)[ch], l, 1e-12)
		near(t, "no turn", turning(0).of(c)[ch], c[ch], 1e-12)
		near(t, "full turn", turning(1).of(c)[ch], c[ch], 1e-12)
		near(t, "there and back", turning(0.1).then(turning(-0.1)).of(c)[ch], c[ch], 1e-12)
		near(t, "composition", scaling(2).then(contrasting(0.5, 0.3)).of(c)[ch], 0.3+0.5*(2*c[ch]-0.3), 1e-12)
	}
	near(t, "luma of a turned colour", luma(turning(0.3).of(c)), l, 1e-3)
	if turning(0.1).of(c) == c {
		t.Error("turning by a tenth changes nothing")
	}
}

func TestBlurAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	plane := make([]float32, size*size)
	for i := range plane {
		plane[i] = rng.Float32()
	}
	before := slices.Clone(plane)
	const sigma = 0.9
	kernel := gaussian(sigma)
	sum := float64(kernel[0])
	for _, k := range kernel[1:] {
		sum += 2 * float64(k)
	}
	near(t, "kernel sum", sum, 1, 1e-6)
	near(t, "kernel ratio", float64(kernel[1]/kernel[0]), math.Exp(-1/(2*sigma*sigma)), 1e-6)
	blur(plane, make([]float32, size*size), size, kernel)
	at := func(y, x int) float64 {
		return float64(before[min(max(y, 0), size-1)*size+min(max(x, 0), size-1)])
	}
	for y := range size {
		for x := range size {
			want := 0.0
			for dy := -len(kernel) + 1; dy < len(kernel); dy++ {
				for dx := -len(kernel) + 1; dx < len(kernel); dx++ {
					want += float64(kernel[max(dy, -dy)]) * float64(kernel[max(dx, -dx)]) * at(y+dy, x+dx)
				}
			}
			near(t, "blurred", float64(plane[y*size+x]), want, 1e-5)
		}
	}
}

// TestViewsFollowTheirKey: equal keys give equal views whatever was drawn before, other keys other views.
func TestViewsFollowTheirKey(t *testing.T) {
	c := Config{MinArea: 0.2, Brightness: .4, Contrast: .4, Saturation: .4, Hue: .1, JitterProb: .8, GreyProb: .2, BlurProb: .5, BlurMin: .1, BlurMax: 1, FlipProb: .5}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	v := NewViewer(c, size, size)
	a, b, other := NewBatch(1, 1, size), NewBatch(1, 1, size), NewBatch(1, 1, size)
	v.View(a, 0, noise(5), 1, 1)
	v.View(other, 0, noise(5), 1, 2)
	v.View(b, 0, noise(5), 1, 1)
	if !slices.Equal(a.Values, b.Values) {
		t.Error("the same key gave two views")
	}
	if slices.Equal(a.Values, other.Values) {
		t.Error("two keys gave one view")
	}
	for _, x := range a.Values {
		if !(x >= -Mean/Std && x <= (1-Mean)/Std) {
			t.Fatalf("value %g is out of range", x)
		}
	}
}

// TestViewsKeepTheirBits: a seed's published results come from these very views.
func TestViewsKeepTheirBits(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("other processors fuse multiplications with additions")
	}
	b, v := NewBatch(2, 50, size), NewViewer(moco, size, size)
	for i := range 100 {
		v.View(b, i, noise(uint64(i)), 7, uint64(i))
	}
	h := fnv.New64a()
	_ = binary.Write(h, binary.LittleEndian, b.Values) // a hash takes every write
	if got, want := fmt.Sprintf("%x", h.Sum64()), "dd82729cfb51e65b"; got != want {
		t.Errorf("the views hash to %s, no longer to %s", got, want)
	}
}

// TestDrawnDistribution checks probabilities and ranges over many crops.
func TestDrawnDistribution(t *testing.T) {
	v := NewViewer(Config{MinArea: 0.3}, 32, 32)
	sum := 0.0
	const n = 20_000
	for range n {
		r := v.crop(32)
		if share := r.w * r.h / 1024; share < 0.3-1e-9 || share > 1+1e-9 {
			t.Fatalf("a crop covers %g of the image", share)
		}
		if aspect := r.w / r.h; aspect < 0.75-1e-9 || aspect > 4.0/3+1e-9 {
			if r.w != 32 {
				t.Fatalf("aspect ratio %g", aspect)
			}
		}
		if r.x < 0 || r.y < 0 || r.x+r.w > 32+1e-9 || r.y+r.h > 32+1e-9 {
			t.Fatalf("crop %+v leaves the image", r)
		}
		sum += r.w * r.h / 1024
	}
	// Uniform in 0.3..1 has mean 0.65; crops near the whole image are rejected when too long, so a little less.
	near(t, "mean area", sum/n, 0.61, 0.04)
}

func TestValidate(t *testing.T) {
	for _, bad := range []Config{{}, {MinArea: 1.1}, {MinArea: .2, JitterProb: 2}, {MinArea: .2, Hue: .6}, {MinArea: .2, BlurProb: .5}} {
		if bad.Validate() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

func BenchmarkView(b *testing.B) {
	image := make([]uint8, 32*32*3)
	for name, to := range map[string]Views{"pixels": NewBatch(1, 1, 32), "recipe": NewRecipes(moco, 1, 1, 32, 32)} {
		b.Run(name, func(b *testing.B) {
			v := NewViewer(moco, 32, 32)
			for i := uint64(0); b.Loop(); i++ {
				v.View(to, 0, image, i, i)
			}
		})
	}
}

func TestFromYIQIsTheInverse(t *testing.T) {
	for i, row := range toYIQ.then(fromYIQ) {
		for j, v := range row {
			if want := identity()[i][j]; math.Abs(v-want) > 1e-15 {
				t.Errorf("[%d, %d] = %g, want %g", i, j, v, want)
			}
		}
	}
}
