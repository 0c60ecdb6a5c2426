package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/report/stats"
)

const (
	forestRow = 74.0 // three lines of text and the interval
	axisRoom  = 38.0
)

// forest draws the interval of each contrast of accuracies, at the level given, over the region in which what
// it asks for is true. The scale covers others too, so that forests can be compared. It is nil if nothing has
// an interval.
func forest(id, title string, level float64, claims []Claim, others ...Claim) *figure {
	values := []float64{0}
	rows := 0
	for _, c := range claims {
		rows += len(accuracyContrasts(&c))
	}
	for _, c := range slices.Concat(claims, others) {
		for _, x := range accuracyContrasts(&c) {
			values = append(values, x.Bounds...)
			if d := x.Difference; d != nil {
				values = append(values, d.Low, d.High)
			}
		}
	}
	bottom := 6 + forestRow*float64(rows)
	f := &figure{ID: id, Title: title, Width: figureWidth, Height: coord(bottom + axisRoom)}
	s := newScale(plotLeft, plotRight, values...)
	f.axis(s, 6, bottom, "difference of accuracy, points")

	words := []string{confidence(level) + " intervals of the difference of accuracy, in points; the shaded region is where the contrast holds."}
	drawn := false
	top := 6.0
	for _, c := range claims {
		for _, x := range accuracyContrasts(&c) {
			f.contrast(s, top, &c, x)
			top += forestRow
			drawn = drawn || x.Difference != nil
			words = append(words, fmt.Sprintf("%s: %s, %s, found %s.", c.ID, against(x), asks(x), found(x)))
		}
	}
	if !drawn {
		return nil
	}
	f.Description = strings.Join(words, " ")
	return f
}

// contrast draws one row of a forest, the verdict of its claim in front.
func (f *figure) contrast(s scale, top float64, c *Claim, x Contrast) {
	y := coord(top + 59)
	from, to := s.at(x.Bounds[0]), coord(plotRight)
	if len(x.Bounds) == 2 {
		to = s.at(x.Bounds[1])
	}
	f.Boxes = append(f.Boxes, box{"holds", from, y - 9, to - from, 18})
	f.Lines = append(f.Lines, stroke{"zero", s.at(0), y - 11, s.at(0), y + 11})
	for _, b := range x.Bounds {
		f.Lines = append(f.Lines, stroke{"margin", s.at(b), y - 11, s.at(b), y + 11})
	}
	f.Texts = append(f.Texts,
		text{"start plate strong", plotLeft, coord(top + 14), c.ID},
		text{"start plate", plotLeft, coord(top + 29), label(c.Verdict, c.Machinery) + ", " + found(x)},
		text{"start plate small", plotLeft, coord(top + 43), against(x) + ", asks " + asks(x)})
	f.estimate(s, y, c.Verdict, x)
}

// estimate draws an interval with the estimate in it.
func (f *figure) estimate(s scale, y coord, verdict stats.Verdict, x Contrast) {
	d := x.Difference
	if d == nil {
		return
	}
	f.Lines = append(f.Lines,
		stroke{"interval", s.at(d.Low), y, s.at(d.High), y},
		stroke{"interval", s.at(d.Low), y - 6, s.at(d.Low), y + 6},
		stroke{"interval", s.at(d.High), y - 6, s.at(d.High), y + 6})
	f.Dots = append(f.Dots, dot{"estimate " + class(verdict), s.at(d.Estimate), y, dotSize})
}

// class is a verdict as a CSS class.
func class(v stats.Verdict) string {
	if v == NothingToJudge {
		return "nothing"
	}
	return string(v)
}
