package report

import (
	"fmt"

	"github.com/cidbench/cidbench/bench/analysis"
)

const percentileHeight = 160.0

// quantity is something that is measured of a stretch of the negatives.
type quantity struct {
	name string
	of   func(analysis.Percentile) *float64 // nil where it does not exist
}

var (
	dotProduct     = quantity{"dot product", func(p analysis.Percentile) *float64 { return &p.Dot }}
	sameClass      = quantity{"the query's class", func(p analysis.Percentile) *float64 { return &p.SameClass }}
	sameSuperclass = quantity{"its superclass, other classes", func(p analysis.Percentile) *float64 { return &p.SameSuperclass }}
	pathAll        = quantity{"path", func(p analysis.Percentile) *float64 { return &p.Path }}
	pathOther      = quantity{"path, other classes", func(p analysis.Percentile) *float64 { return p.PathOther }}
	wuPalmerAll    = quantity{"Wu-Palmer", func(p analysis.Percentile) *float64 { return &p.WuPalmer }}
	wuPalmerOther  = quantity{"Wu-Palmer, other classes", func(p analysis.Percentile) *float64 { return p.WuPalmerOther }}
)

// byDifficulty draws quantities by the difficulty of negatives, from the hardest; nil if none exists.
func byDifficulty(id, title, up string, a *Analysis, zero bool, quantities ...quantity) *figure {
	plot := chart{
		id: id, title: title, height: percentileHeight, zero: zero,
		across: "negatives by difficulty, % from the hardest", up: up,
		intro: fmt.Sprintf("%s, by difficulty percentile of the negatives; mean over %s and their queries.", title, count(a.N, "seed")),
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
		hard, easy := fine(l.y[0]), fine(l.y[len(l.y)-1])
		l.note = ": " + hard + " to " + easy
		l.words = fmt.Sprintf("%s: %s among the hardest, %s among the easiest.", q.name, hard, easy)
		plot.lines = append(plot.lines, l)
	}
	return plot.figure()
}
