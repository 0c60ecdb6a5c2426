package figure

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

const curveHeight = 180.0

// Curves draws the mean accuracy of the claim's arms at the checkpoints: it tells better from faster.
func Curves(id, title string, c *model.Claim, arms []model.Arm) *Figure {
	return training(id, title, probed, c, arms, accuracyCurve)
}

// Learning draws the mean accuracy of the arms of a lead at the checkpoints, over all their seeds.
func Learning(id, title string, l *model.Lead, r *model.Report) *Figure {
	return learning(id, title, probed, l, r, accuracyCurve)
}

// Neighbours draws the same of the neighbours in the space of embeddings, nil where the probe has none.
func Neighbours(id, title string, l *model.Lead, r *model.Report) *Figure {
	return learning(id, title, "accuracy of the neighbours of embeddings, points", l, r, func(a model.Arm) (x, y []float64) {
		for _, p := range a.Curve {
			if p.Weighted != nil {
				x, y = append(x, float64(p.Step)), append(y, *p.Weighted)
			}
		}
		return x, y
	})
}

func learning(id, title, quantity string, l *model.Lead, r *model.Report, curve func(model.Arm) (x, y []float64)) *Figure {
	var ids []string
	for _, a := range l.Arms {
		ids = append(ids, a.ID)
	}
	f := courses(id, title, quantity, at(r.Arms, l.Temperature, ids), func(a model.Arm) string { return words.ArmTitle(r, a.ID) }, curve)
	if f != nil {
		f.Temperature = fmt.Sprintf("%g", l.Temperature)
	}
	return f
}

const probed = "accuracy of the linear probe, points"

func accuracyCurve(a model.Arm) (x, y []float64) {
	for _, p := range a.Curve {
		x, y = append(x, float64(p.Step)), append(y, p.Accuracy)
	}
	return x, y
}

// Progress draws one quantity of the training of the claim's arms.
func Progress(id, title, quantity string, c *model.Claim, arms []model.Arm, of func(bench.ProgressPoint) float64) *Figure {
	return training(id, title, quantity, c, arms, func(a model.Arm) (x, y []float64) {
		for _, p := range a.Progress {
			x, y = append(x, float64(p.Step)), append(y, of(p))
		}
		return x, y
	})
}

// training draws the arms that a claim compares, and its controls.
func training(id, title, quantity string, c *model.Claim, arms []model.Arm, curve func(model.Arm) (x, y []float64)) *Figure {
	members := slices.Clone(c.Controls)
	for _, x := range c.Contrasts {
		members = append(members, x.A, x.B)
	}
	return courses(id, title, quantity, at(arms, c.Temperature, members), func(a model.Arm) string { return a.ID }, curve)
}

// at are those of the arms at a temperature.
func at(arms []model.Arm, temperature float64, ids []string) []model.Arm {
	return slices.DeleteFunc(slices.Clone(arms), func(a model.Arm) bool {
		return a.Temperature != temperature || !slices.Contains(ids, a.ID)
	})
}

// courses is nil if no arm has a curve.
func courses(id, title, quantity string, arms []model.Arm, name func(model.Arm) string, curve func(model.Arm) (x, y []float64)) *Figure {
	plot := chart{
		id: id, title: title, across: "training steps", up: quantity, height: curveHeight,
		intro: fmt.Sprintf("Mean over seeds of the %s, by training step.", quantity),
	}
	for _, a := range arms {
		x, y := curve(a)
		if len(x) == 0 {
			continue
		}
		first, last := words.Plain(y[0]), words.Plain(y[len(y)-1])
		plot.lines = append(plot.lines, line{
			name: name(a), note: ": " + last + " at end", x: x, y: y,
			words: fmt.Sprintf("%s: from %s at step %.0f to %s at step %.0f.", name(a), first, x[0], last, x[len(x)-1]),
		})
	}
	return plot.figure()
}

const courseHeight = 110.0

