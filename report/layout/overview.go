package layout

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

func overview(r *model.Report) Section {
	t := r.Tier
	s := Section{ID: "top", Level: 1, Title: fmt.Sprintf("The claims of %q, tested", r.Paper.Title)}
	warning := fmt.Sprintf("Tier %s (%s): %s", t.ID, t.Title, t.Caveat)
	if t.Machinery {
		warning = words.MachineryOnly + warning
	}
	s.Blocks = append(s.Blocks, Alert(warning), Paragraph(tallyInWords(r)))
	if missing := t.RunsMissing + t.RunsFailed; missing > 0 {
		s.Blocks = append(s.Blocks, Paragraph(fmt.Sprintf("%s complete, %d failed or unusable, %d not run.",
			words.Count(t.RunsPresent, "run"), t.RunsFailed, t.RunsMissing)))
	}
	s.Blocks = append(s.Blocks, acrossBlocks(r)...)
	s.Blocks = append(s.Blocks, verdictTable(r, (*model.Claim).AccuracyContrasts,
		fmt.Sprintf("Claims about accuracy: differences in points, with %s intervals; p values corrected for the claims at the same temperature. Source: the paper's own text or other people's notes, and footnotes.", words.Confidence(r.Level)),
		Text("Contrast", nameOfContrast))...)
	s.Blocks = append(s.Blocks, figures(byTemperature(r, func(id, temperature string, claims []model.Claim) *figure.Figure {
		return figure.Forest("forest"+id, "Differences of accuracy by contrast, "+temperature, r.Level, claims, r.Claims...)
	})...)...)
	s.Blocks = append(s.Blocks, verdictTable(r, (*model.Claim).Observations,
		fmt.Sprintf("Claims about what encoders show: each statistic in its own unit, found beyond chance, with %s intervals; p values corrected likewise.", words.Confidence(r.Level)),
		Text("Statistic", nameOfContrast),
		Number("Mean", func(x contrastOf) string { return words.Amount(x.Of, x.Of.MeanA) }),
		Number("Chance", func(x contrastOf) string { return words.Chance(x.Of) }))...)
	s.Blocks = append(s.Blocks, figures(byTemperature(r, func(id, temperature string, claims []model.Claim) *figure.Figure {
		return figure.Observed("observed"+id, "Statistics beyond chance, "+temperature, r.Level, claims)
	})...)...)
	return s.with(folded("What the statistics are", statisticTable(r))...)
}

// temperatures at which the claims are tested, in their order.
func temperatures(r *model.Report) (all []float64) {
	for _, c := range r.Claims {
		if !slices.Contains(all, c.Temperature) {
			all = append(all, c.Temperature)
		}
	}
	return all
}

// byTemperature draws the claims of each temperature on their own.
func byTemperature(r *model.Report, draw func(id, temperature string, claims []model.Claim) *figure.Figure) (drawn []*figure.Figure) {
	for _, temperature := range temperatures(r) {
		others := func(c model.Claim) bool { return c.Temperature != temperature }
		drawn = append(drawn, draw(fmt.Sprintf("-%g", temperature), fmt.Sprintf("temperature %g", temperature), slices.DeleteFunc(slices.Clone(r.Claims), others)))
	}
	return drawn
}

func tallyInWords(r *model.Report) string {
	t := r.Tally
	seeds := words.Count(r.Tier.Seeds, "seed") + " each"
	if r.Looks != nil {
		seeds = words.Looks(r)
	}
	text := fmt.Sprintf("%s: %d supported, %d refuted, %d inconclusive, %d with nothing to judge; %s.",
		words.Count(len(r.Claims), "claim"), t.Supported, t.Refuted, t.Inconclusive, t.NothingToJudge, seeds)
	if t.NotAsAsked > 0 {
		text += fmt.Sprintf(" Of %s the stored runs are not those that the catalogue asks for; the reasons name what differs.", words.Count(t.NotAsAsked, "claim"))
	}
	if r.Tier.Machinery {
		text += " None of these verdicts means anything for science."
	}
	return text
}

type contrastOf = Member[model.Claim, model.Contrast]

func nameOfContrast(x contrastOf) string { return words.Name(x.Of) }

// verdictTable has a row for each contrast of a kind, with columns that say what it is about; none without any.
func verdictTable(r *model.Report, kind func(*model.Claim) []model.Contrast, caption string, about ...Shows[contrastOf]) []Block {
	all, once := Members(r.Claims, kind), Once[model.Claim, model.Contrast]
	if len(all) == 0 {
		return nil
	}
	columns := slices.Concat([]Shows[contrastOf]{
		Text("Claim", once(func(c model.Claim) string { return c.ID })),
		Text("Verdict", once(func(c model.Claim) string { return words.Label(c.Verdict, c.Machinery) })),
	}, about, []Shows[contrastOf]{
		Text("Asks", func(x contrastOf) string { return words.Asks(x.Of) }),
		Text("Found", func(x contrastOf) string { return words.Found(x.Of) }),
		Number("Seeds", func(x contrastOf) string { return fmt.Sprint(x.Of.N) }),
		Number("p holds", once(func(c model.Claim) string { holds, _ := evidenceIn(&c, c.Corrected); return holds })),
		Number("p fails", once(func(c model.Claim) string { _, fails := evidenceIn(&c, c.Corrected); return fails })),
		Text("Source", once(sourceInShort)),
	})
	t := Tabulate(caption, all, columns...)
	for i, x := range all {
		if x.First {
			t.Rows[i].Link = "claim-" + x.Group.ID
		}
	}
	return []Block{t}
}

// evidenceIn spells the p values of a claim; those of 1 that stand for nothing measured are left out.
func evidenceIn(c *model.Claim, p stats.Evidence) (holds, fails string) {
	if !slices.ContainsFunc(c.Contrasts, func(x model.Contrast) bool { return x.P != nil }) {
		return words.Absent, words.Absent
	}
	return words.Holds(p), words.Fails(p)
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
	columns := []Shows[model.Across]{Text("Claim", func(row model.Across) string { return row.Claim })}
	for _, temperature := range temperatures(r) {
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
