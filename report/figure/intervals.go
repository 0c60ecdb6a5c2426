package figure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

const (
	forestRow = 74.0 // three lines of text and the interval
	axisRoom  = 38.0
)

// Forest draws the interval of each contrast of accuracies, at the level given, over the region in which what
// it asks for is true. The scale covers others too, so that forests can be compared. It is nil if nothing has
// an interval.
func Forest(id, title string, level float64, claims []model.Claim, others ...model.Claim) *Figure {
	values := []float64{0}
	rows := 0
	for _, c := range claims {
		rows += len(c.AccuracyContrasts())
	}
	for _, c := range slices.Concat(claims, others) {
		for _, x := range c.AccuracyContrasts() {
			values = append(values, x.Bounds...)
			if d := x.Difference; d != nil {
				values = append(values, d.Low, d.High)
			}
		}
	}
	bottom := 6 + forestRow*float64(rows)
	f := &Figure{ID: id, Title: title, Width: figureWidth, Height: coord(bottom + axisRoom)}
	s := newScale(plotLeft, plotRight, values...)
	f.axis(s, 6, bottom, "difference of accuracy, points")

	said := []string{words.Confidence(level) + " intervals of the difference of accuracy, in points; the shaded region is where the contrast holds."}
	drawn := false
	top := 6.0
	for _, c := range claims {
		for _, x := range c.AccuracyContrasts() {
			f.contrast(s, top, &c, x)
			top += forestRow
			drawn = drawn || x.Difference != nil
			said = append(said, fmt.Sprintf("%s: %s, %s, found %s.", c.ID, words.Name(x), words.Asks(x), words.Found(x)))
		}
	}
	if !drawn {
		return nil
	}
	f.Description = strings.Join(said, " ")
	return f
}

// contrast draws one row of a forest, the verdict of its claim in front.
func (f *Figure) contrast(s scale, top float64, c *model.Claim, x model.Contrast) {
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
		text{"start plate", plotLeft, coord(top + 29), words.Label(c.Verdict, c.Machinery) + ", " + words.Found(x)},
		text{"start plate small", plotLeft, coord(top + 43), words.Name(x) + ", asks " + words.Asks(x)})
	f.estimate(s, y, c.Verdict, x)
}

// estimate draws an interval with the estimate in it.
func (f *Figure) estimate(s scale, y coord, verdict stats.Verdict, x model.Contrast) {
	d := x.Difference
	if d == nil {
		return
	}
	f.Lines = append(f.Lines,
		stroke{"interval", s.at(d.Low), y, s.at(d.High), y},
		stroke{"interval", s.at(d.Low), y - 6, s.at(d.Low), y + 6},
		stroke{"interval", s.at(d.High), y - 6, s.at(d.High), y + 6})
	f.Dots = append(f.Dots, dot{"estimate " + VerdictClass(verdict), s.at(d.Estimate), y, dotSize})
}

// VerdictClass is a verdict as a CSS class.
func VerdictClass(v stats.Verdict) string {
	if v == model.NothingToJudge || v == model.NotAsAsked {
		return "nothing"
	}
	return string(v)
}

const observedRow = 102.0 // four lines of text, the interval, and what is below it

// Observed draws each observation on a scale of its own, since each statistic has its own unit: the interval, a
// dot for each seed, and the line of chance. It is nil if nothing has an interval.
func Observed(id, title string, level float64, claims []model.Claim) *Figure {
	f := &Figure{ID: id, Title: title, Width: figureWidth}
	said := []string{fmt.Sprintf("How far each statistic lies from chance, with %s intervals, each on a scale of its own; the shaded region is where the observation holds.", words.Confidence(level))}
	top := 6.0
	for _, c := range claims {
		for _, x := range c.Observations() {
			if x.Difference == nil {
				continue
			}
			f.observation(top, &c, x)
			top += observedRow
			said = append(said, fmt.Sprintf("%s: %s, %s, chance %s, found %s, asks %s.",
				c.ID, words.Name(x), words.Amount(x, x.MeanA), words.Chance(x), words.Found(x), words.Asks(x)))
		}
	}
	if len(f.Lines) == 0 {
		return nil
	}
	f.Height, f.Description = coord(top), strings.Join(said, " ")
	return f
}

func (f *Figure) observation(top float64, c *model.Claim, x model.Contrast) {
	values := []float64{0, x.Bounds[0], x.Difference.Low, x.Difference.High}
	for _, p := range x.Pairs {
		values = append(values, p.Difference)
	}
	s := newScale(plotLeft, plotRight, values...)
	y := coord(top + 71)
	f.Boxes = append(f.Boxes, box{"holds", s.at(x.Bounds[0]), y - 9, plotRight - s.at(x.Bounds[0]), 18})
	f.Lines = append(f.Lines, stroke{"zero", s.at(0), y - 11, s.at(0), y + 13})
	if x.Bounds[0] != 0 {
		f.Lines = append(f.Lines, stroke{"margin", s.at(x.Bounds[0]), y - 11, s.at(x.Bounds[0]), y + 11})
	}
	origin, zero := "chance", text{"start plate small", s.at(0), y + 24, "chance " + words.Chance(x)}
	if !x.HasNull {
		origin, zero.Text = "0", "0"
	}
	if s.at(0) > figureWidth/2 {
		zero.Class = "end plate small"
	}
	f.Texts = append(f.Texts,
		text{"start plate strong", plotLeft, coord(top + 12), c.ID},
		text{"start plate", plotLeft, coord(top + 27), words.Label(x.Alone, c.Machinery) + " on its own"},
		text{"start plate small", plotLeft, coord(top + 41), words.Name(x) + ": " + words.Amount(x, x.MeanA)},
		text{"start plate small", plotLeft, coord(top + 55), words.Found(x) + " from " + origin},
		zero)
	for _, p := range x.Pairs {
		f.Dots = append(f.Dots, dot{"seed", s.at(p.Difference), y + 7, 3})
	}
	f.estimate(s, y, x.Alone, x)
}
