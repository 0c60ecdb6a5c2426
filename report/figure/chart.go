// Package figure turns the numbers of a report into charts, as values: places on paper. It changes no number.
package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/report/words"
)

// Figure is a drawing in the units of its view box: narrow enough to be read on a phone without
// scaling it down, since all text stands above what it names rather than beside it.
type Figure struct {
	ID          string
	Title       string
	Description string // the drawing in words
	Command     string // that draws it again; may be empty
	Temperature string // at which it is; empty for several, or none
	Tier        string // of which it is, in a report of several; empty for all
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

// path has points like "x,y x,y ...".
type path struct{ Class, Points string }

// dot may have a label, which is shown when it is pointed at.
type dot struct {
	Class        string
	X, Y, Radius coord
	Label        string
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
	for _, m := range []float64{5, 2, 1} {
		if m*unit >= rough {
			step = m * unit
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

const (
	chartLeft  = 46.0
	chartTop   = 24.0
	legendRow  = 20.0
	legendLine = 40.0
	lineStyles = 6 // in the style sheet: each has a colour and dashes of its own
	markerSize = 4.0
	levelNames = 92.0 // room for the names of levels
)

// chart plots lines over a common axis, with a legend below. Each line has a colour and dashes of its own, and
// a marker if its points are few.
type chart struct {
	id, title  string
	intro      string // the description; the lines follow in words
	across, up string // the quantities along the axes
	height     float64
	lines      []line
	levels     []tick // across the plot
	zero       bool   // draw the line of zero
	log        bool   // along the bottom
	ticks      []tick // along the bottom; nil for round values
	marks      []tick // from the bottom up
}

// line is a curve. What it says in the legend is its name and note.
type line struct {
	name, note string
	words      string // what it says to those who cannot see it
	x, y       []float64
	low, high  []float64   // ranges at the points; nil for none
	seeds      [][]float64 // single values at the points; nil for none
	marked     bool
}

// rungs draws grid lines at the values of a chart's upward axis, and the name of the quantity.
func (f *Figure) rungs(s scale, name string, values []float64) {
	f.Texts = append(f.Texts, text{"start small", plotLeft, chartTop - 10, name})
	for _, v := range values {
		y := s.at(v)
		f.Lines = append(f.Lines, stroke{"grid", chartLeft, y, plotRight, y})
		f.Texts = append(f.Texts, text{"end small", chartLeft - 5, y + 4, words.Round(v)})
	}
}

// figure draws the chart; it is nil without lines.
func (c chart) figure() *Figure {
	if len(c.lines) == 0 {
		return nil
	}
	var xs, ys []float64
	for _, l := range c.lines {
		xs, ys = append(xs, l.x...), append(append(append(ys, l.y...), l.low...), l.high...)
		for _, values := range l.seeds {
			ys = append(ys, values...)
		}
	}
	for _, level := range c.levels {
		ys = append(ys, level.at)
	}
	for _, m := range slices.Concat(c.marks, c.ticks) {
		xs = append(xs, m.at)
	}
	if c.zero {
		ys = append(ys, 0)
	}
	bottom := chartTop + c.height
	f := &Figure{ID: c.id, Title: c.title, Width: figureWidth, Height: coord(bottom + axisRoom + legendRow*float64(len(c.lines)))}
	right := plotRight
	if len(c.levels) > 0 {
		right -= levelNames
	}
	across, up := newScale(chartLeft, right, xs...), newScale(bottom, chartTop, ys...)
	if c.log {
		across = newLogScale(chartLeft, right, xs...)
	}
	f.axis(across, chartTop, bottom, c.across, c.ticks...)
	f.rungs(up, c.up, up.ticks(4))
	if c.zero {
		f.Lines = append(f.Lines, stroke{"zero", chartLeft, up.at(0), plotRight, up.at(0)})
	}
	for _, m := range c.marks {
		f.Lines = append(f.Lines, stroke{"margin", across.at(m.at), chartTop, across.at(m.at), coord(bottom)})
		f.Texts = append(f.Texts, text{"start plate small", across.at(m.at) + 4, chartTop + 12, m.label})
	}
	said := []string{c.intro}
	for i, l := range c.lines {
		style := i % lineStyles
		f.line(l, style, across, up)
		y := coord(bottom + axisRoom + legendRow*float64(i) + 8)
		f.Lines = append(f.Lines, stroke{fmt.Sprintf("curve s%d", style), plotLeft, y, plotLeft + legendLine, y})
		if l.marked {
			f.Shapes = append(f.Shapes, marker(style, plotLeft+legendLine/2, y))
		}
		f.Texts = append(f.Texts, text{"start", plotLeft + legendLine + 8, y + 4, l.name + l.note})
		said = append(said, l.words)
	}
	f.levels(c.levels, up)
	f.Description = strings.Join(said, " ")
	return f
}

// levels draws lines across the plot, from the highest down, with their names in the strip at its right end. A
// name gives way to the one above it.
func (f *Figure) levels(levels []tick, up scale) {
	const lineOfText = 13
	above := coord(math.Inf(-1))
	for _, level := range slices.SortedStableFunc(slices.Values(levels), func(a, b tick) int { return cmp.Compare(b.at, a.at) }) {
		y := up.at(level.at)
		f.Lines = append(f.Lines, stroke{"floor", chartLeft, y, plotRight, y})
		above = max(y-4, above+lineOfText)
		f.Texts = append(f.Texts, text{"end plate small", plotRight, above, level.label})
	}
}

// line draws a curve with what belongs to its points.
func (f *Figure) line(l line, style int, across, up scale) {
	var points []string
	for i := range l.x {
		x, y := across.at(l.x[i]), up.at(l.y[i])
		points = append(points, x.String()+","+y.String())
		if l.low != nil {
			f.Lines = append(f.Lines, stroke{fmt.Sprintf("range s%d", style), x, up.at(l.low[i]), x, up.at(l.high[i])})
		}
		if l.seeds != nil {
			for _, v := range l.seeds[i] {
				f.Dots = append(f.Dots, dot{fmt.Sprintf("faint s%d", style), x, up.at(v), 2.5, l.name + ", one seed: " + words.Plain(v)})
			}
		}
		if l.marked {
			f.Shapes = append(f.Shapes, marker(style, x, y))
		}
	}
	f.Paths = append(f.Paths, path{fmt.Sprintf("curve s%d", style), strings.Join(points, " ")})
}

// marker is the shape that belongs to a style of line.
func marker(style int, x, y coord) shape {
	outlines := [lineStyles]string{
		"M%[1]v,%[4]v L%[3]v,%[2]v L%[1]v,%[5]v L%[6]v,%[2]v Z", // diamond
		"M%[6]v,%[4]v L%[3]v,%[4]v L%[3]v,%[5]v L%[6]v,%[5]v Z", // square
		"M%[1]v,%[4]v L%[3]v,%[5]v L%[6]v,%[5]v Z",              // triangle
		"M%[6]v,%[4]v L%[3]v,%[4]v L%[1]v,%[5]v Z",              // triangle on its tip
		"M%[6]v,%[4]v L%[3]v,%[5]v M%[6]v,%[5]v L%[3]v,%[4]v",   // cross
		"M%[1]v,%[4]v L%[1]v,%[5]v M%[6]v,%[2]v L%[3]v,%[2]v",   // plus
	}
	return shape{
		Class:   fmt.Sprintf("marker s%d", style),
		Outline: fmt.Sprintf(outlines[style], x, y, x+markerSize, y-markerSize, y+markerSize, x-markerSize),
	}
}
