package layout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// Report lays out a report.
func Report(r *model.Report) Document {
	d := Document{overview(r), {ID: "claims", Level: 2, Title: "Claims"}}
	for i := range r.Claims {
		d = append(d, claimSection(r, &r.Claims[i]))
	}
	for i := range r.Sweeps {
		d = append(d, sweepSection(r, &r.Sweeps[i]))
	}
	d = append(d, armsSection(r), bandsSection(r))
	if len(r.Analyses) > 0 {
		d = append(d, Analyses(r))
	}
	d = append(d, provenanceSection(r), methodSection(r))
	if len(r.Notes) > 0 {
		d = append(d, Section{ID: "notes", Level: 2, Title: "Notes", Blocks: []Block{List(r.Notes)}})
	}
	return d
}

func methodSection(r *model.Report) Section {
	list := List{
		"Accuracy is that of the linear probe on the test images, in points (percent of images). Differences are paired by seed, " +
			"and their intervals are Student's t over seeds.",
		fmt.Sprintf("The ends of a %s interval are two one-sided %s bounds. On its own, a contrast is supported if its interval lies wholly on the side it asks for, "+
			"and refuted if wholly on the other; an equivalence is refuted only if its %s interval lies wholly outside. A difference that is not significant supports nothing.", words.Confidence(r.Level), words.Confidence(1-r.Alpha), words.Confidence(1-r.Alpha)),
		"A claim with several contrasts is supported only if all hold: its p value is the largest (intersection-union). " +
			"It is refuted if one fails: its p value is the smallest times their number (Bonferroni).",
		fmt.Sprintf("p values are corrected so that any wrong verdict among the claims of this report at one temperature has a probability of at most %s; "+
			"the tier's temperature is the paper's setting, and asking whether claims hold at another does not make it harder to show them there. "+
			"Judged alone, by the command given with it, a claim is not corrected for the others, so its verdict may be surer than here.", words.Confidence(model.TotalAlpha)),
		"A claim is inconclusive, whatever its numbers, if a run is missing or failed, if a metric is not a number, if there are fewer seeds than it asks for, " +
			"or if its arms differ in anything but the declared rules or features.",
		"What encoders show is measured on their embeddings of training images, each a negative of each query, at the end of training. A statistic must exceed chance in two ways: " +
			"over seeds, as above, and against its permutation null. The seeds share their permutations, so their p values are combined as twice their mean, which holds whatever the dependence; " +
			"the larger of the two p values counts.",
		"Intervals cover the choice of seed. They do not cover the choice of test images, which all runs share, nor of data set, architecture or implementation.",
		"Losses of arms with different numbers of negatives are not comparable: InfoNCE grows with the logarithm of that number.",
	}
	if r.Looks != nil {
		list = append(list, words.LooksMethod(r))
	}
	return Section{ID: "method", Level: 2, Title: "How to read this", Blocks: []Block{list}}
}

func provenanceSection(r *model.Report) Section {
	p := r.Provenance
	facts := Facts{
		{Name: "Evidence digest", Text: string(p.Evidence), Code: true},
		{Name: "Command", Text: p.Command, Code: true},
		{Name: "Rests on", Text: fmt.Sprintf("%s and %s", words.Count(p.Used-p.Analyses, "run"), analysesInWords(p.Analyses))},
		{Name: "Keys", Text: keys(p)},
		{Name: "Wall time", Text: fmt.Sprintf("%.2f hours, summed over runs and analyses", p.WallHours)},
		{Name: "Energy", Text: energy(p)},
		{Name: "Data", Text: fmt.Sprintf("%s, %d test images", r.Tier.Dataset, r.Tier.TestImages)},
		{Name: "Training", Text: fmt.Sprintf("%s, %d steps of %d images, %d negatives a query, temperature %g", r.Tier.Method, r.Tier.Steps, r.Tier.Batch, r.Tier.Negatives, r.Tier.Temperature)},
	}
	for _, c := range p.Code {
		of := words.Count(c.Runs, "run")
		if c.Analyses {
			of = analysesInWords(c.Runs)
		}
		facts = append(facts, Fact{Name: "Code digest", Text: fmt.Sprintf("%s (%s)", c.Digest, of)})
	}
	for _, c := range p.Sources {
		facts = append(facts, Fact{Name: "Build", Text: fmt.Sprintf("%s, commit %s (%d of %d)", c.Tool, words.Commit(c), c.Runs, p.Used)})
	}
	for _, m := range p.Machines {
		facts = append(facts, Fact{Name: "Machine", Text: fmt.Sprintf("%s, %s, backend %s (%d of %d)", words.Machine(m), m.Go, m.Backend, m.Runs, p.Used)})
	}
	return Section{ID: "provenance", Level: 2, Title: "Provenance", Blocks: []Block{facts}}
}

// keys says how runs got their names.
func keys(p model.Provenance) string {
	if p.Carried == 0 {
		return "every run and analysis was made under the key that it has"
	}
	return fmt.Sprintf("%d of %d runs and analyses were made under an earlier scheme of keys: they got another name since, and nothing else of them changed", p.Carried, p.Used)
}

func analysesInWords(n int) string {
	if n == 1 {
		return "1 analysis"
	}
	return fmt.Sprintf("%d analyses", n)
}

func energy(p model.Provenance) string {
	if p.KilowattHours == nil {
		return "not known: no counter could be read"
	}
	text := fmt.Sprintf("%.3f kWh of the processors", *p.KilowattHours)
	if p.Metered < p.Used {
		text += fmt.Sprintf(", of %d of %d runs and analyses: the others could read no counter", p.Metered, p.Used)
	}
	return text
}

func overview(r *model.Report) Section {
	t := r.Tier
	s := Section{ID: "top", Level: 1, Title: fmt.Sprintf("The claims of %q, tested", r.Paper.Title)}
	s.Blocks = append(s.Blocks, Paragraph(r.Paper.Authors+"; "+strings.TrimPrefix(r.Paper.Link, "https://")), Alert(words.Caveat(t)), Paragraph(tallyInWords(r)))
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
	seeds := words.Count(r.Tier.Seeds, "seed") + " each"
	if r.Looks != nil {
		seeds = words.Looks(r)
	}
	text := fmt.Sprintf("%s: %s; %s.", words.Count(len(r.Claims), "claim"), words.Tally(r.Tally), seeds)
	if n := r.Tally.NotAsAsked; n > 0 {
		text += fmt.Sprintf(" Of %s the stored runs are not those that the catalogue asks for; the reasons name what differs.", words.Count(n, "claim"))
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
