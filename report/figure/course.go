package figure

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

const courseHeight = 110.0

// Course is what the analyses of an arm at a temperature say over training, from the encoder as initialised.
type Course struct {
	Arm         string
	Temperature float64
	Stages      []*model.Analysis
}

// Courses puts the analyses of each trained arm in a row, behind those of the untrained encoder, with which
// all arms start.
func Courses(r *model.Report) (all []Course) {
	untrained := func(id string) bool {
		return slices.ContainsFunc(r.Arms, func(a model.Arm) bool { return a.ID == id && a.Features == bench.Untrained })
	}
	var initial []*model.Analysis
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
		at := slices.IndexFunc(all, func(c Course) bool { return c.Arm == a.Arm && c.Temperature == a.Temperature })
		if at < 0 {
			at = len(all)
			all = append(all, Course{a.Arm, a.Temperature, slices.Clone(initial)})
		}
		all[at].Stages = append(all[at].Stages, a)
	}
	if len(all) == 0 && len(initial) > 0 {
		return []Course{{initial[0].Arm, initial[0].Temperature, initial}}
	}
	return all
}

// OverTraining draws a statistic over training: the mean of each course, with the range of its seeds. It is
// nil if the statistic does not exist.
func OverTraining(id, statistic string, all []Course) *Figure {
	plot := chart{id: id, height: courseHeight, across: "training steps"}
	for _, c := range all {
		l := line{name: fmt.Sprintf("%s, temperature %g", c.Arm, c.Temperature), marked: true}
		l.words = l.name + ":"
		for _, a := range c.Stages {
			s := a.Find(statistic)
			if s == nil {
				continue
			}
			plot.title, plot.up = statistic, "mean and range of seeds"
			plot.intro = fmt.Sprintf("%s: %s (%s), by training step.", s.ID, s.Title, s.Unit)
			if s.Null != nil {
				plot.levels = []reference{{"chance " + words.Null(s.Null), *s.Null}}
				plot.intro += " Chance is " + words.Null(s.Null) + "."
			}
			l.x, l.y = append(l.x, float64(a.Step)), append(l.y, s.Mean)
			l.low, l.high = append(l.low, s.Least), append(l.high, s.Most)
			l.words += fmt.Sprintf(" %s at step %d,", words.Fine(s.Mean), a.Step)
		}
		if len(l.x) > 0 {
			l.words = l.words[:len(l.words)-1] + "."
			plot.lines = append(plot.lines, l)
		}
	}
	return plot.figure()
}
