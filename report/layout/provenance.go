package layout

import (
	"fmt"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

func provenanceSection(r *model.Report) Section {
	p := r.Provenance
	facts := Facts{
		{Name: "Evidence digest", Text: string(p.Evidence), Code: true},
		{Name: "Command", Text: p.Command, Code: true},
		{Name: "Rests on", Text: fmt.Sprintf("%s and %s", words.Count(p.Used-p.Analyses, "run"), analysesInWords(p.Analyses))},
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
