package layout

import (
	"fmt"

	"github.com/cidbench/cidbench/report/model"
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
		text := fmt.Sprintf("%s, commit %s", c.Tool, words.OrNone(c.Commit))
		if c.Dirty {
			text += ", source changed since"
		}
		facts = append(facts, Fact{Name: "Build", Text: fmt.Sprintf("%s (%d of %d)", text, c.Runs, p.Used)})
	}
	for _, m := range p.Machines {
		facts = append(facts, Fact{Name: "Machine", Text: fmt.Sprintf("%s, %s, %s/%s, %s, backend %s (%d of %d)",
			words.Processor(m.CPU), words.Count(m.Cores, "core"), m.OS, m.Arch, m.Go, m.Backend, m.Runs, p.Used)})
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
