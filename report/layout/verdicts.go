package layout

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// contrastOf is a contrast with its claim, of which only the first row shows what belongs to all.
type contrastOf struct {
	model.Contrast
	claim model.Claim
	first bool
}

func nameOfContrast(x contrastOf) string { return words.Name(x.Contrast) }

// verdictTable has a row for each contrast of a kind, with columns that say what it is about; none without any.
func verdictTable(r *model.Report, kind func(*model.Claim) []model.Contrast, caption string, about ...Shows[contrastOf]) []Block {
	var all []contrastOf
	for _, c := range r.Claims {
		for i, x := range kind(&c) {
			all = append(all, contrastOf{x, c, i == 0})
		}
	}
	if len(all) == 0 {
		return nil
	}
	once := func(cell func(model.Claim) string) func(contrastOf) string {
		return func(x contrastOf) string {
			if !x.first {
				return ""
			}
			return cell(x.claim)
		}
	}
	columns := slices.Concat([]Shows[contrastOf]{
		Text("Claim", once(func(c model.Claim) string { return c.ID })),
		Text("Verdict", once(func(c model.Claim) string { return words.Label(c.Verdict, c.Machinery) })),
	}, about, []Shows[contrastOf]{
		Text("Asks", func(x contrastOf) string { return words.Asks(x.Contrast) }),
		Text("Found", func(x contrastOf) string { return words.Found(x.Contrast) }),
		Number("Seeds", func(x contrastOf) string { return fmt.Sprint(x.N) }),
		Number("p holds", once(func(c model.Claim) string { holds, _ := evidenceIn(&c, c.Corrected); return holds })),
		Number("p fails", once(func(c model.Claim) string { _, fails := evidenceIn(&c, c.Corrected); return fails })),
		Text("Source", once(sourceInShort)),
	})
	t := Tabulate(caption, all, columns...)
	for i, x := range all {
		if x.first {
			t.Rows[i].Link = "claim-" + x.claim.ID
		}
	}
	return []Block{t}
}

// evidenceIn spells the p values of a claim; those of 1 that stand for nothing measured are left out.
func evidenceIn(c *model.Claim, p model.PValues) (holds, fails string) {
	if !slices.ContainsFunc(c.Contrasts, func(x model.Contrast) bool { return x.P != nil }) {
		return words.Absent, words.Absent
	}
	return words.Probability(p.Support), words.Probability(p.Refute)
}

// sourceInShort names where a claim is from, and the footnotes on it.
func sourceInShort(c model.Claim) string {
	text := "notes"
	if c.Source.Verified {
		text = "paper"
	}
	for _, n := range c.Notes {
		text += fmt.Sprintf(" [%d]", n)
	}
	return text
}

// acrossBlocks show how verdicts depend on temperature, if any statement is tested at several: a table of all
// verdicts, and a sentence on each that differs.
func acrossBlocks(r *model.Report) []Block {
	if !slices.ContainsFunc(r.Across, func(row model.Across) bool { return len(row.At) > 1 }) {
		return nil
	}
	var temperatures []float64
	for _, row := range r.Across {
		for _, at := range row.At {
			if !slices.Contains(temperatures, at.Temperature) {
				temperatures = append(temperatures, at.Temperature)
			}
		}
	}
	columns := []Shows[model.Across]{Text("Claim", func(row model.Across) string { return row.Claim })}
	for _, temperature := range temperatures {
		columns = append(columns, Text(fmt.Sprintf("Temperature %g", temperature), func(row model.Across) string {
			for _, at := range row.At {
				if at.Temperature == temperature {
					return words.Label(at.Verdict, r.Tier.Machinery)
				}
			}
			return words.Absent
		}))
	}
	t := Tabulate("All verdicts, by temperature. Each temperature is a family of its own: its p values are corrected for the claims tested at it.", r.Across, columns...)
	blocks := []Block{t}
	for i, row := range r.Across {
		t.Rows[i].Link = "claim-" + row.Claim
		if row.Differs {
			blocks = append(blocks, Paragraph(row.Sentence))
		}
	}
	if len(blocks) == 1 {
		blocks = append(blocks, Paragraph("No verdict differs between temperatures."))
	}
	return blocks
}

// statisticTable says what each statistic that a claim rests on is; none without any.
func statisticTable(r *model.Report) []Block {
	var all []model.Contrast
	for _, c := range r.Claims {
		for _, x := range c.Observations() {
			if !slices.ContainsFunc(all, func(other model.Contrast) bool { return other.Statistic == x.Statistic }) {
				all = append(all, x)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return []Block{Tabulate("What the statistics measure.", all,
		Text("Statistic", func(x model.Contrast) string { return x.Statistic }),
		Text("Says", func(x model.Contrast) string { return x.Title }),
		Text("Unit", func(x model.Contrast) string { return x.Unit }))}
}
