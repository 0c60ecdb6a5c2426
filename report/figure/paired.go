package figure

import (
	"fmt"
	"strings"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

const (
	pairedHeight = 210.0
	lineOfName   = 13.0
)

// Paired sets the arms of a lead beside each other: a thin line for each seed, and a bar at each mean.
func Paired(id string, l *model.Lead, r *model.Report) *Figure {
	first, last := l.Seeds[0], l.Seeds[len(l.Seeds)-1]
	seeds := words.Count(len(l.Seeds), "seed")
	if first != last {
		seeds += fmt.Sprintf(" (%d to %d)", first, last)
	}
	bottom := chartTop + pairedHeight
	column := (plotRight - chartLeft) / float64(len(l.Arms))
	var names [][]string
	longest := 0
	for _, a := range l.Arms {
		names = append(names, broken(words.ArmTitle(r, a.ID), int(column/6.4)))
		longest = max(longest, len(names[len(names)-1]))
	}
	f := &Figure{
		ID: id, Title: fmt.Sprintf("Accuracy by which negatives are seen, temperature %g, %s", l.Temperature, seeds),
		Width: figureWidth, Height: coord(bottom + 10 + lineOfName*float64(longest)), Temperature: fmt.Sprintf("%g", l.Temperature),
	}
	var values []float64
	for _, a := range l.Arms {
		values = append(values, a.Accuracies...)
	}
	up := newScale(bottom, chartTop, values...)
	f.rungs(up, probed, up.ticks(4))
	middle := func(i int) coord { return coord(chartLeft + (float64(i)+0.5)*column) }
	for s, seed := range l.Seeds {
		var points []string
		for i, a := range l.Arms {
			x, y := middle(i), up.at(a.Accuracies[s])
			points = append(points, x.String()+","+y.String())
			f.Dots = append(f.Dots, dot{"seed", x, y, 3, fmt.Sprintf("seed %d, %s: %s", seed, words.ArmTitle(r, a.ID), words.Plain(a.Accuracies[s]))})
		}
		f.Paths = append(f.Paths, path{"pair", strings.Join(points, " ")})
	}
	said := []string{"A thin line joins the arms of one seed, which begin with the same weights and see the same images; a bar is a mean over seeds, in points."}
	for i, a := range l.Arms {
		x, y := middle(i), up.at(a.Mean)
		f.Lines = append(f.Lines, stroke{"mean", x - 16, y, x + 16, y})
		f.Texts = append(f.Texts, text{"start plate strong", x + 19, y + 4, fmt.Sprintf("%.1f", a.Mean)})
		for n, line := range names[i] {
			f.Texts = append(f.Texts, text{"middle small", x, coord(bottom + 16 + lineOfName*float64(n)), line})
		}
		said = append(said, fmt.Sprintf("Mean of %s: %s.", words.ArmTitle(r, a.ID), words.Plain(a.Mean)))
	}
	for _, floor := range r.Floors {
		said = append(said, fmt.Sprintf("Not drawn: %s, at %s.", words.ArmTitle(r, floor.ID), words.Plain(floor.Mean)))
	}
	f.Description = strings.Join(said, " ")
	return f
}

// broken is a name in lines of about so many letters, broken at spaces.
func broken(name string, letters int) (lines []string) {
	for _, word := range strings.Fields(name) {
		if last := len(lines) - 1; last >= 0 && len(lines[last])+1+len(word) <= letters {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
