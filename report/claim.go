package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
)

func claimSection(r *Report, c *Claim) section {
	id := "claim-" + c.ID
	s := section{ID: id, Level: 3, Title: c.ID + ": " + label(c.Verdict, c.Machinery), Link: mark(c.Verdict) + " " + c.ID}
	if c.Machinery {
		s.Link += " (meaningless)"
	}
	s.Blocks = []block{{Quote: c.Statement}, {Facts: claimFacts(r, c)}, {Table: contrastTable(r, c), Wide: true}}
	drawn := []*figure{
		forest(id+"-forest", "Difference of accuracy for "+c.ID, r.Level, []Claim{*c}),
		observed(id+"-observed", "Statistics of "+c.ID+" beyond chance", r.Level, []Claim{*c}),
	}
	if len(accuracyContrasts(c)) > 0 {
		drawn = append(drawn, curves(id+"-curve", "Accuracy during training for "+c.ID, c, r.Arms))
	}
	s.Blocks = append(s.Blocks, figures(drawn...)...)
	if len(c.Beside) > 0 {
		s.Blocks = append(s.Blocks, block{Table: effectTable(r, c)})
		for _, e := range c.Explained {
			s.Blocks = append(s.Blocks, block{Text: explainedInWords(r, e)})
		}
	}
	if len(observations(c)) > 0 {
		s.Blocks = append(s.Blocks, block{Table: seedTable(r, c), Wide: true})
	}
	s.Blocks = append(s.Blocks, exhibits(r, c)...)
	if len(c.Places) > 0 {
		for i := range r.Sweeps {
			if sweep := &r.Sweeps[i]; slices.ContainsFunc(c.Places, func(p Place) bool { return p.Sweep == sweep.ID }) {
				s.Blocks = append(s.Blocks, folded(sweep.Title, figures(fractions(id+"-"+sweep.ID, sweep, r, c.Places)))...)
			}
		}
	}
	s.Blocks = append(s.Blocks, folded("Loss, alignment and uniformity during training", figures(
		progress(id+"-loss", "Loss during training for "+c.ID, "InfoNCE, nats", c, r.Arms, func(p bench.ProgressPoint) float64 { return p.Loss }),
		progress(id+"-alignment", "Alignment during training for "+c.ID, "squared distance of query and key", c, r.Arms, func(p bench.ProgressPoint) float64 { return p.Alignment }),
		progress(id+"-uniformity", "Uniformity during training for "+c.ID, "log mean Gaussian potential, lower is more uniform", c, r.Arms, func(p bench.ProgressPoint) float64 { return p.Uniformity }),
	))...)
	if len(accuracyContrasts(c)) > 0 {
		s.Blocks = append(s.Blocks, block{Table: pairTable(c), Detail: "Accuracy by seed"})
	}
	s.Blocks = append(s.Blocks, block{Table: runTable(c), Detail: "Runs"})
	return s
}

