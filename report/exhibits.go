package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/analysis"
)

// exhibits show what is behind the observations of a claim: what negatives of each difficulty are like, which
// images are consistently hard or easy, and some of them.
func exhibits(r *Report, c *Claim) (blocks []block) {
	for i := range r.Analyses {
		a := &r.Analyses[i]
		if !a.Final || a.Temperature != c.Temperature {
			continue
		}
		looksAt := func(ids ...string) bool {
			return slices.ContainsFunc(c.Contrasts, func(x Contrast) bool { return x.A == a.Arm && slices.Contains(ids, x.Statistic) })
		}
		id := fmt.Sprintf("claim-%s-%s", c.ID, a.Arm)
		semantic := looksAt(analysis.SameClassAUC, analysis.SemanticPath, analysis.SemanticWuPalmer, analysis.SemanticPathAll, analysis.SemanticWuPalmerAll)
		opposite := looksAt(analysis.AnticorrelatedShare, analysis.AnticorrelatedPath, analysis.AnticorrelatedWuPalmer, analysis.NegativeShare)
		if semantic {
			blocks = append(blocks, figures(
				byDifficulty(id+"-class", "Share of the query's class", "share of the negatives", a, false, sameClass, sameSuperclass),
				byDifficulty(id+"-meaning", "Similarity in meaning", "similarity in the class tree", a, false, pathAll, pathOther, wuPalmerAll, wuPalmerOther),
			)...)
			blocks = append(blocks, gallery(a, true)...)
		}
		if opposite {
			blocks = append(blocks, figures(
				byDifficulty(id+"-dot", "Dot product with the query", "dot product", a, true, dotProduct),
				byDifficulty(id+"-others", "Similarity in meaning, other classes", "similarity in the class tree", a, false, pathOther, wuPalmerOther),
			)...)
			blocks = append(blocks, gallery(a, false)...)
		}
		if semantic || opposite {
			blocks = append(blocks, block{Table: stretches(a, "the cuts of the paper and their mirror images", a.Cuts), Wide: true})
		}
		if looksAt(analysis.HardConsistency, analysis.EasyConsistency) {
			blocks = append(blocks, figures(
				histogram(id+"-hard", "How often images are hard negatives", "hardest", &a.Hard),
				histogram(id+"-easy", "How often images are easy negatives", "easiest", &a.Easy),
			)...)
			blocks = append(blocks, block{Table: consistencyTable(a)}, block{Facts: []fact{
				{Name: "Classes most consistently hard", Text: classesInWords(a.Hard)},
				{Name: "Classes most consistently easy", Text: classesInWords(a.Easy)},
			}}, block{Pictures: mostConsistent(a)})
		}
	}
	return blocks
}

