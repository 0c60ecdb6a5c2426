package judge

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// arms summarises the cells by arm and temperature, in the order of the matrix.
func (m *matrix) arms() []model.Arm {
	type arm struct {
		id          string
		temperature float64
	}
	arms := []model.Arm{}
	for _, cells := range grouped(m.Cells, func(c bench.Cell) arm { return arm{c.Arm, c.Temperature} }) {
		arms = append(arms, m.summarise(cells))
	}
	return arms
}

// countRuns fills in the tier's counts.
func countRuns(r *model.Report) {
	for _, arm := range r.Arms {
		for _, row := range arm.Runs {
			switch row.Status {
			case model.Complete:
				r.Tier.RunsPresent++
				r.Tier.TestImages = cmp.Or(r.Tier.TestImages, row.Correct.TestImages)
			case model.NotRun:
				r.Tier.RunsMissing++
			default:
				r.Tier.RunsFailed++
			}
		}
	}
}

// floorsOf are those of the catalogue that were run.
func (m *matrix) floorsOf(arms []model.Arm) []model.Floor {
	floors := []model.Floor{}
	for _, id := range m.Catalogue.Floors {
		for _, arm := range arms {
			if arm.ID == id && arm.Mean != nil {
				floors = append(floors, model.Floor{ID: id, Mean: *arm.Mean})
			}
		}
	}
	return floors
}

// summarise is an arm at a temperature over its cells.
func (m *matrix) summarise(cells []bench.Cell) model.Arm {
	arm := m.Catalogue.Arm(cells[0].Arm)
	out := model.Arm{ID: arm.ID, Title: arm.Title, Rules: words.Rules(arm), Features: arm.Features, Temperature: cells[0].Temperature}
	var complete []Run
	var linear, ridge, knn, weighted []float64
	for _, cell := range cells {
		o := m.measured(cell)
		row := o.row()
		out.Runs = append(out.Runs, row)
		if o.status == model.Complete {
			complete = append(complete, o.run)
			linear = append(linear, *row.Linear)
			if row.Ridge != nil {
				ridge, knn = append(ridge, *row.Ridge), append(knn, *row.KNN)
			}
			if row.Weighted != nil {
				weighted = append(weighted, *row.Weighted)
			}
		}
	}
	out.N = len(complete)
	out.Mean, out.SD = exists(stats.Mean(linear)), exists(stats.StdDev(linear))
	out.Ridge, out.KNN, out.Weighted = exists(stats.Mean(ridge)), exists(stats.Mean(knn)), exists(stats.Mean(weighted))
	out.Curve, out.Progress, out.Bands = meanCurve(complete), meanProgress(complete), meanBands(complete)
	return out
}

// exists is nil for a statistic that does not exist.
func exists[T any](x T, err error) *T {
	if err != nil {
		return nil
	}
	return &x
}

// means averages, one by one, the entries that all runs have at the same index. An entry's place is a mean of
// nothing, which must be the same in all runs; add adds an entry to the mean of n. Runs of one arm differ in
// nothing but the seed, so that is all entries.
func means[T any, M comparable](runs []Run, of func(Run) []T, place func(T) M, add func(mean *M, x T, n float64)) (out []M) {
	if len(runs) == 0 {
		return nil
	}
	for i, first := range of(runs[0]) {
		mean, all := place(first), true
		for _, run := range runs {
			if entries := of(run); i < len(entries) && place(entries[i]) == place(first) {
				add(&mean, entries[i], float64(len(runs)))
			} else {
				all = false
			}
		}
		if all {
			out = append(out, mean)
		}
	}
	return out
}

func meanCurve(runs []Run) []model.CurvePoint {
	return means(runs, func(r Run) []bench.CurvePoint { return r.Result.Curve },
		func(x bench.CurvePoint) model.CurvePoint { return model.CurvePoint{Step: x.Step} },
		func(mean *model.CurvePoint, x bench.CurvePoint, n float64) {
			mean.Accuracy += *points(x.Accuracy.Linear, x.Accuracy.N) / n
			if x.Accuracy.Weighted > 0 {
				mean.Weighted = addShare(cmp.Or(mean.Weighted, new(float64)), points(x.Accuracy.Weighted, x.Accuracy.N), n)
			}
		})
}

func meanProgress(runs []Run) []bench.ProgressPoint {
	return means(runs, func(r Run) []bench.ProgressPoint { return r.Result.Progress },
		func(x bench.ProgressPoint) bench.ProgressPoint { return bench.ProgressPoint{Step: x.Step} },
		func(mean *bench.ProgressPoint, x bench.ProgressPoint, n float64) {
			mean.Loss += x.Loss / n
			mean.Alignment += x.Alignment / n
			mean.Uniformity += x.Uniformity / n
		})
}

