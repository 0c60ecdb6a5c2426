package judge

import (
	"cmp"
	"fmt"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// arms summarises the cells by arm and temperature, in the order of the matrix.
func (m *matrix) arms() []model.Arm {
	type key struct {
		id          string
		temperature float64
	}
	var order []key
	groups := map[key][]measurement{}
	for _, cell := range m.Cells {
		k := key{cell.Arm, cell.Temperature}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], m.measured(cell))
	}
	arms := []model.Arm{}
	for _, k := range order {
		arms = append(arms, summarise(m.Catalogue.Arm(k.id), k.temperature, groups[k]))
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

// floors are those of the catalogue that were run.
func (m *matrix) floors(arms []model.Arm) []model.Floor {
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

func summarise(arm *bench.Arm, temperature float64, cells []measurement) model.Arm {
	out := model.Arm{ID: arm.ID, Title: arm.Title, Rules: words.Rules(arm), Features: arm.Features, Temperature: temperature}
	var complete []Run
	var linear, ridge, knn []float64
	for _, o := range cells {
		row := o.row()
		out.Runs = append(out.Runs, row)
		if o.status == model.Complete {
			complete = append(complete, o.run)
			linear, ridge, knn = append(linear, *row.Linear), append(ridge, *row.Ridge), append(knn, *row.KNN)
		}
	}
	out.N = len(complete)
	out.Mean, out.SD = exists(stats.Mean(linear)), exists(stats.StdDev(linear))
	out.Ridge, out.KNN = exists(stats.Mean(ridge)), exists(stats.Mean(knn))
	out.Curve, out.Progress, out.Bands = meanCurve(complete), meanProgress(complete), meanBands(complete)
	return out
}

// exists is nil for a statistic that does not exist.
func exists(x float64, err error) *float64 {
	if err != nil {
		return nil
	}
	return &x
}

// aligned returns the entries that all runs have at the same index and that same says are of one kind,
// index by index. Runs of one arm differ in nothing but the seed, so that is all of them.
func aligned[T any](runs []Run, of func(Run) []T, same func(a, b T) bool) [][]T {
	if len(runs) == 0 {
		return nil
	}
	var out [][]T
	for i, first := range of(runs[0]) {
		var column []T
		for _, run := range runs {
			if entries := of(run); i < len(entries) && same(first, entries[i]) {
				column = append(column, entries[i])
			}
		}
		if len(column) == len(runs) {
			out = append(out, column)
		}
	}
	return out
}

func meanCurve(runs []Run) (out []model.CurvePoint) {
	curve := func(r Run) []bench.CurvePoint { return r.Result.Curve }
	for _, column := range aligned(runs, curve, func(a, b bench.CurvePoint) bool { return a.Step == b.Step }) {
		p := model.CurvePoint{Step: column[0].Step}
		for _, c := range column {
			p.Accuracy += *points(c.Accuracy.Linear, c.Accuracy.N) / float64(len(column))
		}
		out = append(out, p)
	}
	return out
}

func meanProgress(runs []Run) (out []bench.ProgressPoint) {
	progress := func(r Run) []bench.ProgressPoint { return r.Result.Progress }
	for _, column := range aligned(runs, progress, func(a, b bench.ProgressPoint) bool { return a.Step == b.Step }) {
		p := bench.ProgressPoint{Step: column[0].Step}
		for _, c := range column {
			p.Loss += c.Loss / float64(len(column))
			p.Alignment += c.Alignment / float64(len(column))
			p.Uniformity += c.Uniformity / float64(len(column))
		}
		out = append(out, p)
	}
	return out
}

func meanBands(runs []Run) (out []model.Band) {
	bands := func(r Run) []moco.Band { return r.Result.Bands }
	for _, column := range aligned(runs, bands, func(a, b moco.Band) bool { return a.From == b.From && a.To == b.To }) {
		p := model.Band{From: column[0].From, To: column[0].To}
		for _, band := range column {
			p.SameClass += 100 * band.SameClass / float64(len(column))
			p.Similarity += band.Similarity / float64(len(column))
		}
		out = append(out, p)
	}
	return out
}

// sweeps summarises the sweeps of which at least one point was run that no claim asks for.
func (m *matrix) sweeps() (shown []model.Sweep) {
	for _, in := range m.Sweeps {
		s := model.Sweep{
			ID: in.ID, Title: in.Title, Seeds: in.Seeds, Reference: in.Reference,
			Command: fmt.Sprintf("cidbench run --sweep %s --tier %s --seeds %d", in.ID, m.Tier.ID, in.Seeds),
		}
		runs := map[string][]measurement{} // by rules, since an arm may stand among the cells under another name
		for _, cell := range in.Cells {
			if cell.Spec.Arm.Features != bench.Trained {
				continue
			}
			s.Cells++
			if o := m.measured(cell); o.status == model.Complete {
				s.Complete++
				key := fmt.Sprint(cell.Spec.Arm.Rules)
				runs[key] = append(runs[key], o)
			}
		}
		ownRuns := false
		for _, line := range in.Lines {
			out := model.SweepLine{Name: line.String()}
			for _, fraction := range in.Fractions {
				arm := line.Arm(fraction)
				at := runs[fmt.Sprint(arm.Rules)]
				p := model.SweepPoint{Fraction: fraction, Negatives: arm.Rules[0].Count(m.Tier.Train.Queue, len(m.Classes)), N: len(at), Seeds: []float64{}}
				for _, o := range at {
					p.Seeds = append(p.Seeds, o.linear())
					ownRuns = ownRuns || o.cell.Arm == arm.ID && !m.claimed(o.cell)
				}
				p.Mean, p.SD = exists(stats.Mean(p.Seeds)), exists(stats.StdDev(p.Seeds))
				out.Points = append(out.Points, p)
			}
			s.Lines = append(s.Lines, out)
		}
		var level []float64
		for _, o := range runs[fmt.Sprint(m.Catalogue.Arm(in.Reference).Rules)] {
			level = append(level, o.linear())
		}
		s.ReferenceMean = exists(stats.Mean(level))
		if ownRuns {
			shown = append(shown, s)
		}
	}
	return shown
}

// claimed says whether a claim of the report asks for the same run.
func (m *matrix) claimed(cell bench.Cell) bool {
	for _, other := range m.cells {
		if other.Spec.ID() == cell.Spec.ID() {
			return true
		}
	}
	return false
}
