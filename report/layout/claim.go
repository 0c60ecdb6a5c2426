package layout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

func claimSection(r *model.Report, c *model.Claim) Section {
	id := "claim-" + c.ID
	s := Section{ID: id, Level: 3, Title: c.ID + ": " + words.Label(c.Verdict, c.Machinery), Link: words.Mark(c.Verdict) + " " + c.ID}
	if c.Machinery {
		s.Link += " (meaningless)"
	}
	s.Blocks = []Block{Quote(c.Statement), claimFacts(r, c), contrastTable(r, c)}
	drawn := []*figure.Figure{
		figure.Forest(id+"-forest", "Difference of accuracy for "+c.ID, r.Level, []model.Claim{*c}),
		figure.Observed(id+"-observed", "Statistics of "+c.ID+" beyond chance", r.Level, []model.Claim{*c}),
	}
	if len(c.AccuracyContrasts()) > 0 {
		drawn = append(drawn, figure.Curves(id+"-curve", "Accuracy during training for "+c.ID, c, r.Arms))
	}
	s.Blocks = append(s.Blocks, figures(drawn...)...)
	if len(c.Beside) > 0 {
		s.Blocks = append(s.Blocks, effectTable(r, c))
		for _, e := range c.Explained {
			s.Blocks = append(s.Blocks, Paragraph(explainedInWords(r, e)))
		}
	}
	if len(c.Observations()) > 0 {
		s.Blocks = append(s.Blocks, valueTable(r, c))
	}
	s.Blocks = append(s.Blocks, exhibits(r, c)...)
	for i := range r.Sweeps {
		if sweep := &r.Sweeps[i]; c.StandsIn(sweep) {
			s.Blocks = append(s.Blocks, folded(sweep.Title, figures(figure.Fractions(id+"-"+sweep.ID, sweep, r, c.Places)))...)
		}
	}
	s.Blocks = append(s.Blocks, folded("Loss, alignment and uniformity during training", figures(
		figure.Progress(id+"-loss", "Loss during training for "+c.ID, "InfoNCE, nats", c, r.Arms, func(p bench.ProgressPoint) float64 { return p.Loss }),
		figure.Progress(id+"-alignment", "Alignment during training for "+c.ID, "squared distance of query and key", c, r.Arms, func(p bench.ProgressPoint) float64 { return p.Alignment }),
		figure.Progress(id+"-uniformity", "Uniformity during training for "+c.ID, "log mean Gaussian potential, lower is more uniform", c, r.Arms, func(p bench.ProgressPoint) float64 { return p.Uniformity }),
	))...)
	if len(c.AccuracyContrasts()) > 0 {
		s.Blocks = append(s.Blocks, Folded{"Accuracy by seed", pairTable(c)})
	}
	return s.with(Folded{"Runs", runTable(c)})
}