func meanBands(runs []Run) []model.Band {
	return means(runs, func(r Run) []contrast.Band { return r.Result.Bands },
		func(x contrast.Band) model.Band { return model.Band{From: x.From, To: x.To} },
		func(mean *model.Band, x contrast.Band, n float64) {
			mean.SameClass += 100 * x.SameClass / n
			mean.Similarity += x.Similarity / n
		})
}

// sweeps summarises the sweeps of which at least one point was run that no claim asks for.
func (m *matrix) sweeps() (shown []model.Sweep) {
	claimed := map[string]bool{} // by an arm of the catalogue, and not for a sweep alone
	for _, cell := range m.Cells {
		if slices.ContainsFunc(m.Catalogue.Arms, func(a *bench.Arm) bool { return a.ID == cell.Arm }) {
			claimed[cell.Spec.ID()] = true
		}
	}
	for _, in := range m.Sweeps {
		s := model.Sweep{
			ID: in.ID, Title: in.Title, Seeds: in.Seeds, Reference: in.Reference,
			Command: fmt.Sprintf("%s run --sweep %s --tier %s --seeds %d", m.program(), in.ID, m.Tier.ID, in.Seeds),
		}
		accuracies := map[string][]float64{} // by rules, since an arm may stand among the cells under another name
		var own []string                     // arms with runs that are the sweep's own
		for _, cell := range in.Cells {
			if cell.Spec.Training.Features != bench.Trained {
				continue
			}
			s.Cells++
			if o := m.measured(cell); o.status == model.Complete {
				s.Complete++
				key := fmt.Sprint(cell.Spec.Training.Rules)
				accuracies[key] = append(accuracies[key], o.linear())
				if !claimed[cell.Spec.ID()] {
					own = append(own, cell.Arm)
				}
			}
		}
		ownRuns := false
		for _, line := range in.Lines {
			out := model.SweepLine{Name: line.String()}
			for _, fraction := range in.Fractions {
				arm := line.Arm(fraction)
				p := model.SweepPoint{Fraction: fraction, Negatives: arm.Rules[0].Count(m.Tier.Train.Scale().Negatives, len(m.Classes)), Seeds: []float64{}}
				p.Seeds = append(p.Seeds, accuracies[fmt.Sprint(arm.Rules)]...)
				p.N, p.Mean, p.SD = len(p.Seeds), exists(stats.Mean(p.Seeds)), exists(stats.StdDev(p.Seeds))
				p.Interval = exists(stats.MeanInterval(p.Seeds, model.Level))
				ownRuns = ownRuns || slices.Contains(own, arm.ID)
				out.Points = append(out.Points, p)
			}
			s.Lines = append(s.Lines, out)
		}
		s.ReferenceMean = exists(stats.Mean(accuracies[fmt.Sprint(m.Catalogue.Arm(in.Reference).Rules)]))
		if ownRuns {
			shown = append(shown, s)
		}
	}
	return shown
}

// analyses summarises the analyses over seeds, in the order in which they come.
func (m *matrix) analyses() (all []model.Analysis) {
	type stage struct {
		arm         string
		temperature float64
		step        int
	}
	for _, runs := range grouped(m.Analyses, func(run AnalysisRun) stage { return stage{run.Cell.Arm, run.Cell.Temperature, run.Step} }) {
		at := runs[0]
		a := model.Analysis{
			Arm: at.Cell.Arm, Temperature: at.Cell.Temperature, Step: at.Step, N: len(runs), Final: at.Step == m.Tier.Train.Scale().Steps,
			Images: runs[0].Measures.Images, Queries: runs[0].Measures.Queries,
			Percentiles: meanPercentiles(runs, func(x *analysis.Measures) []analysis.Percentile { return x.Percentiles }),
			Cuts:        meanPercentiles(runs, func(x *analysis.Measures) []analysis.Percentile { return x.Cuts }),
		}
		for _, definition := range analysis.OfOne() {
			if s, ok := statistic(definition, runs); ok {
				a.Statistics = append(a.Statistics, s)
			}
		}
		first := runs[0].Measures
		a.Hard = m.consistency(runs, func(x *analysis.Measures) (analysis.Consistency, []uint16) { return x.Hard, x.Counts.Hard })
		a.Easy = m.consistency(runs, func(x *analysis.Measures) (analysis.Consistency, []uint16) { return x.Easy, x.Counts.Easy })
		for _, row := range first.Gallery {
			negatives := func(all []analysis.Neighbour) (pictures []model.Picture) {
				for _, n := range all {
					p := m.picture(n.Index, n.Class, words.Plain(float64(n.Dot)))
					p.SameClass = n.Class == row.Class
					pictures = append(pictures, p)
				}
				return pictures
			}
			a.Gallery = append(a.Gallery, model.GalleryRow{Query: m.picture(row.Query, row.Class, ""), Hardest: negatives(row.Hardest), Easiest: negatives(row.Easiest)})
		}
		for _, run := range runs {
			a.Runs = append(a.Runs, model.RunRef{Arm: at.Cell.Arm, Seed: run.Cell.Seed, Run: run.Spec.ID(), Manifest: run.Digest})
		}
		all = append(all, a)
	}
	return all
}

