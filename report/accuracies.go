package report

import (
	"fmt"
	"strings"
)

const armRow = 36.0 // a line of text and the dots

// accuracies draws every seed of every arm, its mean, the floors and chance. It is nil without runs.
func accuracies(id, title string, r *Report) *figure {
	var values []float64
	var shown []Arm
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
		references = append([]Floor{{ID: "chance", Mean: *r.Chance}}, references...)
	}
	for _, f := range references {
		values = append(values, f.Mean)
	}
	const lineOfText = 16.0
	top := 6 + lineOfText*float64(len(references))
	bottom := top + armRow*float64(len(shown))
	f := &figure{ID: id, Title: title, Width: figureWidth, Height: coord(bottom + axisRoom)}
	s := newScale(plotLeft, plotRight, values...)
	f.axis(s, top, bottom, "accuracy of the linear probe, points")

	words := []string{"A dot for each seed and a bar at the mean, in points."}
	for i, ref := range references {
		x, y := s.at(ref.Mean), 6+lineOfText*float64(i)
		f.Lines = append(f.Lines, stroke{"floor", x, coord(y + 4), x, coord(bottom)})
		name := text{"start plate small", x + 4, coord(y + 12), fmt.Sprintf("%s %s", ref.ID, plain(ref.Mean))}
		if x > figureWidth/2 {
			name.Class, name.X = "end plate small", x-4
		}
		f.Texts = append(f.Texts, name)
		words = append(words, fmt.Sprintf("The line of %s is at %s.", ref.ID, plain(ref.Mean)))
	}
	for i, a := range shown {
		y := top + armRow*float64(i)
		name := a.ID
		if t := temperature(a); t != absent {
			name += " at temperature " + t
		}
		f.Texts = append(f.Texts, text{"start plate", plotLeft, coord(y + 14), name + ": " + maybe(a.Mean)})
		for _, row := range a.Runs {
			if row.Linear != nil {
				f.Dots = append(f.Dots, dot{"seed", s.at(*row.Linear), coord(y + 26), dotSize})
			}
		}
		f.Lines = append(f.Lines, stroke{"mean", s.at(*a.Mean), coord(y + 18), s.at(*a.Mean), coord(y + 34)})
		words = append(words, fmt.Sprintf("%s: mean %s of %s.", name, maybe(a.Mean), count(a.N, "run")))
	}
	f.Description = strings.Join(words, " ")
	return f
}
