package layout

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// runOf is a cell of the matrix with its arm.
type runOf = Member[model.Arm, model.RunRow]

func armsSection(r *model.Report) Section {
	every := Members(r.Arms, func(a *model.Arm) []model.RunRow { return a.Runs })
	missing := slices.DeleteFunc(slices.Clone(every), func(x runOf) bool { return x.Of.Linear != nil })
	var titles Facts
	for _, a := range r.Arms {
		if title := (Fact{Name: a.ID, Text: a.Title}); !slices.Contains(titles, title) {
			titles = append(titles, title) // once for all temperatures
		}
	}
	s := Section{ID: "arms", Level: 2, Title: "Arms", Blocks: []Block{armTable(r.Arms)}}
	place := []Shows[runOf]{
		Text("Arm", func(x runOf) string { return x.Group.ID }),
		Number("T", func(x runOf) string { return words.Temperature(x.Group) }),
		Number("Seed", func(x runOf) string { return fmt.Sprint(x.Of.Seed) }),
		Text("Status", func(x runOf) string { return string(x.Of.Status) }),
	}
	if len(missing) > 0 {
		s = s.with(Tabulate("Runs without a result.", missing, append(slices.Clip(place), Text("Reason", func(x runOf) string { return x.Of.Reason }))...))
	}
	columns := append(slices.Clip(place),
		Number("Linear", func(x runOf) string { return words.Maybe(x.Of.Linear, words.Plain) }),
		Number("Ridge", func(x runOf) string { return words.Maybe(x.Of.Ridge, words.Plain) }),
		Number("kNN", func(x runOf) string { return words.Maybe(x.Of.KNN, words.Plain) }))
	if slices.ContainsFunc(every, func(x runOf) bool { return x.Of.Weighted != nil }) {
		columns = append(columns, Number("kNN of embeddings", func(x runOf) string { return words.Maybe(x.Of.Weighted, words.Plain) }))
	}
	columns = append(columns, Text("Run", func(x runOf) string { return x.Of.Run }))
	return s.with(figures(figure.Accuracies("accuracies", "Accuracy by arm", r))...).with(
		Folded{"What the arms are", titles},
		Folded{"Every run", Tabulate("Every run of the matrix, accuracies in points.", every, columns...)})
}

func armTable(arms []model.Arm) *Table {
	columns := []Shows[model.Arm]{
		Text("Arm", func(a model.Arm) string { return a.ID }),
		Text("Negatives", func(a model.Arm) string { return a.Rules }),
		Number("T", words.Temperature),
		Number("Runs", func(a model.Arm) string { return fmt.Sprintf("%d of %d", a.N, len(a.Runs)) }),
		Number("Mean", func(a model.Arm) string { return words.Maybe(a.Mean, words.Plain) }),
		Number("SD", func(a model.Arm) string { return words.Maybe(a.SD, words.Plain) }),
		Number("Ridge", func(a model.Arm) string { return words.Maybe(a.Ridge, words.Plain) }),
		Number("kNN", func(a model.Arm) string { return words.Maybe(a.KNN, words.Plain) }),
	}
	if slices.ContainsFunc(arms, func(a model.Arm) bool { return a.Weighted != nil }) {
		columns = append(columns, Number("kNN of embeddings", func(a model.Arm) string { return words.Maybe(a.Weighted, words.Plain) }))
	}
	return Tabulate("Accuracy by arm, in points: mean and deviation over seeds, the means of the two other probes, and each seed in order. T is the temperature.", arms, append(columns,
		Text("Seeds", func(a model.Arm) string {
			return words.Joined(a.Runs, ", ", func(row model.RunRow) string {
				if row.Linear == nil {
					return string(row.Status)
				}
				return words.Plain(*row.Linear)
			})
		}))...)
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

// sweepSection has the numbers of accuracy against the fraction of negatives, of which each claim looks at one.
func sweepSection(r *model.Report, sweep *model.Sweep) Section {
	s := Section{ID: "sweep-" + sweep.ID, Level: 2, Title: sweep.Title, Blocks: []Block{Paragraph(fmt.Sprintf(
		"%d of %d runs are there, at temperature %g. The command below runs what is missing.", sweep.Complete, sweep.Cells, r.Tier.Temperature))}}
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
			return fmt.Sprintf("%s, SD %s, n %d", words.Plain(*p.Mean), words.Maybe(p.SD, words.Plain), p.N)
		}))
	}
	var fractions []int
	for i := range sweep.Lines[0].Points {
		fractions = append(fractions, i)
	}
	return s.with(
		Tabulate("Accuracy by fraction of the queue, in points: mean, deviation over seeds, and number of seeds.", fractions, columns...),
		Facts{
			{Name: "Reference", Text: sweep.Reference + ": " + words.Maybe(sweep.ReferenceMean, words.Plain)},
			{Name: "Run the rest", Text: sweep.Command, Code: true},
		})
}

