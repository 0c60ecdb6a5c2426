package icons

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"github.com/cidbench/cidbench/bench/rng"
)

const (
	// Side is the height and width of a picture in pixels, renderSide that of a render.
	Side       = 32
	renderSide = 128
	// An icon lies in a picture at a side of minSize to maxSize pixels, turned by up to maxTurn to either side.
	minSize, maxSize = 22, 30
	maxTurn          = 8 * math.Pi / 180
	// samples is the number along each side of a pixel at which a render is looked at: its box filter.
	samples = 8
	white   = 255
)

// The seeds of what is random here, and of nothing else.
const (
	placeSeed = 1
	orderSeed = 2
	splitSeed = 3
)

// keyed is a number that belongs to a name.
func keyed(name string) uint64 {
	sum := sha256.Sum256([]byte(name))
	return binary.BigEndian.Uint64(sum[:8])
}

// A window maps places in a picture to places in a render, both from the upper left corner: a centre to a centre, by turn
// and scale.
type window struct {
	fromX, fromY float64 // the centre in the picture
	toX, toY     float64 // and in the render
	xx, xy       float64 // what a step to the right in the picture is in the render
}

// show looks at a render through a window; what is beyond its edge is white. Sums of products are kept apart, so that
// processors that fuse them give the same bytes.
func (w window) show(grey []uint8) []uint8 {
	pixels := make([]uint8, Side*Side)
	for y := range Side {
		for x := range Side {
			sum := 0
			for j := range samples {
				dy := float64(y) + (float64(j)+0.5)/samples - w.fromY
				for i := range samples {
					dx := float64(x) + (float64(i)+0.5)/samples - w.fromX
					u := math.Floor(w.toX + float64(dx*w.xx) - float64(dy*w.xy))
					v := math.Floor(w.toY + float64(dx*w.xy) + float64(dy*w.xx))
					if u < 0 || v < 0 || u >= renderSide || v >= renderSide {
						sum += white
						continue
					}
					sum += int(grey[int(v)*renderSide+int(u)])
				}
			}
			pixels[y*Side+x] = uint8((sum + samples*samples/2) / (samples * samples))
		}
	}
	return pixels
}

// place makes the picture of a render, [Side, Side]: size, position and turn belong to the icon's name.
func place(grey []uint8, id string) []uint8 {
	random := rng.Stream(placeSeed, keyed(id))
	size := minSize + (maxSize-minSize)*random.Float64()
	turn := maxTurn * (2*random.Float64() - 1)
	x, y := (Side-size)*random.Float64(), (Side-size)*random.Float64()
	scale := renderSide / size
	return window{x + size/2, y + size/2, renderSide / 2, renderSide / 2, scale * math.Cos(turn), scale * math.Sin(turn)}.show(grey)
}
