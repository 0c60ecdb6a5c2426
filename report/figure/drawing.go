// Package figure turns the numbers of a report into charts, as values: places on paper. It changes no number.
package figure

import (
	"fmt"
	"math"

	"github.com/cidbench/cidbench/report/words"
)

// A figure is a drawing in the units of its view box: narrow enough to be read on a phone without
// scaling it down, since all text stands above what it names rather than beside it.
type Figure struct {
	ID          string
	Title       string
	Description string // the drawing in words
	Width       coord
	Height      coord
	Boxes       []box
	Lines       []stroke
	Paths       []path
	Dots        []dot
	Shapes      []shape
	Texts       []text
}

// coord is a length or place; a tenth of a unit is finer than any screen.
type coord float64

func (c coord) String() string { return fmt.Sprintf("%.1f", float64(c)) }

type box struct {
	Class      string
	X, Y, W, H coord
}

type stroke struct {
	Class          string
	X1, Y1, X2, Y2 coord
}

type path struct {
	Class  string
	Points string // "x,y x,y ..."
}

type dot struct {
	Class  string
	X, Y   coord
	Radius coord
}

// shape has an outline as in the d of an SVG path.
type shape struct{ Class, Outline string }

type text struct {
	Class string // one of start, middle and end, and the style
	X, Y  coord
	Text  string
}

const (
	figureWidth = 380
	plotLeft    = 12.0
	plotRight   = figureWidth - 12.0
	dotSize     = 4.0
)

// tick is a value with a name.
type tick struct {
	at    float64
	label string
}

// scale maps values to places, linearly or by their logarithms.
type scale struct {
	low, high, from, to float64
	log                 bool // low and high are logarithms
}

// newScale covers the values with a little room on both sides.
func newScale(from, to float64, values ...float64) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	room := 0.04 * (high - low)
	if room == 0 {
		room = max(0.04*math.Abs(high), 0.01)
	}
	return scale{low: low - room, high: high + room, from: from, to: to}
}

// newLogScale covers positive values.
func newLogScale(from, to float64, values ...float64) scale {
	var logs []float64
	for _, v := range values {
		logs = append(logs, math.Log10(v))
	}
	s := newScale(from, to, logs...)
	s.log = true
	return s
}

func (s scale) at(v float64) coord {
	if s.log {
		v = math.Log10(v)
	}
	return coord(s.from + (v-s.low)/(s.high-s.low)*(s.to-s.from))
}

// ticks are round values within the scale, at most n+1 of them.
func (s scale) ticks(n int) (ticks []float64) {
	rough := (s.high - s.low) / float64(n)
	unit := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * unit
	for _, m := range []float64{1, 2, 5} {
		if m*unit >= rough {
			step = m * unit
			break
		}
	}
	for i := math.Ceil(s.low / step); i*step <= s.high; i++ {
		ticks = append(ticks, i*step+0) // +0 turns -0 into 0
	}
	return ticks
}

// axis draws ticks along the bottom of the figure, at round values unless others are given, grid lines up to
// top, and the name of the quantity.
func (f *Figure) axis(s scale, top, bottom float64, name string, ticks ...tick) {
	if len(ticks) == 0 {
		for _, v := range s.ticks(5) {
			ticks = append(ticks, tick{v, words.Round(v)})
		}
	}
	for _, t := range ticks {
		x := s.at(t.at)
		f.Lines = append(f.Lines, stroke{"grid", x, coord(top), x, coord(bottom)})
		f.Texts = append(f.Texts, text{"middle small", x, coord(bottom + 15), t.label})
	}
	f.Texts = append(f.Texts, text{"middle small", figureWidth / 2, coord(bottom + 31), name})
}
