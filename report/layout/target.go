package layout

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// targetsSection sets what the tier's runs have beside what is published of them; none where nothing is.
func targetsSection(r *model.Report) Document {
	if len(r.Targets) == 0 {
		return nil
	}
	table := Tabulate(fmt.Sprintf("Accuracies in points: what is published, by the mean of its seeds, the band in which a run is expected that repeats it (all of them together hold with %s), "+
		"and the mean over the seeds that are here.", words.Confidence(model.Together)), r.Targets,
		Text("Arm", func(t model.Target) string { return t.Arm }),
		Text("Measured", words.After),
		Text("Probe", func(t model.Target) string { return words.Measure(t.Measure) }),
		Number("Published", func(t model.Target) string { return words.Plain(t.Published) }),
		Number("Band", func(t model.Target) string { return words.Plain(t.Band.Low) + " to " + words.Plain(t.Band.High) }),
		Number("Found", func(t model.Target) string { return words.Maybe(t.Mean, words.Plain) }),
		Text("Seeds", words.TargetSeeds),
		Text("Verdict", func(t model.Target) string { return string(t.Held) }))
	var facts Facts
	add := func(name, text string) {
		if f := (Fact{Name: name, Text: text}); text != "" && !slices.Contains(facts, f) {
			facts = append(facts, f)
		}
	}
	for _, t := range r.Targets {
		add("Published", t.Source)
		if t.SD > 0 {
			add("Between implementations", fmt.Sprintf("SD %s points: %s", words.Plain(t.SD), t.Spread))
		}
		add("Half width of the band", words.HalfWidths(t))
	}
	return Document{{ID: "targets", Level: 2, Title: "Held against what is published", Blocks: []Block{
		Paragraph("Where an arm lies outside its band, this is not the same experiment yet, and no claim of the tier is decided."), table, facts}}}
}
