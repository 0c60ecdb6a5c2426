package report

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
)

const courseHeight = 110.0

// course is what the analyses of an arm at a temperature say over training, from the encoder as initialised.
type course struct {
	arm         string
	temperature float64
	stages      []*Analysis
}

// courses puts the analyses of each trained arm in a row, behind those of the untrained encoder, with which
// all arms start.
func courses(r *Report) (all []course) {
	untrained := func(id string) bool {
		return slices.ContainsFunc(r.Arms, func(a Arm) bool { return a.ID == id && a.Features == bench.Untrained })
	}
	var initial []*Analysis
	for i := range r.Analyses {
		if a := &r.Analyses[i]; untrained(a.Arm) {
			initial = append(initial, a)
		}
	}
	for i := range r.Analyses {
		a := &r.Analyses[i]
		if untrained(a.Arm) {
			continue
		}
		at := slices.IndexFunc(all, func(c course) bool { return c.arm == a.Arm && c.temperature == a.Temperature })
		if at < 0 {
			at = len(all)
			all = append(all, course{a.Arm, a.Temperature, slices.Clone(initial)})
		}
		all[at].stages = append(all[at].stages, a)
	}
	if len(all) == 0 && len(initial) > 0 {
		return []course{{initial[0].Arm, initial[0].Temperature, initial}}
	}
	return all
}

// find returns a statistic by id, nil if the analysis lacks it.
func (a *Analysis) find(id string) *Statistic {
	for i := range a.Statistics {
		if a.Statistics[i].ID == id {
			return &a.Statistics[i]
		}
	}
	return nil
}

// courseFigure draws a statistic over training: the mean of each course, with the range of its seeds. It is
// nil if the statistic does not exist.
func courseFigure(id, statistic string, all []course) *figure {
	plot := chart{id: id, height: courseHeight, across: "training steps"}
	for _, c := range all {
		l := line{name: fmt.Sprintf("%s, temperature %g", c.arm, c.temperature), marked: true}
		l.words = l.name + ":"
		for _, a := range c.stages {
			s := a.find(statistic)
			if s == nil {
				continue
			}
			plot.title, plot.up = statistic, "mean and range of seeds"
			plot.intro = fmt.Sprintf("%s: %s (%s), by training step.", s.ID, s.Title, s.Unit)
			if s.Null != nil {
				plot.levels = []reference{{"chance " + null(s.Null), *s.Null}}
				plot.intro += " Chance is " + null(s.Null) + "."
			}
			l.x, l.y = append(l.x, float64(a.Step)), append(l.y, s.Mean)
			l.low, l.high = append(l.low, s.Least), append(l.high, s.Most)
			l.words += fmt.Sprintf(" %s at step %d,", fine(s.Mean), a.Step)
		}
		if len(l.x) > 0 {
			l.words = l.words[:len(l.words)-1] + "."
			plot.lines = append(plot.lines, l)
		}
	}
	return plot.figure()
}
