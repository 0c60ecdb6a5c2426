package judge

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

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
		for _, definition := range analysis.All {
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