// Course is what the analyses of an arm at a temperature say over training, from the encoder as initialised.
type Course struct {
	Arm         string
	Temperature float64
	Stages      []*model.Analysis
}

// Courses puts the analyses of each trained arm in a row, behind those of the untrained encoder, with which
// all arms start.
func Courses(r *model.Report) (all []Course) {
	untrained := func(id string) bool {
		return slices.ContainsFunc(r.Arms, func(a model.Arm) bool { return a.ID == id && a.Features == bench.Untrained })
	}
	var initial []*model.Analysis
	for i := range r.Analyses {
		a := &r.Analyses[i]
		if untrained(a.Arm) {
			initial = append(initial, a)
			continue
		}
		at := slices.IndexFunc(all, func(c Course) bool { return c.Arm == a.Arm && c.Temperature == a.Temperature })
		if at < 0 {
			at = len(all)
			all = append(all, Course{Arm: a.Arm, Temperature: a.Temperature})
		}
		all[at].Stages = append(all[at].Stages, a)
	}
	for i := range all {
		all[i].Stages = slices.Concat(initial, all[i].Stages)
	}
	if len(all) == 0 && len(initial) > 0 {
		return []Course{{initial[0].Arm, initial[0].Temperature, initial}}
	}
	return all
}

// OverTraining draws a statistic over training: the mean of each course, with the range of its seeds. It is
// nil if the statistic does not exist.
func OverTraining(id string, statistic analysis.Definition, all []Course) *Figure {
	plot := chart{
		id: id, title: statistic.ID, height: courseHeight, across: "training steps", up: "mean and range of seeds",
		intro: fmt.Sprintf("%s: %s (%s), by training step.", statistic.ID, statistic.Title, statistic.Unit),
	}
	if statistic.HasNull {
		chance := words.Round(statistic.NullValue)
		plot.levels = []tick{{statistic.NullValue, "chance " + chance}}
		plot.intro += " Chance is " + chance + "."
	}
	for _, c := range all {
		l := line{name: fmt.Sprintf("%s, temperature %g", c.Arm, c.Temperature), marked: true}
		l.words = l.name + ":"
		for _, a := range c.Stages {
			s := a.Find(statistic.ID)
			if s == nil {
				continue
			}
			l.x, l.y = append(l.x, float64(a.Step)), append(l.y, s.Mean)
			l.low, l.high = append(l.low, s.Least), append(l.high, s.Most)
			l.words += fmt.Sprintf(" %s at step %d,", words.Fine(s.Mean), a.Step)
		}
		if len(l.x) > 0 {
			l.words = l.words[:len(l.words)-1] + "."
			plot.lines = append(plot.lines, l)
		}
	}
	return plot.figure()
}

const fractionHeight = 240.0

