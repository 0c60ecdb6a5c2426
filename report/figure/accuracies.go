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
