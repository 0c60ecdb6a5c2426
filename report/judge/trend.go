package judge

import (
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// trend asks whether accuracy falls along a line of a sweep, from the arm that sees all negatives on, the more of them
// are left out. Each seed has a rank correlation of dose and fall, whose mean must exceed the margin over seeds, and
// Page's test must show that it is no chance: with few seeds of equal correlation a t test would take any for certain.
func (l look) trend(claim *bench.Claim, declared bench.Trend) (model.Contrast, []model.RunRef) {
	c := model.Contrast{
		A: declared.Line.String(), Statistic: model.Trend, Title: "accuracy falls as more negatives are dropped",
		Unit:     "Spearman's correlation of dose and fall in accuracy at a seed",
		Relation: bench.Greater, Margin: declared.Margin, Bounds: []float64{declared.Margin},
		Pairs: []model.Pair{}, Alone: stats.Inconclusive,
	}
	sweep := l.Catalogue.Sweep(declared.Sweep)
	arms := []string{sweep.Reference}
	for _, fraction := range byDose(declared.Line, sweep.Fractions) {
		arms = append(arms, declared.Line.Arm(fraction).ID)
	}
	var runs []model.RunRef
	var rows [][]float64
	var seeds []uint64
	obstacles := bySeed{}
	for _, seed := range bench.Explored(sweep.Seeds).All() {
		var row []measurement
		var falls []float64
		for _, arm := range arms {
			o, ok := l.usable(claim, arm, 0, seed, obstacles)
			if !ok {
				continue
			}
			row, falls = append(row, o), append(falls, -o.linear())
			runs = append(runs, o.ref())
			if len(row) > 1 {
				l.pairable(row[0], o, seed, obstacles)
			}
		}
		if len(row) == len(arms) {
			rows, seeds = append(rows, falls), append(seeds, seed)
		}
	}
	least := stats.Evidence{Support: 1}
	if page, err := stats.Page(rows); err == nil {
		least.Support = page.P
		for i, rho := range page.Rho {
			c.Pairs = append(c.Pairs, model.Pair{Seed: seeds[i], A: rho, Difference: rho})
		}
	}
	c.Final = len(obstacles) > 0
	l.test(&c, claim, obstacles.sentences(), least)
	return c, runs
}

// byDose orders the fractions of a line by how many negatives it leaves out, fewest first.
func byDose(line bench.SweepLine, fractions []float64) []float64 {
	ordered := slices.Sorted(slices.Values(fractions))
	if line.Keeps() {
		slices.Reverse(ordered)
	}
	return ordered
}
