package layout

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// runOf is a cell of the matrix with its arm.
type runOf struct {
	arm model.Arm
	model.RunRow
}

func armsSection(r *model.Report) Section {
	var every, missing []runOf
	var titles Facts
	for _, a := range r.Arms {
		for _, row := range a.Runs {
			every = append(every, runOf{a, row})
			if row.Linear == nil {
				missing = append(missing, runOf{a, row})
			}
		}
		if title := (Fact{Name: a.ID, Text: a.Title}); !slices.Contains(titles, title) {
			titles = append(titles, title) // once for all temperatures
		}
	}
	s := Section{ID: "arms", Level: 2, Title: "Arms", Blocks: []Block{armTable(r.Arms)}}
	place := []Shows[runOf]{
		Text("Arm", func(x runOf) string { return x.arm.ID }),
		Number("T", func(x runOf) string { return words.Temperature(x.arm) }),
		Number("Seed", func(x runOf) string { return fmt.Sprint(x.Seed) }),
		Text("Status", func(x runOf) string { return string(x.Status) }),
	}
	if len(missing) > 0 {
		s = s.with(Tabulate("Runs without a result.", missing, append(slices.Clip(place), Text("Reason", func(x runOf) string { return x.Reason }))...))
	}
	return s.with(figures(figure.Accuracies("accuracies", "Accuracy by arm", r))...).with(
		Folded{"What the arms are", titles},
		Folded{"Every run", Tabulate("Every run of the matrix, accuracies in points.", every, append(slices.Clip(place),
			Number("Linear", func(x runOf) string { return words.PlainOrAbsent(x.Linear) }),
			Number("Ridge", func(x runOf) string { return words.PlainOrAbsent(x.Ridge) }),
			Number("kNN", func(x runOf) string { return words.PlainOrAbsent(x.KNN) }),
			Text("Run", func(x runOf) string { return x.Run }))...)})
}

func armTable(arms []model.Arm) *Table {
	return Tabulate("Accuracy by arm, in points: mean and deviation over seeds, the means of the two other probes, and each seed in order. T is the temperature.", arms,
		Text("Arm", func(a model.Arm) string { return a.ID }),
		Text("Negatives", func(a model.Arm) string { return a.Rules }),
		Number("T", words.Temperature),
		Number("Runs", func(a model.Arm) string { return fmt.Sprintf("%d of %d", a.N, len(a.Runs)) }),
		Number("Mean", func(a model.Arm) string { return words.PlainOrAbsent(a.Mean) }),
		Number("SD", func(a model.Arm) string { return words.PlainOrAbsent(a.SD) }),
		Number("Ridge", func(a model.Arm) string { return words.PlainOrAbsent(a.Ridge) }),
		Number("kNN", func(a model.Arm) string { return words.PlainOrAbsent(a.KNN) }),
		Text("Seeds", func(a model.Arm) string {
			return words.Joined(a.Runs, ", ", func(row model.RunRow) string {
				if row.Linear == nil {
					return string(row.Status)
				}
				return words.Plain(*row.Linear)
			})
		}))
}

func bandsSection(r *model.Report) Section {
	s := Section{ID: "bands", Level: 2, Title: "Negatives by difficulty", Blocks: []Block{Paragraph("The queue, ranked for each query from the " +
		"hardest negative, over the last quarter of training, mean over seeds: what percentage of each band is of the query's own class.")}}
	measured := slices.DeleteFunc(slices.Clone(r.Arms), func(a model.Arm) bool { return len(a.Bands) == 0 })
	if len(measured) == 0 {
		return s.with(Paragraph("No complete run measured them."))
	}
	columns := []Shows[model.Arm]{Text("Arm", func(a model.Arm) string { return a.ID }), Number("T", words.Temperature)}
	for i, band := range measured[0].Bands {
		columns = append(columns, Number(words.Band(band.From, band.To), func(a model.Arm) string { return words.Plain(a.Bands[i].SameClass) }))
	}
	return s.with(Tabulate("Same-class share, in percent, by difficulty band.", measured, columns...))
}

// sweepSection shows accuracy against the fraction of negatives, of which each claim looks at one.
func sweepSection(r *model.Report, sweep *model.Sweep) Section {
	s := Section{ID: "sweep-" + sweep.ID, Level: 2, Title: sweep.Title, Blocks: []Block{Paragraph(fmt.Sprintf(
		"%d of %d runs are there, at temperature %g. The command below runs what is missing.", sweep.Complete, sweep.Cells, r.Tier.Temperature))}}
	s.Blocks = append(s.Blocks, figures(figure.Fractions("fractions-"+sweep.ID, sweep, r, nil))...)
	columns := []Shows[int]{
		Number("Fraction", func(i int) string { return words.Fraction(sweep.Lines[0].Points[i].Fraction) }),
		Number("Negatives", func(i int) string { return fmt.Sprint(sweep.Lines[0].Points[i].Negatives) }),
	}
	for _, line := range sweep.Lines {
		columns = append(columns, Number(line.Name, func(i int) string {
			p := line.Points[i]
			if p.Mean == nil {
				return "not run"
			}
			return fmt.Sprintf("%s, SD %s, n %d", words.Plain(*p.Mean), words.PlainOrAbsent(p.SD), p.N)
		}))
	}
	var fractions []int
	for i := range sweep.Lines[0].Points {
		fractions = append(fractions, i)
	}
	return s.with(
		Tabulate("Accuracy by fraction of the queue, in points: mean, deviation over seeds, and number of seeds.", fractions, columns...),
		Facts{
			{Name: "Reference", Text: sweep.Reference + ": " + words.PlainOrAbsent(sweep.ReferenceMean)},
			{Name: "Run the rest", Text: sweep.Command, Code: true},
		})
}
