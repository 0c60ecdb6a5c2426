package layout

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/embeddings"
	"github.com/cidbench/cidbench/report/words"
)

// Embeddings tells what was found in embeddings from files.
func Embeddings(r *embeddings.Result) Document {
	bands := append(slices.Clone(r.Bands), r.Chance)
	columns := []Shows[embeddings.Band]{
		Text("Negatives", func(b embeddings.Band) string {
			if b == r.Chance {
				return "all (chance)"
			}
			return words.Band(b.From, b.To)
		}),
		Number("Dot", func(b embeddings.Band) string { return words.Fine(b.Dot) }),
	}
	if r.Chance.SameClass != nil {
		columns = append(columns,
			Number("Same class", func(b embeddings.Band) string { return words.Maybe(b.SameClass, words.Percent) }),
			Number("Times chance", func(b embeddings.Band) string { return fmt.Sprintf("%.2f", *b.SameClass / *r.Chance.SameClass) }))
	}
	if r.Chance.Path != nil {
		columns = append(columns,
			Number("Path, others", func(b embeddings.Band) string { return words.Maybe(b.Path, words.Fine) }),
			Number("Wu-Palmer, others", func(b embeddings.Band) string { return words.Maybe(b.WuPalmer, words.Fine) }))
	}
	measured := slices.DeleteFunc(analysis.OfOne(), func(d analysis.Definition) bool {
		_, ok := r.Statistics[d.ID]
		return !ok
	})
	of := func(d analysis.Definition) analysis.Statistic { return r.Statistics[d.ID] }
	null := func(spell func(*analysis.Null) string) func(analysis.Definition) string {
		return func(d analysis.Definition) string {
			if of(d).Null == nil {
				return words.Absent
			}
			return spell(of(d).Null)
		}
	}
	s := Section{ID: "embeddings", Level: 1, Title: "Difficulty and meaning of negatives"}.with(
		Paragraph(fmt.Sprintf("%d rows of %d dimensions, %d classes, %d queries with %d negatives each. 0%% is the hardest negative, that with the largest dot product.",
			r.Rows, r.Dimensions, len(r.Classes), r.Queries, r.Negatives)),
		Tabulate("What negatives of a range of difficulty are like, mean over queries: their dot product with the query, and where classes are known the share of the query's class, and of those of other classes the similarity in the class tree.", bands, columns...),
		Tabulate("Each statistic with its 90% bootstrap interval, and what it is when what it measures is not there: mean and SD of the null's draws, and the chance of a value as large, and as small.", measured,
			Text("Statistic", func(d analysis.Definition) string { return d.ID }),
			Number("Value", func(d analysis.Definition) string { return words.Fine(of(d).Value) }),
			Number("90% interval", func(d analysis.Definition) string { return words.Fine(of(d).Low) + " to " + words.Fine(of(d).High) }),
			Number("Null", null(func(n *analysis.Null) string { return words.Fine(n.Mean) + " (SD " + words.Fine(n.SD) + ")" })),
			Number("p larger", null(func(n *analysis.Null) string { return words.Probability(n.PGreater) })),
			Number("p smaller", null(func(n *analysis.Null) string { return words.Probability(n.PLess) })),
			Text("It says that", func(d analysis.Definition) string { return d.Title })),
		Paragraph(extremes("hardest", r.Hard)), Paragraph(extremes("easiest", r.Easy)))
	if len(r.Hardest) > 0 {
		s = s.with(Tabulate(fmt.Sprintf("The negatives of the queue that are among the hardest %s of the most queries, by their place in it, from 0, and the most frequent class among the %d rows nearest to each.", words.Fraction(r.Hard.Rate), embeddings.Nearest), r.Hardest,
			Number("Negative", func(n embeddings.Negative) string { return fmt.Sprint(n.Index) }),
			Number("Hard for", func(n embeddings.Negative) string { return words.Percent(n.Hard) }),
			Text("Class", func(n embeddings.Negative) string { return cmp.Or(words.OneLine(n.Class), words.Absent) }),
			Text("Nearest rows", func(n embeddings.Negative) string { return fmt.Sprintf("%d of %s", n.NearRows, words.OneLine(n.Near)) })))
	}
	notes := slices.Clone(r.Notes)
	missing := map[string][]string{} // by reason
	for _, id := range slices.Sorted(maps.Keys(r.Absent)) {
		missing[r.Absent[id]] = append(missing[r.Absent[id]], id)
	}
	for _, reason := range slices.Sorted(maps.Keys(missing)) {
		notes = append(notes, fmt.Sprintf("Not computed, since %s: %s.", reason, strings.Join(missing[reason], ", ")))
	}
	s = s.with(List(notes))
	facts := Facts{{Name: "protocol", Text: r.Protocol, Code: true}}
	for _, in := range r.Inputs {
		facts = append(facts, Fact{Name: in.Role, Text: fmt.Sprintf("%s %s", words.OneLine(in.Name), in.Digest), Code: true})
	}
	if r.TreeDigest != "" {
		facts = append(facts, Fact{Name: "class tree", Text: r.TreeDigest, Code: true})
	}
	return Document{s.with(facts)}
}

func extremes(end string, c analysis.Consistency) string {
	return fmt.Sprintf("%s of the negatives are among the %s %s of more queries than 99.9%% would be by chance (expected %s), and %s of fewer than 99.9%% would be (expected %s).",
		words.Percent(c.Upper.Observed), end, words.Fraction(c.Rate), words.Percent(c.Upper.Expected), words.Percent(c.Lower.Observed), words.Percent(c.Lower.Expected))
}