// fractions draws a sweep, whose runs no verdict asks for; nil if none is there.
func fractions(id string, sweep *model.Sweep, r *model.Report, places []model.Place) *figure.Figure {
	f := figure.Fractions(id, sweep, r, places)
	if f != nil {
		f.Command = sweep.Command + " && " + words.Draw(r)
	}
	return f
}

// exhibits show what is behind the observations of a claim: what negatives of each difficulty are like, which
// images are consistently hard or easy, and some of them.
func exhibits(r *model.Report, c *model.Claim) (blocks []Block) {
	for i := range r.Analyses {
		a := &r.Analyses[i]
		if !a.Final || a.Temperature != c.Temperature {
			continue
		}
		observes := func(ids ...string) bool {
			return slices.ContainsFunc(c.Contrasts, func(x model.Contrast) bool { return x.A == a.Arm && slices.Contains(ids, x.Statistic) })
		}
		id := fmt.Sprintf("claim-%s-%s", c.ID, a.Arm)
		semantic := observes(analysis.SameClassAUC, analysis.SemanticPath, analysis.SemanticWuPalmer, analysis.SemanticPathAll, analysis.SemanticWuPalmerAll,
			analysis.Hardest1Path, analysis.Hardest1WuPalmer, analysis.Hardest5Path, analysis.Hardest5WuPalmer)
		opposite := observes(analysis.AnticorrelatedShare, analysis.AnticorrelatedPath, analysis.AnticorrelatedWuPalmer, analysis.NegativeShare)
		if semantic {
			blocks = append(blocks, figures(
				figure.ByDifficulty(id+"-class", "Share of the query's class", "share of the negatives", a, false, figure.SameClass, figure.SameSuperclass),
				figure.ByDifficulty(id+"-meaning", "Similarity in meaning", "similarity in the class tree", a, false, figure.PathAll, figure.PathOther, figure.WuPalmerAll, figure.WuPalmerOther),
			)...)
		}
		if opposite {
			blocks = append(blocks, figures(
				figure.ByDifficulty(id+"-dot", "Dot product with the query", "dot product", a, true, figure.DotProduct),
				figure.ByDifficulty(id+"-others", "Similarity in meaning, other classes", "similarity in the class tree", a, false, figure.PathOther, figure.WuPalmerOther),
			)...)
		}
		if semantic || opposite {
			blocks = append(blocks, wide(stretches(a, "the cuts of the paper and their mirror images", a.Cuts)))
		}
		if observes(analysis.HardConsistency, analysis.EasyConsistency, analysis.HardStability, analysis.EasyStability) {
			blocks = append(blocks, figures(
				figure.Histogram(id+"-hard", "How often images are hard negatives", "hardest", &a.Hard),
				figure.Histogram(id+"-easy", "How often images are easy negatives", "easiest", &a.Easy),
			)...)
			blocks = append(blocks, consistencyTable(a), Facts{
				{Name: "Classes most consistently hard", Text: classesInWords(a.Hard)},
				{Name: "Classes most consistently easy", Text: classesInWords(a.Easy)},
			}, mostConsistent(a))
		}
	}
	return blocks
}

// tail is one end of the negatives by difficulty.
type tail struct {
	name, statistic string
	model.Consistency
}