// stretches shows what negatives in ranges of difficulty are like.
func stretches(a *Analysis, by string, ranges []analysis.Percentile) *table {
	t := &table{
		Caption: fmt.Sprintf("Negatives of %s at temperature %g by %s, 0%% being the hardest: dot product with the query, shares of its class and of other classes of its superclass, and similarity in the class tree.",
			a.Arm, a.Temperature, by),
		Head:    []string{"Negatives", "Dot", "Class", "Superclass", "Path", "Path, others", "Wu-Palmer", "Wu-Palmer, others"},
		Numbers: []bool{true, true, true, true, true, true, true, true},
	}
	for _, p := range ranges {
		row := []string{bandName(p.From, p.To), fine(p.Dot), percent(p.SameClass), percent(p.SameSuperclass)}
		for _, v := range []*float64{&p.Path, p.PathOther, &p.WuPalmer, p.WuPalmerOther} {
			row = append(row, fineOrAbsent(v))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// consistencyTable sets the tails of the counts and their stability beside chance.
func consistencyTable(a *Analysis) *table {
	t := &table{
		Caption: fmt.Sprintf("Counts of %d images over %d queries, %s at temperature %g: variance in excess of the binomial null's, shares of images beyond its 99.9%% and 0.1%% quantiles with what chance gives, and rank correlation of the counts between seeds.",
			a.Images, a.Queries, a.Arm, a.Temperature),
		Head:    []string{"Negatives", "Excess variance", "Above", "by chance", "Below", "by chance", "Stability"},
		Numbers: []bool{false, true, true, true, true, true, true},
	}
	for _, tail := range []struct {
		name, statistic string
		Consistency
	}{{"hardest", analysis.HardConsistency, a.Hard}, {"easiest", analysis.EasyConsistency, a.Easy}} {
		excess := absent
		if s := a.find(tail.statistic); s != nil {
			excess = fine(s.Mean)
		}
		t.Rows = append(t.Rows, []string{fmt.Sprintf("%s %.2g%%", tail.name, 100*tail.Rate), excess,
			percent(tail.Upper.Observed), percent(tail.Upper.Expected), percent(tail.Lower.Observed), percent(tail.Lower.Expected), fineOrAbsent(tail.Stability)})
	}
	return t
}

func classesInWords(c Consistency) string {
	var words []string
	for _, class := range c.Classes {
		words = append(words, fmt.Sprintf("%s (%.1f queries an image)", class.Class, class.Mean))
	}
	return strings.Join(words, ", ")
}

// seedTable has each seed's value of the observed statistics with its bootstrap interval, over classes of
// queries or over images, and its permutation p value.
func seedTable(r *Report, c *Claim) *table {
	t := &table{
		Caption: "Statistics of " + c.ID + " by seed, with the 90% bootstrap interval of each encoder (over classes of queries; for consistency over images) and the p value of its permutation null.",
		Head:    []string{"Statistic", "Seed", "Value", "Bootstrap interval", "Chance", "p"},
		Numbers: []bool{false, true, true, true, true, true},
	}
	for _, x := range observations(c) {
		found := false
		for i := range r.Analyses {
			a := &r.Analyses[i]
			s := a.find(x.Statistic)
			if !a.Final || a.Arm != x.A || a.Temperature != c.Temperature || s == nil {
				continue
			}
			for _, seed := range s.Seeds {
				found = true
				t.Rows = append(t.Rows, []string{against(x), fmt.Sprint(seed.Seed), fine(seed.Value), fine(seed.Low) + " to " + fine(seed.High), null(s.Null), permutationP(seed.Permutation)})
			}
		}
		if !found {
			t.Rows = append(t.Rows, []string{against(x), absent, absent, absent, absent, absent})
		}
	}
	return t
}

func permutationP(p *PValues) string {
	if p == nil {
		return absent
	}
	return probability(p.Support)
}

// analysesSection tells what embeddings show over training.
func analysesSection(r *Report) section {
	s := section{ID: "analyses", Level: 2, Title: "Difficulty and meaning over training"}
	all := courses(r)
	for _, c := range all {
		s.Blocks = append(s.Blocks, block{Table: courseTable(c)})
	}
	var drawn []*figure
	for _, definition := range analysis.All {
		drawn = append(drawn, courseFigure("course-"+definition.ID, definition.ID, all))
	}
	s.Blocks = append(s.Blocks, figures(drawn...)...)
	for i := range r.Analyses {
		if a := &r.Analyses[i]; a.Final {
			s.Blocks = append(s.Blocks, block{Table: stretches(a, "percentile", a.Percentiles), Detail: fmt.Sprintf("By percentile of difficulty: %s at temperature %g", a.Arm, a.Temperature)})
		}
	}
	return s
}

// courseTable has a column for each stage of training.
func courseTable(c course) *table {
	t := &table{
		Caption: fmt.Sprintf("%s at temperature %g: mean of each statistic after so many steps (0: as initialised), %s, what chance gives, and at the end the range of the seeds and the p value of the permutation null.",
			c.arm, c.temperature, count(c.stages[len(c.stages)-1].N, "seed")),
		Head: []string{"Statistic", "Chance"}, Numbers: []bool{false, true},
	}
	for _, a := range c.stages {
		t.Head, t.Numbers = append(t.Head, fmt.Sprintf("Step %d", a.Step)), append(t.Numbers, true)
	}
	t.Head, t.Numbers = append(t.Head, "Range", "p"), append(t.Numbers, true, true)
	last := c.stages[len(c.stages)-1]
	for _, definition := range analysis.All {
		row := []string{definition.ID, absent}
		exists := false
		for _, a := range c.stages {
			s := a.find(definition.ID)
			if s == nil {
				row = append(row, absent)
				continue
			}
			exists = true
			row[1] = null(s.Null)
			row = append(row, fine(s.Mean))
		}
		if !exists {
			continue
		}
		if s := last.find(definition.ID); s != nil {
			row = append(row, fine(s.Least)+" to "+fine(s.Most), permutationP(s.Permutation))
		} else {
			row = append(row, absent, absent)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
