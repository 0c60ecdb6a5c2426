package report

import (
	"fmt"
	"slices"
)

const fractionHeight = 240.0

// fractions draws accuracy against the fraction of negatives, on a logarithmic axis: a line for each way of
// choosing them, a dot for each seed, and as levels the reference and the floors. The places, if any, are where
// a claim looks. It is nil without a run.
func fractions(id string, s *Sweep, r *Report, places []Place) *figure {
	plot := chart{
		id: id, title: s.Title, height: fractionHeight, log: true,
		across: "fraction of the queue", up: "accuracy of the linear probe, points",
		intro: "Accuracy of the linear probe, in points, by the fraction of negatives kept or dropped; means over seeds.",
	}
	for i, l := range s.Lines {
		out := line{name: l.Name, marked: true, words: l.Name + ":"}
		for _, p := range l.Points {
			if i == 0 {
				plot.ticks = append(plot.ticks, tick{p.Fraction, fractionName(p.Fraction)})
			}
			if p.Mean == nil {
				continue
			}
			out.x, out.y, out.seeds = append(out.x, p.Fraction), append(out.y, *p.Mean), append(out.seeds, p.Seeds)
			out.words += fmt.Sprintf(" %s at %s,", plain(*p.Mean), fractionName(p.Fraction))
		}
		if len(out.x) == 0 {
			continue
		}
		out.words = out.words[:len(out.words)-1] + "."
		plot.lines = append(plot.lines, out)
	}
	if s.ReferenceMean != nil {
		plot.levels = append(plot.levels, reference{s.Reference + " " + plain(*s.ReferenceMean), *s.ReferenceMean})
	}
	for _, f := range r.Floors {
		plot.levels = append(plot.levels, reference{f.ID + " " + plain(f.Mean), f.Mean})
	}
	for _, level := range plot.levels {
		plot.intro += fmt.Sprintf(" The level of %s.", level.name)
	}
	for _, p := range places {
		mark := reference{fractionName(p.Fraction), p.Fraction}
		if p.Sweep == s.ID && !slices.Contains(plot.marks, mark) {
			plot.marks = append(plot.marks, mark)
			plot.intro += fmt.Sprintf(" The claim looks at %s.", mark.name)
		}
	}
	return plot.figure()
}

func fractionName(f float64) string { return fmt.Sprintf("%.3g%%", 100*f) }
