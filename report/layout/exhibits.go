package layout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// exhibits show what is behind the observations of a claim: what negatives of each difficulty are like, which
// images are consistently hard or easy, and some of them.
func exhibits(r *model.Report, c *model.Claim) (blocks []Block) {
	for i := range r.Analyses {
		a := &r.Analyses[i]
		if !a.Final || a.Temperature != c.Temperature {
			continue
		}
		looksAt := func(ids ...string) bool {
			return slices.ContainsFunc(c.Contrasts, func(x model.Contrast) bool { return x.A == a.Arm && slices.Contains(ids, x.Statistic) })
		}
		id := fmt.Sprintf("claim-%s-%s", c.ID, a.Arm)
		semantic := looksAt(analysis.SameClassAUC, analysis.SemanticPath, analysis.SemanticWuPalmer, analysis.SemanticPathAll, analysis.SemanticWuPalmerAll)
		opposite := looksAt(analysis.AnticorrelatedShare, analysis.AnticorrelatedPath, analysis.AnticorrelatedWuPalmer, analysis.NegativeShare)
		if semantic {
			blocks = append(blocks, figures(
				figure.ByDifficulty(id+"-class", "Share of the query's class", "share of the negatives", a, false, figure.SameClass, figure.SameSuperclass),
				figure.ByDifficulty(id+"-meaning", "Similarity in meaning", "similarity in the class tree", a, false, figure.PathAll, figure.PathOther, figure.WuPalmerAll, figure.WuPalmerOther),
			)...)
			blocks = append(blocks, gallery(a, true)...)
		}
		if opposite {
			blocks = append(blocks, figures(
				figure.ByDifficulty(id+"-dot", "Dot product with the query", "dot product", a, true, figure.DotProduct),
				figure.ByDifficulty(id+"-others", "Similarity in meaning, other classes", "similarity in the class tree", a, false, figure.PathOther, figure.WuPalmerOther),
			)...)
			blocks = append(blocks, gallery(a, false)...)
		}
		if semantic || opposite {
			blocks = append(blocks, wide(stretches(a, "the cuts of the paper and their mirror images", a.Cuts)))
		}
		if looksAt(analysis.HardConsistency, analysis.EasyConsistency) {
			blocks = append(blocks, figures(
				figure.Histogram(id+"-hard", "How often images are hard negatives", "hardest", &a.Hard),
				figure.Histogram(id+"-easy", "How often images are easy negatives", "easiest", &a.Easy),
			)...)
			blocks = append(blocks, consistencyTable(a), Facts{
				{Name: "Classes most consistently hard", Text: classesInWords(a.Hard)},
				{Name: "Classes most consistently easy", Text: classesInWords(a.Easy)},
			}, mostConsistent(a))
		}
	}
	return blocks
}

// tail is one end of the negatives by difficulty.
type tail struct {
	name, statistic string
	model.Consistency
}

// consistencyTable sets the tails of the counts and their stability beside chance.
func consistencyTable(a *model.Analysis) *Table {
	return Tabulate(fmt.Sprintf("Counts of %d images over %d queries, %s at temperature %g: variance in excess of the binomial null's, shares of images beyond its 99.9%% and 0.1%% quantiles with what chance gives, and rank correlation of the counts between seeds.",
		a.Images, a.Queries, a.Arm, a.Temperature),
		[]tail{{"hardest", analysis.HardConsistency, a.Hard}, {"easiest", analysis.EasyConsistency, a.Easy}},
		Text("Negatives", func(t tail) string { return fmt.Sprintf("%s %.2g%%", t.name, 100*t.Rate) }),
		Number("Excess variance", func(t tail) string {
			if s := a.Find(t.statistic); s != nil {
				return words.Fine(s.Mean)
			}
			return words.Absent
		}),
		Number("Above", func(t tail) string { return words.Percent(t.Upper.Observed) }),
		Number("by chance", func(t tail) string { return words.Percent(t.Upper.Expected) }),
		Number("Below", func(t tail) string { return words.Percent(t.Lower.Observed) }),
		Number("by chance", func(t tail) string { return words.Percent(t.Lower.Expected) }),
		Number("Stability", func(t tail) string { return words.FineOrAbsent(t.Stability) }))
}

func classesInWords(c model.Consistency) string {
	var said []string
	for _, class := range c.Classes {
		said = append(said, fmt.Sprintf("%s (%.1f queries an image)", class.Class, class.Mean))
	}
	return strings.Join(said, ", ")
}
