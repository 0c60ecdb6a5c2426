package layout

import (
	"fmt"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

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
