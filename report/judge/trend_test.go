package judge_test

import (
	"math"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// doses are accuracies of the baseline and of a sweep's line at three seeds, the point of 5% under its claims' name.
func doses(all, few, five, half []int) scores {
	return scores{"baseline": all, "drop-hardest-0.016": few, "easiest95": five, "drop-hardest-0.5": half}
}

func TestTrend(t *testing.T) {
	level := []int{3_000, 3_010, 2_990}
	for name, tc := range map[string]struct {
		scores  scores
		rho     []float64
		support float64 // no smaller: Page's test, 24 orders at each seed
		want    stats.Verdict
	}{
		"falls":       {doses(level, []int{2_950, 2_955, 2_940}, []int{2_700, 2_690, 2_710}, []int{1_600, 1_700, 1_650}), []float64{1, 1, 1}, math.Pow(24, -3), stats.Supported},
		"rises":       {doses([]int{1_600, 1_700, 1_650}, []int{2_700, 2_690, 2_710}, []int{2_950, 2_955, 2_940}, level), []float64{-1, -1, -1}, 1, stats.Refuted},
		"falls twice": {doses(level, []int{2_950, 3_020, 2_940}, []int{2_700, 2_690, 2_960}, []int{1_600, 1_700, 1_650}), []float64{1, 0.8, 0.8}, 7 * math.Pow(24, -3), stats.Supported},
	} {
		t.Run(name, func(t *testing.T) {
			c := one(t, input(t, tc.scores, "dose"))
			x := c.Contrasts[0]
			if c.Verdict != tc.want || x.Statistic != model.Trend || x.A != "drop hardest" || c.Seeds != bench.Explored(3) || len(c.Runs) != 12 {
				t.Fatalf("%s over %v, %d runs: %s", c.Verdict, c.Seeds, len(c.Runs), why(c))
			}
			for i, want := range tc.rho {
				if math.Abs(x.Pairs[i].A-want) > 1e-12 {
					t.Errorf("seed %d: %v, want %v", i, x.Pairs[i].A, want)
				}
			}
			if x.P.Support < tc.support*(1-1e-9) {
				t.Errorf("p %v, below %v", x.P.Support, tc.support)
			}
		})
	}
}

func TestTrendObstacles(t *testing.T) {
	whole := func() scores {
		return doses([]int{3_000, 3_010, 2_990}, []int{2_950, 2_955, 2_940}, []int{2_700, 2_690, 2_710}, []int{1_600, 1_700, 1_650})
	}
	for name, tc := range map[string]struct {
		change func(judge.Input)
		want   string
	}{
		"missing": {func(in judge.Input) { delete(in.Runs, at(t, in, "drop-hardest-0.5", 1).Spec.ID()) }, "drop-hardest-0.5 was not run (seed 1)"},
		"failed": {func(in judge.Input) {
			cell := at(t, in, "drop-hardest-0.5", 1)
			put(in, cell, failed(cell, "diverged"))
		}, "drop-hardest-0.5: failed: diverged (seed 1)"},
		"another's start": {func(in judge.Input) {
			in.Runs[at(t, in, "drop-hardest-0.5", 1).Spec.ID()].Result.Progress[0].Alignment++
		}, "the arms do not begin alike, so they are not pairs of one seed (seed 1)"},
	} {
		t.Run(name, func(t *testing.T) {
			in := input(t, whole(), "dose")
			tc.change(in)
			if c := one(t, in); c.Verdict != stats.Inconclusive || !strings.Contains(why(c), tc.want) {
				t.Errorf("%s: %s\nwant inconclusive: %s", c.Verdict, why(c), tc.want)
			}
		})
	}
}