// statistic summarises one number over the runs that have it.
func statistic(definition analysis.Definition, runs []AnalysisRun) (model.Statistic, bool) {
	s := model.Statistic{ID: definition.ID, Title: definition.Title, Unit: definition.Unit}
	if definition.HasNull {
		s.Null = &definition.NullValue
	}
	var values []float64
	var permuted []stats.Evidence
	for _, run := range runs {
		if x, ok := run.Measures.Statistics[definition.ID]; ok {
			p := permutation(x)
			s.Seeds = append(s.Seeds, model.SeedValue{Seed: run.Cell.Seed, Value: x.Value, Low: x.Low, High: x.High, Permutation: p})
			values = append(values, x.Value)
			if p != nil {
				permuted = append(permuted, *p)
			}
		}
	}
	if len(values) == 0 {
		return s, false
	}
	s.Mean, s.SD = *exists(stats.Mean(values)), exists(stats.StdDev(values))
	s.Least, s.Most = slices.Min(values), slices.Max(values)
	if len(permuted) == len(values) {
		p := twiceTheMean(permuted)
		s.Permutation = &p
	}
	return s, true
}

// meanPercentiles averages stretch by stretch; a similarity that some run lacks is left out.
func meanPercentiles(runs []AnalysisRun, of func(*analysis.Measures) []analysis.Percentile) []analysis.Percentile {
	out := slices.Clone(of(&runs[0].Measures))
	n := float64(len(runs))
	for i := range out {
		mean := analysis.Percentile{From: out[i].From, To: out[i].To, PathOther: new(float64), WuPalmerOther: new(float64)}
		for _, run := range runs {
			p := of(&run.Measures)[i]
			mean.Dot += p.Dot / n
			mean.SameClass += p.SameClass / n
			mean.SameSuperclass += p.SameSuperclass / n
			mean.Path += p.Path / n
			mean.WuPalmer += p.WuPalmer / n
			mean.PathOther = addShare(mean.PathOther, p.PathOther, n)
			mean.WuPalmerOther = addShare(mean.WuPalmerOther, p.WuPalmerOther, n)
		}
		out[i] = mean
	}
	return out
}

func addShare(sum, x *float64, n float64) *float64 {
	if sum == nil || x == nil {
		return nil
	}
	next := *sum + *x/n
	return &next
}

func (m *matrix) consistency(runs []AnalysisRun, of func(*analysis.Measures) (analysis.Consistency, []uint16)) model.Consistency {
	first, _ := of(&runs[0].Measures)
	out := model.Consistency{Rate: first.Rate, Histogram: first.Histogram}
	n := float64(len(runs))
	var counts [][]uint16
	for _, run := range runs {
		c, count := of(&run.Measures)
		counts = append(counts, count)
		out.Upper.Observed += c.Upper.Observed / n
		out.Upper.Expected += c.Upper.Expected / n
		out.Lower.Observed += c.Lower.Observed / n
		out.Lower.Expected += c.Lower.Expected / n
	}
	if len(runs) > 1 {
		stability := analysis.Stability(counts)
		out.Stability = &stability
	}
	for _, image := range first.Most {
		out.Most = append(out.Most, m.picture(image.Index, image.Class, fmt.Sprintf("%d queries", image.Count)))
	}
	for _, c := range first.Classes {
		out.Classes = append(out.Classes, model.ClassCount{Class: m.class(c.Class), Mean: c.Mean})
	}
	return out
}

func (m *matrix) picture(index int, class int32, caption string) model.Picture {
	p := model.Picture{Index: index, Class: m.class(int(class)), Caption: caption}
	if m.Picture != nil {
		p.PNG = m.Picture(index)
	}
	return p
}

func (m *matrix) class(label int) string {
	if label < len(m.Classes) {
		return m.Classes[label]
	}
	return fmt.Sprintf("class %d", label)
}