// Fractions draws accuracy against the fraction of negatives, on a logarithmic axis: a line for each way of
// choosing them, a dot for each seed, and as levels the reference and the floors. The places, if any, are where
// a claim looks. It is nil without a run.
func Fractions(id string, s *model.Sweep, r *model.Report, places []model.Place) *Figure {
	plot := chart{
		id: id, title: s.Title, height: fractionHeight, log: true,
		across: "fraction of the queue", up: "accuracy of the linear probe, points",
		intro: fmt.Sprintf("Accuracy of the linear probe, in points, by the fraction of negatives kept or dropped: means over seeds, with %s intervals and a dot for each seed.", words.Confidence(model.Level)),
	}
	for i, l := range s.Lines {
		out := line{name: l.Name, marked: true, words: l.Name + ":"}
		for _, p := range l.Points {
			if i == 0 {
				plot.ticks = append(plot.ticks, tick{p.Fraction, words.Fraction(p.Fraction)})
			}
			if p.Mean == nil {
				continue
			}
			out.x, out.y, out.seeds = append(out.x, p.Fraction), append(out.y, *p.Mean), append(out.seeds, p.Seeds)
			low, high := *p.Mean, *p.Mean
			if p.Interval != nil {
				low, high = p.Interval.Low, p.Interval.High
			}
			out.low, out.high = append(out.low, low), append(out.high, high)
			out.words += fmt.Sprintf(" %s at %s,", words.Plain(*p.Mean), words.Fraction(p.Fraction))
		}
		if len(out.x) == 0 {
			continue
		}
		out.words = out.words[:len(out.words)-1] + "."
		plot.lines = append(plot.lines, out)
	}
	if s.ReferenceMean != nil {
		plot.levels = append(plot.levels, tick{*s.ReferenceMean, s.Reference + " " + words.Plain(*s.ReferenceMean)})
	}
	for _, f := range r.Floors {
		plot.levels = append(plot.levels, tick{f.Mean, f.ID + " " + words.Plain(f.Mean)})
	}
	for _, level := range plot.levels {
		plot.intro += fmt.Sprintf(" The level of %s.", level.label)
	}
	for _, p := range places {
		mark := tick{p.Fraction, words.Fraction(p.Fraction)}
		if p.Sweep == s.ID && !slices.Contains(plot.marks, mark) {
			plot.marks = append(plot.marks, mark)
			plot.intro += fmt.Sprintf(" The claim looks at %s.", mark.label)
		}
	}
	f := plot.figure()
	if f != nil {
		f.Temperature = fmt.Sprintf("%g", r.Tier.Temperature)
	}
	return f
}

const percentileHeight = 160.0

// quantity is something that is measured of a stretch of the negatives.
type quantity struct {
	name string
	of   func(analysis.Percentile) *float64 // nil where it does not exist
}

// What is known of a stretch of the negatives.
var (
	DotProduct     = quantity{"dot product", func(p analysis.Percentile) *float64 { return &p.Dot }}
	SameClass      = quantity{"the query's class", func(p analysis.Percentile) *float64 { return &p.SameClass }}
	SameSuperclass = quantity{"its superclass, other classes", func(p analysis.Percentile) *float64 { return &p.SameSuperclass }}
	PathAll        = quantity{"path", func(p analysis.Percentile) *float64 { return &p.Path }}
	PathOther      = quantity{"path, other classes", func(p analysis.Percentile) *float64 { return p.PathOther }}
	WuPalmerAll    = quantity{"Wu-Palmer", func(p analysis.Percentile) *float64 { return &p.WuPalmer }}
	WuPalmerOther  = quantity{"Wu-Palmer, other classes", func(p analysis.Percentile) *float64 { return p.WuPalmerOther }}
)

// ByDifficulty draws quantities by the difficulty of negatives, from the hardest; nil if none exists.
func ByDifficulty(id, title, up string, a *model.Analysis, zero bool, quantities ...quantity) *Figure {
	plot := chart{
		id: id, title: title, height: percentileHeight, zero: zero,
		across: "negatives by difficulty, % from the hardest", up: up,
		intro: fmt.Sprintf("%s, by difficulty percentile of the negatives; mean over %s and their queries.", title, words.Count(a.N, "seed")),
		ticks: []tick{{0, "hardest"}, {25, "25"}, {50, "50"}, {75, "75"}, {100, "easiest"}},
	}
	for _, q := range quantities {
		l := line{name: q.name}
		for _, p := range a.Percentiles {
			if v := q.of(p); v != nil {
				l.x, l.y = append(l.x, 50*(p.From+p.To)), append(l.y, *v)
			}
		}
		if len(l.x) == 0 {
			continue
		}
		hard, easy := words.Fine(l.y[0]), words.Fine(l.y[len(l.y)-1])
		l.note = ": " + hard + " to " + easy
		l.words = fmt.Sprintf("%s: %s among the hardest, %s among the easiest.", q.name, hard, easy)
		plot.lines = append(plot.lines, l)
	}
	return plot.figure()
}
