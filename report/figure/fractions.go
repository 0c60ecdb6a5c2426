package figure

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

const fractionHeight = 240.0

// Fractions draws accuracy against the fraction of negatives, on a logarithmic axis: a line for each way of
// choosing them, a dot for each seed, and as levels the reference and the floors. The places, if any, are where
// a claim looks. It is nil without a run.
func Fractions(id string, s *model.Sweep, r *model.Report, places []model.Place) *Figure {
	plot := chart{
		id: id, title: s.Title, height: fractionHeight, log: true,
		across: "fraction of the queue", up: "accuracy of the linear probe, points",
		intro: "Accuracy of the linear probe, in points, by the fraction of negatives kept or dropped; means over seeds.",
	}
	for i, l := range s.Lines {
		out := line{name: l.Name, marked: true, words: l.Name + ":"}
		for _, p := range l.Points {
			if i == 0 {
				plot.ticks = append(plot.ticks, tick{p.Fraction, words.Fraction(p.Fraction)})
			}
			if p.Mean == nil {
				continue
			}
			out.x, out.y, out.seeds = append(out.x, p.Fraction), append(out.y, *p.Mean), append(out.seeds, p.Seeds)
			out.words += fmt.Sprintf(" %s at %s,", words.Plain(*p.Mean), words.Fraction(p.Fraction))
		}
		if len(out.x) == 0 {
			continue
		}
		out.words = out.words[:len(out.words)-1] + "."
		plot.lines = append(plot.lines, out)
	}
	if s.ReferenceMean != nil {
		plot.levels = append(plot.levels, reference{s.Reference + " " + words.Plain(*s.ReferenceMean), *s.ReferenceMean})
	}
	for _, f := range r.Floors {
		plot.levels = append(plot.levels, reference{f.ID + " " + words.Plain(f.Mean), f.Mean})
	}
	for _, level := range plot.levels {
		plot.intro += fmt.Sprintf(" The level of %s.", level.name)
	}
	for _, p := range places {
		mark := reference{words.Fraction(p.Fraction), p.Fraction}
		if p.Sweep == s.ID && !slices.Contains(plot.marks, mark) {
			plot.marks = append(plot.marks, mark)
			plot.intro += fmt.Sprintf(" The claim looks at %s.", mark.name)
		}
	}
	return plot.figure()
}
