package layout

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// Report lays out a report: a summary, everything in detail, and where the numbers come from.
func Report(r *model.Report) Document {
	claims := Section{ID: "details", Level: 2, Title: "Claims, one by one"}
	claims = claims.with(folded("What the statistics are", statisticTable(r))...)
	d := slices.Concat(verdictSections(r), acrossSection(r), Document{claims})
	d = append(d, Claims(r)...)
	for i := range r.Sweeps {
		d = append(d, sweepSection(r, &r.Sweeps[i]))
	}
	d = append(d, armsSection(r), bandsSection(r))
	if len(r.Analyses) > 0 {
		d = append(d, Analyses(r))
	}
	d = append(d, Section{ID: "method", Level: 2, Title: "How to read this", Blocks: []Block{List(words.Method(r))}})
	if len(r.Notes) > 0 {
		d = append(d, Section{ID: "notes", Level: 2, Title: "Notes", Blocks: []Block{List(r.Notes)}})
	}
	for i := range d {
		d[i].Detail = true
	}
	d = slices.Concat(summary(r), d, Document{provenanceSection(r)})
	for _, other := range r.Beside {
		for _, b := range provenanceSection(other).Blocks {
			f, ok := b.(Folded)
			if !ok {
				f = Folded{"Provenance", b}
			}
			f.Title += ", tier " + other.Tier.ID
			d[len(d)-1] = d[len(d)-1].with(f)
		}
	}
	return commanded(d, words.Draw(r))
}

// commanded gives the figures of a document the command that draws them again, unless they have one of their own.
func commanded(d Document, command string) Document {
	for _, s := range d {
		for _, b := range s.Blocks {
			if f, ok := b.(Folded); ok {
				b = f.Block
			}
			drawn, _ := b.(Figures)
			for _, f := range drawn {
				f.Command = cmp.Or(f.Command, command)
			}
		}
	}
	return d
}

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
	var builds Facts
	for _, c := range p.Code {
		of := words.Count(c.Runs, "run")
		if c.Analyses {
			of = analysesInWords(c.Runs)
		}
		builds = append(builds, Fact{Name: "Code digest", Text: fmt.Sprintf("%s (%s)", c.Digest, of)})
	}
	for _, c := range p.Sources {
		builds = append(builds, Fact{Name: "Build", Text: fmt.Sprintf("%s, commit %s (%d of %d)", c.Tool, words.Commit(c), c.Runs, p.Used)})
	}
	for _, m := range p.Machines {
		facts = append(facts, Fact{Name: "Machine", Text: fmt.Sprintf("%s, %s, backend %s (%d of %d)", words.Machine(m), m.Go, m.Backend, m.Runs, p.Used)})
	}
	return Section{ID: "provenance", Level: 2, Title: "Provenance", Blocks: []Block{facts, Folded{"Builds, by digest and commit", builds}}}
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

// acrossSection shows how verdicts depend on temperature, if any statement is tested at several: a table of all
// verdicts, and a sentence on each that differs.
func acrossSection(r *model.Report) (d Document) {
	if !slices.ContainsFunc(r.Across, func(row model.Across) bool { return len(row.At) > 1 }) {
		return nil
	}
	columns := []Shows[model.Across]{Text("Claim", func(row model.Across) string { return row.Claim })}
	for _, temperature := range temperatures(r.Claims) {
		columns = append(columns, Text(fmt.Sprintf("Temperature %g", temperature), func(row model.Across) string {
			for _, at := range row.At {
				if i := slices.IndexFunc(r.Claims, func(c model.Claim) bool { return c.ID == at.Claim }); i >= 0 && at.Temperature == temperature {
					return words.Standing(r.Claims[i])
				}
			}
			return words.Absent
		}))
	}
	t := Tabulate("All verdicts, by temperature.", r.Across, columns...)
	s := Section{ID: "across", Level: 2, Title: "Verdicts by temperature", Blocks: []Block{t}}
	differ := false
	for i, row := range r.Across {
		t.Rows[i].Link = "claim-" + row.Claim
		differ = differ || row.Differs
		if row.Sentence != "" {
			s = s.with(Paragraph(row.Sentence))
		}
	}
	if !differ {
		s = s.with(Paragraph("No verdict differs between temperatures. That does not show that no effect does: each is compared with its margin, and not with the other."))
	}
	return Document{s}
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
