package figure

import (
	"fmt"
)

// A figure is a drawing in the units of its view box: narrow enough to be read on a phone without
// scaling it down, since all text stands above what it names rather than beside it. This file and those
// of the figures turn the numbers of a report into places on paper; they change no number.
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