func claimFacts(r *model.Report, c *model.Claim) Facts {
	source := c.Source.Where + ". The paper's own text was read."
	if !c.Source.Verified {
		source = c.Source.Where + ". Not verified: this rests on other people's notes, not on the paper's own text."
	}
	conditions := []string{fmt.Sprintf("temperature %g", c.Temperature)}
	if c.Probe != "" {
		conditions = append(conditions, "probe "+c.Probe)
	}
	if len(c.Observations()) > 0 {
		conditions = append(conditions, "protocol "+r.Tier.Analysis)
	}
	if c.Exploratory {
		conditions = append(conditions, "exploratory: the other claims are not corrected for it")
	}
	conditions = append(conditions, "tier "+r.Tier.ID, "at least "+words.Count(c.MinSeeds, "seed"))
	facts := Facts{
		{Name: "Why", Text: c.Reason},
		{Name: "Paper reports", Text: c.Target},
		{Name: "Source", Text: source},
		{Name: "Our choice", Text: c.Source.Ours},
		{Name: "Conditions", Text: strings.Join(conditions, ", ")},
		{Name: "Arms", Text: armsInWords(r, c)},
	}
	if len(c.Controls) > 0 {
		facts = append(facts, Fact{Name: "Controls", Text: strings.Join(c.Controls, ", ")})
	}
	if holds, fails := evidenceIn(c, c.Raw); holds != words.Absent {
		correctedHolds, correctedFails := evidenceIn(c, c.Corrected)
		facts = append(facts, Fact{Name: "p values", Text: fmt.Sprintf("holds %s, fails %s; corrected for %s: holds %s, fails %s",
			holds, fails, words.Count(c.FamilySize, "claim"), correctedHolds, correctedFails)})
	}
	for _, row := range r.Across {
		if row.Differs && slices.ContainsFunc(row.At, func(at model.AtTemperature) bool { return at.Claim == c.ID }) {
			facts = append(facts, Fact{Name: "By temperature", Text: row.Sentence})
		}
	}
	for _, sweep := range r.Sweeps {
		if c.StandsIn(&sweep) {
			facts = append(facts, Fact{Name: "See also", Text: sweep.Title, Link: "sweep-" + sweep.ID})
		}
	}
	for _, n := range c.Notes {
		facts = append(facts, Fact{Name: fmt.Sprintf("Note [%d]", n), Text: r.Notes[n-1]})
	}
	return append(facts, Fact{Name: "Reproduce", Text: c.Reproduce, Code: true})
}

// armsInWords says which negatives the contrasted arms see.
func armsInWords(r *model.Report, c *model.Claim) string {
	var said []string
	for _, x := range c.Contrasts {
		for _, id := range []string{x.A, x.B} {
			i := slices.IndexFunc(r.Arms, func(a model.Arm) bool { return a.ID == id })
			if i < 0 {
				continue // chance
			}
			if text := fmt.Sprintf("%s (%s)", id, r.Arms[i].Rules); !slices.Contains(said, text) {
				said = append(said, text)
			}
		}
	}
	return strings.Join(said, ", ")
}

func explainedInWords(r *model.Report, e model.Explained) string {
	if e.Share == nil {
		return fmt.Sprintf("How much of the effect of %s is that of %s cannot be said: %s.", e.Whole, e.Part, e.Why)
	}
	return fmt.Sprintf("%s alone has %.0f%% of the effect of %s (%s interval %.0f%% to %.0f%%, Fieller).", e.Part, 100*e.Share.Estimate, e.Whole, words.Confidence(r.Level), 100*e.Share.Low, 100*e.Share.High)
}

func contrastTable(r *model.Report, c *model.Claim) *Table {
	caption := "Contrasts of " + c.ID + ", all of which must hold, in points."
	name, first, second, difference := "Contrast", "First", "Second", "Difference"
	if len(c.Observations()) > 0 {
		caption = "What " + c.ID + " asks for, all of which must hold: each statistic in its own unit."
		name, first, second, difference = "Statistic", "Mean", "Chance", "Beyond chance"
	}
	return wide(Tabulate(caption, c.Contrasts,
		Text(name, words.Name),
		Text("Asks", words.Asks),
		Number(first, func(x model.Contrast) string { return words.Amount(x, x.MeanA) }),
		Number(second, func(x model.Contrast) string {
			if x.Statistic != "" {
				return words.Chance(x)
			}
			return words.Amount(x, x.MeanB)
		}),
		Number(difference, words.Estimate),
		Number(words.Confidence(r.Level)+" interval", words.Interval),
		Number("Seeds", func(x model.Contrast) string { return fmt.Sprint(x.N) }),
		Number("p holds", func(x model.Contrast) string { return words.Maybe(x.P, words.Holds) }),
		Number("p fails", func(x model.Contrast) string { return words.Maybe(x.P, words.Fails) }),
		Text("On its own", func(x model.Contrast) string { return words.Label(x.Alone, c.Machinery) })))
}

