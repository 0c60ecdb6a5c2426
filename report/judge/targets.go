package judge

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// targets hold the tier's arms against what is published of them, at all seeds of the report. The mean over seeds
// is compared with a band that is one run's, and so rather wide. Each band has its part of what all together may miss
// (Bonferroni), since one miss is enough to hold every verdict back.
func (m *matrix) targets() ([]model.Target, error) {
	var all []model.Target
	declared := m.Tier.Targets
	for _, x := range declared {
		level := 1 - (1-model.Together)/float64(len(declared))
		band, err := stats.Reference(stats.Published{Figures: x.Figures, SeedsSD: x.SeedsSD, SeedsN: x.SeedsN, SD: x.SD}, level)
		if err != nil {
			return nil, fmt.Errorf("report: target of %s: %w", x.Arm, err)
		}
		t := model.Target{
			Target: x, Step: m.Tier.StepsOf(x.At), Steps: m.Tier.StepsOf(1), Published: *exists(stats.Mean(x.Figures)), Band: band.Interval,
			SeedsHalf: band.Seeds, ImplementationsHalf: band.Implementations, Held: model.Unmeasured,
		}
		m.measureTarget(&t, func(o measurement) []bench.CurvePoint { return o.run.Result.Curve })
		if len(t.Found) == 0 {
			m.measureTarget(&t, func(o measurement) []bench.CurvePoint { return m.Begun[o.id] })
			t.Begun = len(t.Found) > 0
		}
		if t.Mean = exists(stats.Mean(t.Found)); t.Mean != nil {
			if t.Held = model.Outside; band.Low <= *t.Mean && *t.Mean <= band.High {
				t.Held = model.Inside
			}
		}
		all = append(all, t)
	}
	return all, nil
}

// measureTarget adds the accuracies that the curves of the arm's usable runs, or of those not finished, have at the target's step.
func (m *matrix) measureTarget(t *model.Target, curve func(measurement) []bench.CurvePoint) {
	var seeds []uint64
	for _, cell := range m.Cells {
		seeds = append(seeds, cell.Seed)
	}
	slices.Sort(seeds)
	t.Seeds, t.Found = []uint64{}, []float64{}
	for _, seed := range slices.Compact(seeds) {
		o, ok := m.cell(t.Arm, 0, seed)
		if !ok || o.status != model.Complete && o.status != model.NotRun {
			continue
		}
		for _, p := range curve(o) {
			if correct := t.Measure.Of(p.Accuracy); p.Step == t.Step && 0 <= correct && correct <= p.Accuracy.N && p.Accuracy.N > 0 {
				t.Seeds, t.Found = append(t.Seeds, seed), append(t.Found, *points(correct, p.Accuracy.N))
			}
		}
	}
}

// repeats holds a claim back where the tier's runs do not repeat what is published of them: then they are
// another experiment, whatever it shows. What nothing was measured of, or is not testable, stays so.
func (j *judged) repeats(targets []model.Target) {
	j.Reference = words.NotSame(targets)
	if j.Reference != "" && j.decided() {
		j.Own, j.Verdict, j.Specific = j.Verdict, stats.Inconclusive, nil
	}
}
