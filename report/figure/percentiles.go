package figure

import (
	"fmt"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

const percentileHeight = 160.0

// quantity is something that is measured of a stretch of the negatives.
type quantity struct {
	name string
	of   func(analysis.Percentile) *float64 // nil where it does not exist
}

var (
	DotProduct     = quantity{"dot product", func(p analysis.Percentile) *float64 { return &p.Dot }}
	SameClass      = quantity{"the query's class", func(p analysis.Percentile) *float64 { return &p.SameClass }}
	SameSuperclass = quantity{"its superclass, other classes", func(p analysis.Percentile) *float64 { return &p.SameSuperclass }}
	PathAll        = quantity{"path", func(p analysis.Percentile) *float64 { return &p.Path }}
	PathOther      = quantity{"path, other classes", func(p analysis.Percentile) *float64 { return p.PathOther }}
	WuPalmerAll    = quantity{"Wu-Palmer", func(p analysis.Percentile) *float64 { return &p.WuPalmer }}
	WuPalmerOther  = quantity{"Wu-Palmer, other classes", func(p analysis.Percentile) *float64 { return p.WuPalmerOther }}
)

// ByDifficulty draws quantities by the difficulty of negatives, from the hardest; nil if none exists.
func ByDifficulty(id, title, up string, a *model.Analysis, zero bool, quantities ...quantity) *Figure {
	plot := chart{
		id: id, title: title, height: percentileHeight, zero: zero,
		across: "negatives by difficulty, % from the hardest", up: up,
		intro: fmt.Sprintf("%s, by difficulty percentile of the negatives; mean over %s and their queries.", title, words.Count(a.N, "seed")),
		ticks: []tick{{0, "hardest"}, {25, "25"}, {50, "50"}, {75, "75"}, {100, "easiest"}},
	}
	for _, q := range quantities {
		l := line{name: q.name}
		for _, p := range a.Percentiles {
			if v := q.of(p); v != nil {
				l.x, l.y = append(l.x, 50*(p.From+p.To)), append(l.y, *v)
			}
		}
		if len(l.x) == 0 {
			continue
		}
		hard, easy := words.Fine(l.y[0]), words.Fine(l.y[len(l.y)-1])
		l.note = ": " + hard + " to " + easy
		l.words = fmt.Sprintf("%s: %s among the hardest, %s among the easiest.", q.name, hard, easy)
		plot.lines = append(plot.lines, l)
	}
	return plot.figure()
}
