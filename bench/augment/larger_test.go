package augment

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// ramp is a picture whose red rises along x and green along y, both by two a pixel.
func ramp(side int) []uint8 {
	image := make([]uint8, side*side*3)
	for i := range side * side {
		image[3*i], image[3*i+1] = uint8(2*(i%side)), uint8(2*(i/side))
	}
	return image
}

// TestCropsOfALargerPicture: the view of a crop shows the crop's own ramp at the view's size, whether it is made larger
// or smaller for that.
func TestCropsOfALargerPicture(t *testing.T) {
	const source, size = 64, 16
	v := NewViewer(Config{MinArea: 1}, source, size)
	for box, tolerance := range map[rectangle]float64{
		{x: 10, y: 20, w: 8, h: 12}: 1e-5, {x: 8.5, y: 4.25, w: 40, h: 20}: 1e-3, // an average over whole pixels lies off the middle a little
	} {
		for _, flip := range []bool{false, true} {
			b := NewBatch(1, 1, size)
			mean := v.resample(b, 0, ramp(source), box, flip)
			for y := range size {
				for x := range size {
					column := x
					if flip {
						column = size - 1 - x
					}
					near(t, "red", float64(b.plane(0, 0)[y*size+x]), 2*(box.x+(float64(column)+.5)*box.w/size-.5)/255, tolerance)
					near(t, "green", float64(b.plane(1, 0)[y*size+x]), 2*(box.y+(float64(y)+.5)*box.h/size-.5)/255, tolerance)
				}
			}
			near(t, "mean red", mean[0], 2*(box.x+box.w/2-.5)/255, tolerance)
		}
	}
}

// TestCropsCoverTheirShareOfTheSource: areas are shares of the picture, not of the view.
func TestCropsCoverTheirShareOfTheSource(t *testing.T) {
	v := NewViewer(Config{MinArea: 0.5}, 64, 16)
	for range 1000 {
		r := v.crop(v.source)
		if share := r.w * r.h / (64 * 64); share < 0.5-1e-9 || share > 1+1e-9 || r.x+r.w > 64+1e-9 || r.y+r.h > 64+1e-9 {
			t.Fatalf("crop %+v of 64x64 pixels covers %g of them", r, share)
		}
	}
}

// TestCentre: of 256 pixels the central 224 are seen as they are, of a little more than the view has as many as it has,
// and of many more seven eighths.
func TestCentre(t *testing.T) {
	seen := func(source, size int) (first, last float64) {
		b := NewBatch(1, 1, size)
		NewViewer(Config{}, source, size).Centre(b, 0, ramp(source), Own)
		at := func(x int) float64 { return (float64(b.plane(0, 0)[x])*Std + Mean) * 255 / 2 }
		return at(0), at(size - 1)
	}
	for _, c := range []struct {
		source, size int
		first, last  float64
	}{{32, 32, 0, 31}, {128, 112, 8, 119}, {36, 32, 2, 33}, {35, 32, 1, 32}, {64, 28, 4.5, 58.5}} {
		if first, last := seen(c.source, c.size); math.Abs(first-c.first) > 1e-3 || math.Abs(last-c.last) > 1e-3 {
			t.Errorf("of %d pixels %d are columns %g to %g, want %g to %g", c.source, c.size, first, last, c.first, c.last)
		}
	}
}

// TestPictureIsTheView up to the rounding to 256 values.
func TestPictureIsTheView(t *testing.T) {
	const source = 40
	image := make([]uint8, 0, source*source*3)
	for seed := uint64(0); len(image) < source*source*3; seed++ {
		image = append(image, noise(seed)...)
	}
	image = image[:source*source*3]
	b, got, v := NewBatch(1, 1, size), make([]uint8, size*size*3), NewViewer(moco, source, size)
	v.View(b, 0, image, 3, 4)
	v.Picture(got, image, 3, 4)
	again := NewBatch(1, 1, size)
	again.Set(0, got, Own)
	for i, x := range b.Values {
		near(t, "pixel", float64(again.Values[i]), float64(x), 0.5001/255/Std)
	}
}

// TestResizesAsPIL compares with the bilinear filter of Pillow, with which torchvision makes views (testdata/resize.py).
func TestResizesAsPIL(t *testing.T) {
	text, err := os.ReadFile("testdata/resize.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Source, Size int
		Image        []int
		Box          [4]float64 // x, y, width, height
		Want         []float64  // of its red, before rounding: Pillow's mode F
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		image := make([]uint8, c.Source*c.Source*3)
		for i, value := range c.Image {
			image[3*i] = uint8(value)
		}
		b := NewBatch(1, 1, c.Size)
		NewViewer(Config{MinArea: 1}, c.Source, c.Size).resample(b, 0, image, rectangle{c.Box[0], c.Box[1], c.Box[2], c.Box[3]}, false)
		worst := 0.0
		for i, x := range b.plane(0, 0) {
			worst = max(worst, math.Abs(float64(x)*255-c.Want[i]))
		}
		if !(worst < 0.01) {
			t.Errorf("box %v of %d to %d pixels: a value differs by %.3g of 255", c.Box, c.Source, c.Size, worst)
		}
	}
}

// TestLargerViewsFollowTheirKey: nothing of the view before is left.
func TestLargerViewsFollowTheirKey(t *testing.T) {
	v := NewViewer(moco, 2*size, size)
	image := slices.Concat(noise(1), noise(2), noise(3), noise(4))
	a, b := NewBatch(1, 1, size), NewBatch(1, 1, size)
	v.View(a, 0, image, 1, 1)
	v.View(b, 0, image, 1, 2)
	if slices.Equal(a.Values, b.Values) {
		t.Error("two keys gave one view")
	}
	v.View(b, 0, image, 1, 1)
	if !slices.Equal(a.Values, b.Values) {
		t.Error("the same key gave two views")
	}
}
