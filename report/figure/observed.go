package figure

import (
	"fmt"
	"strings"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

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
			f.measurement(top, &c, x)
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

func (f *Figure) measurement(top float64, c *model.Claim, x model.Contrast) {
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