// effectTable shows the arms of a claim beside each other, against the baseline.
func effectTable(r *model.Report, c *model.Claim) *Table {
	return Tabulate(fmt.Sprintf("Controls beside the contrasts: what each arm gains or loses against %s, in points, paired by seed.", c.Beside[0].Baseline), c.Beside,
		Text("Arm", func(e model.Effect) string { return e.Arm }),
		Text("Negatives", func(e model.Effect) string { return e.Rules }),
		Number("Difference", func(e model.Effect) string { return words.Estimate(model.Contrast{Difference: e.Difference}) }),
		Number(words.Confidence(r.Level)+" interval", func(e model.Effect) string { return words.Interval(model.Contrast{Difference: e.Difference}) }),
		Number("Seeds", func(e model.Effect) string { return fmt.Sprint(e.N) }))
}

// seedOf is a contrast at a seed: what is there of it, nil where nothing is.
type seedOf[T any] struct {
	contrast model.Contrast
	of       *T
}

// seedTable has a row for each seed of the contrasts, and one for a contrast without any.
func seedTable[T any](caption, name string, contrasts []model.Contrast, of func(model.Contrast) []T, columns ...Shows[T]) *Table {
	var all []seedOf[T]
	for _, x := range contrasts {
		seeds := of(x)
		for i := range seeds {
			all = append(all, seedOf[T]{x, &seeds[i]})
		}
		if len(seeds) == 0 {
			all = append(all, seedOf[T]{x, nil})
		}
	}
	shown := []Shows[seedOf[T]]{Text(name, func(x seedOf[T]) string { return words.Name(x.contrast) })}
	for _, c := range columns {
		shown = append(shown, Shows[seedOf[T]]{c.Column, func(x seedOf[T]) string { return words.Maybe(x.of, c.Cell) }})
	}
	return Tabulate(caption, all, shown...)
}

func pairTable(c *model.Claim) *Table {
	return seedTable("Accuracy of "+c.ID+" by seed, in points.", "Contrast", c.AccuracyContrasts(), func(x model.Contrast) []model.Pair { return x.Pairs },
		Number("Seed", func(p model.Pair) string { return fmt.Sprint(p.Seed) }),
		Number("First", func(p model.Pair) string { return words.Plain(p.A) }),
		Number("Second", func(p model.Pair) string { return words.Plain(p.B) }),
		Number("Difference", func(p model.Pair) string { return words.Signed(p.Difference) }))
}

// valueTable has each seed's value of the observed statistics with its bootstrap interval, over classes of
// queries or over images, and its permutation p value.
func valueTable(r *model.Report, c *model.Claim) *Table {
	type value struct {
		model.SeedValue
		null *float64
	}
	values := func(x model.Contrast) (all []value) {
		for _, a := range r.Analyses {
			if s := a.Find(x.Statistic); s != nil && a.Final && a.Arm == x.A && a.Temperature == c.Temperature {
				for _, v := range s.Seeds {
					all = append(all, value{v, s.Null})
				}
			}
		}
		return all
	}
	return wide(seedTable("Statistics of "+c.ID+" by seed, with the 90% bootstrap interval of each encoder (over classes of queries; for consistency over images) and the p value of its permutation null.",
		"Statistic", c.Observations(), values,
		Number("Seed", func(v value) string { return fmt.Sprint(v.Seed) }),
		Number("Value", func(v value) string { return words.Fine(v.Value) }),
		Number("Bootstrap interval", func(v value) string { return words.Fine(v.Low) + " to " + words.Fine(v.High) }),
		Number("Chance", func(v value) string { return words.Null(v.null) }),
		Number("p", func(v value) string { return words.Maybe(v.Permutation, words.Holds) })))
}

func runTable(c *model.Claim) *Table {
	t := Tabulate("Runs and analyses behind "+c.ID+", with the digests of their manifests.", c.Runs,
		Text("Arm", func(run model.RunRef) string { return run.Arm }),
		Number("Seed", func(run model.RunRef) string { return fmt.Sprint(run.Seed) }),
		Text("Run", func(run model.RunRef) string { return run.Run }),
		Text("Manifest", func(run model.RunRef) string { return string(run.Manifest) }))
	if len(c.Runs) == 0 {
		t.Rows = []Row{{Cells: []string{"none", words.Absent, words.Absent, words.Absent}}}
	}
	return t
}
