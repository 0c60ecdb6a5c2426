package layout

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// stretches shows what negatives in ranges of difficulty are like.
func stretches(a *model.Analysis, by string, ranges []analysis.Percentile) *Table {
	return Tabulate(fmt.Sprintf("Negatives of %s at temperature %g by %s, 0%% being the hardest: dot product with the query, shares of its class and of other classes of its superclass, and similarity in the class tree.",
		a.Arm, a.Temperature, by), ranges,
		Number("Negatives", func(p analysis.Percentile) string { return words.Band(p.From, p.To) }),
		Number("Dot", func(p analysis.Percentile) string { return words.Fine(p.Dot) }),
		Number("Class", func(p analysis.Percentile) string { return words.Percent(p.SameClass) }),
		Number("Superclass", func(p analysis.Percentile) string { return words.Percent(p.SameSuperclass) }),
		Number("Path", func(p analysis.Percentile) string { return words.Fine(p.Path) }),
		Number("Path, others", func(p analysis.Percentile) string { return words.FineOrAbsent(p.PathOther) }),
		Number("Wu-Palmer", func(p analysis.Percentile) string { return words.Fine(p.WuPalmer) }),
		Number("Wu-Palmer, others", func(p analysis.Percentile) string { return words.FineOrAbsent(p.WuPalmerOther) }))
}

func permutationP(p *model.PValues) string { return words.Maybe(p, words.Holds) }

// Analyses tells what embeddings show over training.
func Analyses(r *model.Report) Section {
	s := Section{ID: "analyses", Level: 2, Title: "Difficulty and meaning over training"}
	all := figure.Courses(r)
	for _, c := range all {
		s.Blocks = append(s.Blocks, courseTable(c))
	}
	var drawn []*figure.Figure
	for _, definition := range analysis.All {
		drawn = append(drawn, figure.OverTraining("course-"+definition.ID, definition.ID, all))
	}
	s.Blocks = append(s.Blocks, figures(drawn...)...)
	for i := range r.Analyses {
		if a := &r.Analyses[i]; a.Final {
			s.Blocks = append(s.Blocks, Folded{fmt.Sprintf("By percentile of difficulty: %s at temperature %g", a.Arm, a.Temperature), stretches(a, "percentile", a.Percentiles)})
		}
	}
	return s
}

// courseTable has a column for each stage of training.
func courseTable(c figure.Course) *Table {
	last := c.Stages[len(c.Stages)-1]
	columns := []Shows[string]{
		Text("Statistic", func(id string) string { return id }),
		Number("Chance", func(id string) string {
			for _, a := range c.Stages {
				if s := a.Find(id); s != nil {
					return words.Null(s.Null)
				}
			}
			return words.Absent
		}),
	}
	number := func(head string, a *model.Analysis, spell func(*model.Statistic) string) {
		columns = append(columns, Number(head, func(id string) string {
			if s := a.Find(id); s != nil {
				return spell(s)
			}
			return words.Absent
		}))
	}
	for _, a := range c.Stages {
		number(fmt.Sprintf("Step %d", a.Step), a, func(s *model.Statistic) string { return words.Fine(s.Mean) })
	}
	number("Range", last, func(s *model.Statistic) string { return words.Fine(s.Least) + " to " + words.Fine(s.Most) })
	number("p", last, func(s *model.Statistic) string { return permutationP(s.Permutation) })
	var measured []string
	for _, definition := range analysis.All {
		if slices.ContainsFunc(c.Stages, func(a *model.Analysis) bool { return a.Find(definition.ID) != nil }) {
			measured = append(measured, definition.ID)
		}
	}
	return Tabulate(fmt.Sprintf("%s at temperature %g: mean of each statistic after so many steps (0: as initialised), %s, what chance gives, and at the end the range of the seeds and the p value of the permutation null.",
		c.Arm, c.Temperature, words.Count(last.N, "seed")), measured, columns...)
}
