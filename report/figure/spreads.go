package figure

import (
	"fmt"
	"strings"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

const armRow = 36.0 // a line of text and the dots

// Accuracies draws every seed of every arm, its mean, the floors and chance. It is nil without runs.
func Accuracies(id, title string, r *model.Report) *Figure {
	var values []float64
	var shown []model.Arm
	for _, a := range r.Arms {
		if a.N == 0 {
			continue
		}
		shown = append(shown, a)
		for _, row := range a.Runs {
			if row.Linear != nil {
				values = append(values, *row.Linear)
			}
		}
	}
	if len(shown) == 0 {
		return nil
	}
	references := r.Floors
	if r.Chance != nil {
		references = append([]model.Floor{{ID: "chance", Mean: *r.Chance}}, references...)
	}
	for _, f := range references {
		values = append(values, f.Mean)
	}
	const lineOfText = 16.0
	top := 6 + lineOfText*float64(len(references))
	bottom := top + armRow*float64(len(shown))
	f := &Figure{ID: id, Title: title, Width: figureWidth, Height: coord(bottom + axisRoom)}
	s := newScale(plotLeft, plotRight, values...)
	f.axis(s, top, bottom, "accuracy of the linear probe, points")

	said := []string{"A dot for each seed and a bar at the mean, in points."}
	for i, ref := range references {
		x, y := s.at(ref.Mean), 6+lineOfText*float64(i)
		f.Lines = append(f.Lines, stroke{"floor", x, coord(y + 4), x, coord(bottom)})
		name := text{"start plate small", x + 4, coord(y + 12), fmt.Sprintf("%s %s", ref.ID, words.Plain(ref.Mean))}
		if x > figureWidth/2 {
			name.Class, name.X = "end plate small", x-4
		}
		f.Texts = append(f.Texts, name)
		said = append(said, fmt.Sprintf("The line of %s is at %s.", ref.ID, words.Plain(ref.Mean)))
	}
	for i, a := range shown {
		y := top + armRow*float64(i)
		name := a.ID
		if t := words.Temperature(a); t != words.Absent {
			name += " at temperature " + t
		}
		f.Texts = append(f.Texts, text{"start plate", plotLeft, coord(y + 14), name + ": " + words.PlainOrAbsent(a.Mean)})
		for _, row := range a.Runs {
			if row.Linear != nil {
				f.Dots = append(f.Dots, dot{"seed", s.at(*row.Linear), coord(y + 26), dotSize})
			}
		}
		f.Lines = append(f.Lines, stroke{"mean", s.at(*a.Mean), coord(y + 18), s.at(*a.Mean), coord(y + 34)})
		said = append(said, fmt.Sprintf("%s: mean %s of %s.", name, words.PlainOrAbsent(a.Mean), words.Count(a.N, "run")))
	}
	f.Description = strings.Join(said, " ")
	return f
}

const histogramHeight = 160.0

// Histogram draws how many images are among the hardest (or easiest) negatives of how many queries, on a
// logarithmic axis, with the line of what chance gives. It is nil without bins.
func Histogram(id, title, tail string, c *model.Consistency) *Figure {
	if len(c.Histogram) == 0 {
		return nil
	}
	const least = 0.5 // images; below it nothing is drawn
	bottom := chartTop + histogramHeight
	f := &Figure{ID: id, Title: title, Width: figureWidth, Height: coord(bottom + axisRoom + 2*legendRow)}
	most := 1.0
	for _, bin := range c.Histogram {
		most = max(most, float64(bin.Images), bin.Expected)
	}
	bins := c.Histogram
	across := newScale(chartLeft, plotRight, 0, float64(bins[len(bins)-1].To))
	up := newLogScale(bottom, chartTop, least, most)
	f.axis(across, chartTop, bottom, fmt.Sprintf("queries of which an image is among the %s %.2g%%", tail, 100*c.Rate))
	f.Texts = append(f.Texts, text{"start small", plotLeft, chartTop - 10, "images"})
	for v := 1.0; v <= most; v *= 10 {
		y := up.at(v)
		f.Lines = append(f.Lines, stroke{"grid", chartLeft, y, plotRight, y})
		f.Texts = append(f.Texts, text{"end small", chartLeft - 5, y + 4, words.Round(v)})
	}
	base := up.at(least)
	var steps []string
	for _, bin := range bins {
		from, to := across.at(float64(bin.From)), across.at(float64(bin.To))
		if bin.Images > 0 {
			y := up.at(float64(bin.Images))
			f.Boxes = append(f.Boxes, box{"bar", from, y, to - from, base - y})
		}
		expected := base
		if bin.Expected > least {
			expected = up.at(bin.Expected)
		}
		steps = append(steps, from.String()+","+expected.String(), to.String()+","+expected.String())
	}
	f.Paths = append(f.Paths, path{"curve s1", strings.Join(steps, " ")})
	y := coord(bottom + axisRoom + 8)
	f.Boxes = append(f.Boxes, box{"bar", plotLeft, y - 6, legendLine, 12})
	f.Lines = append(f.Lines, stroke{"curve s1", plotLeft, y + legendRow, plotLeft + legendLine, y + legendRow})
	f.Texts = append(f.Texts,
		text{"start", plotLeft + legendLine + 8, y + 4, "images observed"},
		text{"start", plotLeft + legendLine + 8, y + legendRow + 4, "expected if each query chose at random"})
	f.Description = fmt.Sprintf("Histogram of images by the number of queries for which they are among the %s negatives, with the line that chance would give. "+
		"%s of the images lie above the 99.9%% quantile of chance, where %s are expected; %s lie below its 0.1%% quantile, where %s are expected.",
		tail, words.Percent(c.Upper.Observed), words.Percent(c.Upper.Expected), words.Percent(c.Lower.Observed), words.Percent(c.Lower.Expected))
	return f
}
