package judge

import (
	"fmt"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

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