func claimFacts(r *Report, c *Claim) []fact {
	source := c.Source.Where + ". The paper's own text was read."
	if !c.Source.Verified {
		source = c.Source.Where + ". Not verified: this rests on other people's notes, not on the paper's own text."
	}
	conditions := []string{fmt.Sprintf("temperature %g", c.Temperature)}
	if c.Probe != "" {
		conditions = append(conditions, "probe "+c.Probe)
	}
	if len(observations(c)) > 0 {
		conditions = append(conditions, "protocol "+r.Tier.Analysis)
	}
	conditions = append(conditions, "tier "+r.Tier.ID, "at least "+count(c.MinSeeds, "seed"))
	facts := []fact{
		{Name: "Why", Text: c.Reason},
		{Name: "Paper reports", Text: c.Target},
		{Name: "Source", Text: source},
		{Name: "Our choice", Text: c.Source.Ours},
		{Name: "Conditions", Text: strings.Join(conditions, ", ")},
		{Name: "Arms", Text: armsInWords(r, c)},
	}
	if len(c.Controls) > 0 {
		facts = append(facts, fact{Name: "Controls", Text: strings.Join(c.Controls, ", ")})
	}
	if holds, fails := evidenceIn(c, c.Raw); holds != absent {
		correctedHolds, correctedFails := evidenceIn(c, c.Corrected)
		facts = append(facts, fact{Name: "p values", Text: fmt.Sprintf("holds %s, fails %s; corrected for %s: holds %s, fails %s",
			holds, fails, count(c.FamilySize, "claim"), correctedHolds, correctedFails)})
	}
	for _, row := range r.Across {
		if row.Differs && slices.ContainsFunc(row.At, func(at AtTemperature) bool { return at.Claim == c.ID }) {
			facts = append(facts, fact{Name: "By temperature", Text: row.Sentence})
		}
	}
	for i, sweep := range r.Sweeps {
		if slices.ContainsFunc(c.Places, func(p Place) bool { return p.Sweep == sweep.ID }) {
			facts = append(facts, fact{Name: "See also", Text: r.Sweeps[i].Title, Link: "sweep-" + sweep.ID})
		}
	}
	for _, n := range c.Notes {
		facts = append(facts, fact{Name: fmt.Sprintf("Note [%d]", n), Text: r.Notes[n-1]})
	}
	return append(facts, fact{Name: "Reproduce", Text: c.Reproduce, Code: true})
}

// armsInWords says which negatives the contrasted arms see.
func armsInWords(r *Report, c *Claim) string {
	var words []string
	for _, x := range c.Contrasts {
		for _, id := range []string{x.A, x.B} {
			i := slices.IndexFunc(r.Arms, func(a Arm) bool { return a.ID == id })
			if i < 0 {
				continue // chance
			}
			if text := fmt.Sprintf("%s (%s)", id, r.Arms[i].Rules); !slices.Contains(words, text) {
				words = append(words, text)
			}
		}
	}
	return strings.Join(words, ", ")
}