// consistencyTable sets the tails of the counts and their stability beside chance.
func consistencyTable(a *model.Analysis) *Table {
	return Tabulate(fmt.Sprintf("Counts of %d images over %d queries, %s at temperature %g: variance in excess of the binomial null's, shares of images beyond its 99.9%% and 0.1%% quantiles with what chance gives, and rank correlation of the counts between seeds.",
		a.Images, a.Queries, a.Arm, a.Temperature),
		[]tail{{"hardest", analysis.HardConsistency, a.Hard}, {"easiest", analysis.EasyConsistency, a.Easy}},
		Text("Negatives", func(t tail) string { return fmt.Sprintf("%s %.2g%%", t.name, 100*t.Rate) }),
		Number("Excess variance", func(t tail) string {
			return words.Maybe(a.Find(t.statistic), func(s model.Statistic) string { return words.Fine(s.Mean) })
		}),
		Number("Above", func(t tail) string { return words.Percent(t.Upper.Observed) }),
		Number("by chance", func(t tail) string { return words.Percent(t.Upper.Expected) }),
		Number("Below", func(t tail) string { return words.Percent(t.Lower.Observed) }),
		Number("by chance", func(t tail) string { return words.Percent(t.Lower.Expected) }),
		Number("Stability", func(t tail) string { return words.Maybe(t.Stability, words.Fine) }))
}

func classesInWords(c model.Consistency) string {
	return words.Joined(c.Classes, ", ", func(class model.ClassCount) string {
		return fmt.Sprintf("%s (%.1f queries an image)", class.Class, class.Mean)
	})
}

// gallery shows queries with their hardest and easiest negatives: a few, and the rest folded.
func gallery(r *model.Report, a *model.Analysis) []Block {
	const few, most = 2, 4
	p := Pictures{Caption: fmt.Sprintf("What hard and easy negatives look like: queries of seed %d at temperature %g, trained on %s, with their hardest and easiest negatives, the most extreme first. "+
		"Below each: its dot product with the query, and its class; a double frame marks the query's own class.", firstSeed(a), a.Temperature, words.ArmTitle(r, a.Arm))}
	for _, row := range a.Gallery[:min(most, len(a.Gallery))] {
		query := Shown{row.Query, row.Query.Class, fmt.Sprintf("Query, image %d, of class %s", row.Query.Index, row.Query.Class)}
		p.Rows = append(p.Rows, PictureRow{"Query: " + row.Query.Class, []PictureGroup{
			{"Query", []Shown{query}}, negativesOf("Hardest", row.Hardest), negativesOf("Easiest", row.Easiest),
		}})
	}
	blocks := []Block{Pictures{p.Caption, p.Rows[:min(few, len(p.Rows))]}}
	if len(p.Rows) > few {
		blocks = append(blocks, Folded{"More queries", Pictures{p.Caption, p.Rows[few:]}})
	}
	return blocks
}

func firstSeed(a *model.Analysis) uint64 { return a.Runs[0].Seed }

func negativesOf(name string, negatives []model.Picture) PictureGroup {
	g := PictureGroup{Name: name}
	for _, n := range negatives {
		s := Shown{n, n.Caption + " " + n.Class, fmt.Sprintf("%s negative, image %d, of class %s, dot product %s", name, n.Index, n.Class, n.Caption)}
		if n.SameClass {
			s.Words, s.Alt = s.Words+" (same class)", s.Alt+", the query's own class"
		}
		g.Pictures = append(g.Pictures, s)
	}
	return g
}

// mostConsistent shows the images that are hard, or easy, for most queries.
func mostConsistent(a *model.Analysis) Pictures {
	row := func(name string, most []model.Picture) PictureRow {
		g := PictureGroup{Name: name}
		for _, x := range most {
			g.Pictures = append(g.Pictures, Shown{x, x.Caption + ": " + x.Class, fmt.Sprintf("%s, image %d, of class %s, %s", name, x.Index, x.Class, x.Caption)})
		}
		return PictureRow{name, []PictureGroup{g}}
	}
	return Pictures{
		fmt.Sprintf("The images of seed %d that are among the hardest, and among the easiest, negatives of most queries (of %d).", firstSeed(a), a.Queries),
		[]PictureRow{row("Most consistently hard", a.Hard.Most), row("Most consistently easy", a.Easy.Most)},
	}
}

