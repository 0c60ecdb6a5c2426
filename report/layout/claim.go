package layout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// Claims is all that a report says of its claims, a section each, and no more.
func Claims(r *model.Report) (d Document) {
	for i := range r.Claims {
		d = append(d, claimSection(r, &r.Claims[i]))
	}
	return d
}

func claimSection(r *model.Report, c *model.Claim) Section {
	id := "claim-" + c.ID
	s := Section{ID: id, Level: 3, Title: c.ID + ": " + words.Standing(*c), Link: words.Mark(c.Verdict) + " " + c.ID}
	if c.Machinery {
		s.Link += " (meaningless)"
	}
	s.Blocks = []Block{Quote(c.Statement), claimFacts(r, c), contrastTable(c)}
	drawn := []*figure.Figure{
		figure.Forest(id+"-forest", "Difference for "+c.ID+", in % of the gain", []model.Claim{*c}),
		figure.Observed(id+"-observed", "Statistics of "+c.ID, []model.Claim{*c}),
	}
	if len(c.AccuracyContrasts()) > 0 {
		drawn = append(drawn, figure.Curves(id+"-curve", "Accuracy during training for "+c.ID, c, r.Arms))
	}
	s.Blocks = append(s.Blocks, figures(drawn...)...)
	if len(c.Beside) > 0 {
		s.Blocks = append(s.Blocks, effectTable(c))
		for _, e := range c.Explained {
			s.Blocks = append(s.Blocks, Paragraph(explainedInWords(e)))
		}
	}
	if t := valueTable(r, c); len(t.Rows) > 0 {
		s.Blocks = append(s.Blocks, t)
	}
	s.Blocks = append(s.Blocks, exhibits(r, c)...)
	for i := range r.Sweeps {
		if sweep := &r.Sweeps[i]; c.StandsIn(sweep) {
			s.Blocks = append(s.Blocks, folded(sweep.Title, figures(fractions(id+"-"+sweep.ID, sweep, r, c.Places)))...)
		}
	}
	s.Blocks = append(s.Blocks, folded("Loss, alignment and uniformity during training", figures(
		figure.Progress(id+"-loss", "Loss during training for "+c.ID, "InfoNCE, nats", c, r.Arms, func(p bench.ProgressPoint) float64 { return p.Loss }),
		figure.Progress(id+"-alignment", "Alignment during training for "+c.ID, "squared distance of query and key", c, r.Arms, func(p bench.ProgressPoint) float64 { return p.Alignment }),
		figure.Progress(id+"-uniformity", "Uniformity during training for "+c.ID, "log mean Gaussian potential, lower is more uniform", c, r.Arms, func(p bench.ProgressPoint) float64 { return p.Uniformity }),
	))...)
	return s.with(Folded{"By seed", pairTable(c)}, Folded{"Runs", runTable(c)})
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
	conditions = append(conditions, "tier "+r.Tier.ID, "at least "+words.Count(c.MinSeeds, "seed"))
	facts := Facts{
		{Name: "Why", Text: c.Reason},
		{Name: "Role", Text: words.RoleInFull(*c, r)},
	}
	if c.Looks > 0 {
		facts = append(facts, Fact{Name: "Judged at", Text: words.Judging(*c)})
	}
	for _, x := range c.Contrasts {
		if text := words.Recovered(x, r.Gain); text != "" {
			facts = append(facts, Fact{Name: "Recovered", Text: text})
		}
	}
	if c.Assay != nil {
		facts = append(facts, Fact{Name: "Assay", Text: words.Assay(*c)})
	}
	if c.Specific != nil {
		facts = append(facts, Fact{Name: "Specificity", Text: words.Specificity(*c)})
	}
	if c.Need != nil {
		facts = append(facts, Fact{Name: "Needed", Text: words.Need(*c)})
	}
	facts = append(facts, Facts{
		{Name: "Paper reports", Text: c.Target},
		{Name: "Source", Text: source},
		{Name: "Our choice", Text: c.Source.Ours},
		{Name: "Conditions", Text: strings.Join(conditions, ", ")},
		{Name: "Arms", Text: armsInWords(r, c)},
	}...)
	if len(c.Controls) > 0 {
		facts = append(facts, Fact{Name: "Controls", Text: strings.Join(c.Controls, ", ")})
	}
	if judged(*c) {
		facts = append(facts, Fact{Name: "p values", Text: fmt.Sprintf("holds %s, fails %s", holds(*c), fails(*c))})
	}
	for _, row := range r.Across {
		if row.Sentence != "" && slices.ContainsFunc(row.At, func(at model.AtTemperature) bool { return at.Claim == c.ID }) {
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
	for _, p := range parts(c) {
		for _, id := range []string{p.A, p.B} {
			i := slices.IndexFunc(r.Arms, func(a model.Arm) bool { return a.ID == id })
			if i < 0 {
				continue // chance, or a line of a sweep
			}
			if text := fmt.Sprintf("%s (%s)", id, r.Arms[i].Rules); !slices.Contains(said, text) {
				said = append(said, text)
			}
		}
	}
	return strings.Join(said, ", ")
}

func explainedInWords(e model.Explained) string {
	if e.Share == nil {
		return fmt.Sprintf("How much of the effect of %s is that of %s cannot be said: %s.", e.Whole, e.Part, e.Why)
	}
	return fmt.Sprintf("%s alone has %.0f%% of the effect of %s (%s interval %.0f%% to %.0f%%, Fieller).", e.Part, 100*e.Share.Estimate, e.Whole, words.Confidence(model.Level), 100*e.Share.Low, 100*e.Share.High)
}

// part is a contrast that a claim rests on, or that qualifies it.
type part struct {
	of string
	model.Contrast
}

func parts(c *model.Claim) (all []part) {
	for _, x := range c.Contrasts {
		all = append(all, part{"claim", x})
	}
	if c.Assay != nil {
		all = append(all, part{"assay", *c.Assay})
	}
	if c.Specific != nil {
		all = append(all, part{"specificity", *c.Specific})
	}
	return all
}

// contrastTable has both sides of each contrast, what decides it, and beside that the difference in points.
func contrastTable(c *model.Claim) *Table {
	return wide(Tabulate("Contrasts of "+c.ID+": accuracies in points, statistics in their own unit. Found and its interval decide; the difference in points and its interval do not.", parts(c),
		Text("Part", func(p part) string { return p.of }),
		Text("Contrast", func(p part) string { return words.Name(p.Contrast) }),
		Text("Asks", func(p part) string { return words.Asks(p.Contrast) }),
		Number("First", func(p part) string { return words.Amount(p.Contrast, p.MeanA) }),
		Text("Against", func(p part) string { return words.Against(p.Contrast) }),
		Number("Second", func(p part) string { return words.Amount(p.Contrast, p.MeanB) }),
		Number("Found", func(p part) string { return words.Estimate(p.Contrast) }),
		Number("Deciding interval", func(p part) string { return words.Interval(p.Contrast) }),
		Number("Level", func(p part) string { return words.Level(p.Contrast) }),
		Number("Points", func(p part) string { return words.Points(p.Contrast) }),
		Number("In points, not deciding", func(p part) string { return words.PointsInterval(p.Contrast) }),
		Number("Gain", func(p part) string { return words.Maybe(p.MeanGain, words.Plain) }),
		Number("Seeds", func(p part) string { return fmt.Sprint(p.N) }),
		Number("p holds", func(p part) string { return words.Maybe(p.P, words.Holds) }),
		Number("p fails", func(p part) string { return words.Maybe(p.P, words.Fails) }),
		Text("On its own", func(p part) string { return words.Label(p.Alone, c.Machinery) })))
}

// effectTable shows the arms of a claim beside each other, against the baseline.
func effectTable(c *model.Claim) *Table {
	return Tabulate(fmt.Sprintf("Controls beside the contrasts: what each arm gains or loses against %s, in points, paired by seed, with %s intervals. They explain, and decide nothing.", c.Beside[0].Baseline, words.Confidence(model.Level)), c.Beside,
		Text("Arm", func(e model.Effect) string { return e.Arm }),
		Text("Negatives", func(e model.Effect) string { return e.Rules }),
		Number("Difference", func(e model.Effect) string {
			return words.Maybe(e.Difference, func(d stats.MeanDifference) string { return words.Signed(d.Estimate) })
		}),
		Number("Interval", func(e model.Effect) string { return words.Maybe(e.Difference, words.Spread) }),
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
	type pair struct {
		model.Pair
		contrast model.Contrast
	}
	pairs := func(x model.Contrast) (all []pair) {
		for _, p := range x.Pairs {
			all = append(all, pair{p, x})
		}
		return all
	}
	return seedTable("Both sides of each contrast of "+c.ID+" by seed: accuracies and the gain in points, statistics in their own unit.", "Contrast", c.Contrasts, pairs,
		Number("Seed", func(p pair) string { return fmt.Sprint(p.Seed) }),
		Number("First", func(p pair) string { return words.Amount(p.contrast, &p.A) }),
		Number("Second", func(p pair) string { return words.Amount(p.contrast, &p.B) }),
		Number("Difference", func(p pair) string { return words.Difference(p.contrast, p.Difference) }),
		Number("Gain", func(p pair) string {
			if p.contrast.Statistic != "" {
				return words.Absent
			}
			return words.Plain(p.Gain)
		}))
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
		"Statistic", againstChance(c), values,
		Number("Seed", func(v value) string { return fmt.Sprint(v.Seed) }),
		Number("Value", func(v value) string { return words.Fine(v.Value) }),
		Number("Bootstrap interval", func(v value) string { return words.Fine(v.Low) + " to " + words.Fine(v.High) }),
		Number("Chance", func(v value) string { return words.Null(v.null) }),
		Number("p", func(v value) string { return words.Maybe(v.Permutation, words.Holds) })))
}

// againstChance are the observations that are compared with chance, or with 0, encoder by encoder.
func againstChance(c *model.Claim) []model.Contrast {
	return slices.DeleteFunc(c.Observations(), func(x model.Contrast) bool { return x.B != model.Chance })
}

func runTable(c *model.Claim) *Table {
	t := Tabulate("Runs and analyses behind "+c.ID+"; the digests of their manifests are in JSON.", c.Runs,
		Text("Arm", func(run model.RunRef) string { return run.Arm }),
		Number("Seed", func(run model.RunRef) string { return fmt.Sprint(run.Seed) }),
		Text("Run", func(run model.RunRef) string { return run.Run }))
	if len(c.Runs) == 0 {
		t.Rows = []Row{{Cells: []string{"none", words.Absent, words.Absent}}}
	}
	return t
}