func contrastTable(r *Report, c *Claim) *table {
	t := &table{
		Caption: "Contrasts of " + c.ID + ", all of which must hold, in points.",
		Head:    []string{"Contrast", "Asks", "First", "Second", "Difference", confidence(r.Level) + " interval", "Seeds", "p holds", "p fails", "On its own"},
		Numbers: []bool{false, false, true, true, true, true, true, true, true, false},
	}
	if len(observations(c)) > 0 {
		t.Caption = "What " + c.ID + " asks for, all of which must hold: each statistic in its own unit."
		t.Head[0], t.Head[2], t.Head[3], t.Head[4] = "Statistic", "Mean", "Chance", "Beyond chance"
	}
	for _, x := range c.Contrasts {
		second := amount(x, x.MeanB)
		if x.Statistic != "" {
			second = chance(x)
		}
		row := []string{against(x), asks(x), amount(x, x.MeanA), second, absent, absent, fmt.Sprint(x.N), absent, absent, label(x.Alone, c.Machinery)}
		if d := x.Difference; d != nil {
			row[4], row[5] = difference(x, d.Estimate), difference(x, d.Low)+" to "+difference(x, d.High)
		}
		if x.P != nil {
			row[7], row[8] = probability(x.P.Support), probability(x.P.Refute)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// evidenceIn spells the p values of a claim; those of 1 that stand for nothing measured are left out.
func evidenceIn(c *Claim, p PValues) (holds, fails string) {
	if !slices.ContainsFunc(c.Contrasts, func(x Contrast) bool { return x.P != nil }) {
		return absent, absent
	}
	return probability(p.Support), probability(p.Refute)
}

// effectTable shows the arms of a claim beside each other, against the baseline.
func effectTable(r *Report, c *Claim) *table {
	t := &table{
		Caption: fmt.Sprintf("Controls beside the contrasts: what each arm gains or loses against %s, in points, paired by seed.", c.Beside[0].Baseline),
		Head:    []string{"Arm", "Negatives", "Difference", confidence(r.Level) + " interval", "Seeds"},
		Numbers: []bool{false, false, true, true, true},
	}
	for _, e := range c.Beside {
		row := []string{e.Arm, e.Rules, absent, absent, fmt.Sprint(e.N)}
		if d := e.Difference; d != nil {
			row[2], row[3] = signed(d.Estimate), signed(d.Low)+" to "+signed(d.High)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func explainedInWords(r *Report, e Explained) string {
	if e.Share == nil {
		return fmt.Sprintf("How much of the effect of %s is that of %s cannot be said: %s.", e.Whole, e.Part, e.Why)
	}
	return fmt.Sprintf("%s alone has %.0f%% of the effect of %s (%s interval %.0f%% to %.0f%%, Fieller).", e.Part, 100*e.Share.Estimate, e.Whole, confidence(r.Level), 100*e.Share.Low, 100*e.Share.High)
}

func pairTable(c *Claim) *table {
	t := &table{
		Caption: "Accuracy of " + c.ID + " by seed, in points.",
		Head:    []string{"Contrast", "Seed", "First", "Second", "Difference"},
		Numbers: []bool{false, true, true, true, true},
	}
	for _, x := range accuracyContrasts(c) {
		for _, p := range x.Pairs {
			t.Rows = append(t.Rows, []string{against(x), fmt.Sprint(p.Seed), plain(p.A), plain(p.B), signed(p.Difference)})
		}
		if len(x.Pairs) == 0 {
			t.Rows = append(t.Rows, []string{against(x), absent, absent, absent, absent})
		}
	}
	return t
}

func runTable(c *Claim) *table {
	t := &table{
		Caption: "Runs and analyses behind " + c.ID + ", with the digests of their manifests.",
		Head:    []string{"Arm", "Seed", "Run", "Manifest"},
		Numbers: []bool{false, true, false, false},
	}
	for _, run := range c.Runs {
		t.Rows = append(t.Rows, []string{run.Arm, fmt.Sprint(run.Seed), run.Run, string(run.Manifest)})
	}
	if len(c.Runs) == 0 {
		t.Rows = append(t.Rows, []string{"none", absent, absent, absent})
	}
	return t
}

// sweepSection shows accuracy against the fraction of negatives, of which each claim looks at one.
func sweepSection(r *Report, sweep *Sweep) section {
	s := section{ID: "sweep-" + sweep.ID, Level: 2, Title: sweep.Title}
	s.Blocks = append(s.Blocks, block{Text: fmt.Sprintf("%d of %d runs are there, at temperature %g. The fractions and the ways of choosing negatives are one literal in experiments/sweeps.go; "+
		"after a change, the command below runs what is missing.", sweep.Complete, sweep.Cells, r.Tier.Temperature)})
	s.Blocks = append(s.Blocks, figures(fractions("fractions-"+sweep.ID, sweep, r, nil))...)
	t := &table{
		Caption: "Accuracy by fraction of the queue, in points: mean, deviation over seeds, and number of seeds.",
		Head:    []string{"Fraction", "Negatives"}, Numbers: []bool{true, true},
	}
	for i, l := range sweep.Lines {
		t.Head, t.Numbers = append(t.Head, l.Name), append(t.Numbers, true)
		for j, p := range l.Points {
			if i == 0 {
				t.Rows = append(t.Rows, []string{fractionName(p.Fraction), fmt.Sprint(p.Negatives)})
			}
			cell := "not run"
			if p.Mean != nil {
				cell = fmt.Sprintf("%s, SD %s, n %d", plain(*p.Mean), maybe(p.SD), p.N)
			}
			t.Rows[j] = append(t.Rows[j], cell)
		}
	}
	s.Blocks = append(s.Blocks, block{Table: t}, block{Facts: []fact{
		{Name: "Reference", Text: sweep.Reference + ": " + maybe(sweep.ReferenceMean)},
		{Name: "Run the rest", Text: sweep.Command, Code: true},
	}})
	return s
}