// stretches shows what negatives in ranges of difficulty are like.
func stretches(a *model.Analysis, by string, ranges []analysis.Percentile) *Table {
	return Tabulate(fmt.Sprintf("Negatives of %s at temperature %g by %s, 0%% being the hardest: dot product with the query, shares of its class and of other classes of its superclass, and similarity in the class tree.",
		a.Arm, a.Temperature, by), ranges,
		Number("Negatives", func(p analysis.Percentile) string { return words.Band(p.From, p.To) }),
		Number("Dot", func(p analysis.Percentile) string { return words.Fine(p.Dot) }),
		Number("Class", func(p analysis.Percentile) string { return words.Percent(p.SameClass) }),
		Number("Superclass", func(p analysis.Percentile) string { return words.Percent(p.SameSuperclass) }),
		Number("Path", func(p analysis.Percentile) string { return words.Fine(p.Path) }),
		Number("Path, others", func(p analysis.Percentile) string { return words.Maybe(p.PathOther, words.Fine) }),
		Number("Wu-Palmer", func(p analysis.Percentile) string { return words.Fine(p.WuPalmer) }),
		Number("Wu-Palmer, others", func(p analysis.Percentile) string { return words.Maybe(p.WuPalmerOther, words.Fine) }))
}

// Analyses tells what embeddings show over training.
func Analyses(r *model.Report) Section {
	s := Section{ID: "analyses", Level: 2, Title: "Difficulty and meaning over training"}
	all := figure.Courses(r)
	for _, c := range all {
		s.Blocks = append(s.Blocks, courseTable(c))
	}
	var drawn []*figure.Figure
	for _, definition := range analysis.OfOne() {
		drawn = append(drawn, figure.OverTraining("course-"+definition.ID, definition, all))
	}
	s.Blocks = append(s.Blocks, figures(drawn...)...)
	for i := range r.Analyses {
		if a := &r.Analyses[i]; a.Final {
			s.Blocks = append(s.Blocks, Folded{fmt.Sprintf("By percentile of difficulty: %s at temperature %g", a.Arm, a.Temperature), stretches(a, "percentile", a.Percentiles)})
		}
	}
	return s
}

// courseTable has a column for each stage of training.
func courseTable(c figure.Course) *Table {
	last := c.Stages[len(c.Stages)-1]
	columns := []Shows[analysis.Definition]{
		Text("Statistic", func(d analysis.Definition) string { return d.ID }),
		Number("Chance", func(d analysis.Definition) string {
			if d.HasNull {
				return words.Round(d.NullValue)
			}
			return words.Absent
		}),
	}
	number := func(head string, a *model.Analysis, spell func(model.Statistic) string) {
		columns = append(columns, Number(head, func(d analysis.Definition) string { return words.Maybe(a.Find(d.ID), spell) }))
	}
	for _, a := range c.Stages {
		number(fmt.Sprintf("Step %d", a.Step), a, func(s model.Statistic) string { return words.Fine(s.Mean) })
	}
	number("Range", last, func(s model.Statistic) string { return words.Fine(s.Least) + " to " + words.Fine(s.Most) })
	number("p", last, func(s model.Statistic) string { return words.Maybe(s.Permutation, words.Holds) })
	measured := slices.DeleteFunc(analysis.OfOne(), func(d analysis.Definition) bool {
		return !slices.ContainsFunc(c.Stages, func(a *model.Analysis) bool { return a.Find(d.ID) != nil })
	})
	return Tabulate(fmt.Sprintf("%s at temperature %g: mean of each statistic after so many steps (0: as initialised), %s, what chance gives, and at the end the range of the seeds and the p value of the permutation null.",
		c.Arm, c.Temperature, words.Count(last.N, "seed")), measured, columns...)
}
