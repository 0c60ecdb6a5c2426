package judge_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// observed has everything that the claims about the baseline's embeddings need.
func observed(t *testing.T, claims ...string) judge.Input {
	t.Helper()
	in := input(t, scores{"baseline": base, "baseline@low": base}, claims...)
	in.Analyses = analyseAll(t, in)
	return in
}

// final calls change on the analysis of each seed of the baseline at the end of training.
func final(in judge.Input, change func(*judge.AnalysisRun)) {
	for i, run := range in.Analyses {
		if run.Step == in.Tier.Train.Scale().Steps {
			change(&in.Analyses[i])
		}
	}
}

func TestObservation(t *testing.T) {
	c := one(t, observed(t, "semantic"))
	x := c.Contrasts[0]
	if c.Verdict != stats.Supported || x.B != model.Chance || x.N != 5 || len(c.Runs) != 10 {
		t.Fatalf("%s: %s (%d seeds, %d runs)", c.Verdict, why(c), x.N, len(c.Runs))
	}
	for _, p := range x.Pairs {
		// What analyse makes up after 240 steps.
		if want := (0.1 + 0.6 + float64(p.Seed)/100) / 2; math.Abs(p.Difference-want) > 1e-9 || p.B != 0.5 {
			t.Errorf("seed %d: %+v, want %g above chance", p.Seed, p, want)
		}
	}
}

// The seeds share their permutations, so the claim holds only as surely as twice the mean of their p values.
func TestObservationNeedsThePermutationNull(t *testing.T) {
	in := observed(t, "semantic")
	final(in, func(run *judge.AnalysisRun) {
		s := run.Measures.Statistics[analysis.SemanticPath]
		null := *s.Null
		null.PGreater = 0.02 + 0.01*float64(run.Cell.Seed)
		s.Null = &null
		run.Measures.Statistics[analysis.SemanticPath] = s
	})
	c := one(t, in)
	if x := c.Contrasts[1]; math.Abs(x.P.Support-2*0.04) > 1e-12 || c.Verdict != stats.Inconclusive {
		t.Errorf("%s, p %+v", c.Verdict, x.P)
	}
}

func TestObservationRefuted(t *testing.T) {
	in := observed(t, "consistent")
	final(in, func(run *judge.AnalysisRun) {
		noise := float64(run.Cell.Seed) / 1_000
		run.Measures.Statistics[analysis.HardConsistency] = analysis.Statistic{Value: -0.2 - noise, Null: &analysis.Null{PGreater: 1, PLess: 0.0005}}
	})
	if c := one(t, in); c.Verdict != stats.Refuted {
		t.Errorf("%s: %s", c.Verdict, why(c))
	}
}

func TestObservationObstacles(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(*judge.Input)
		want    string
		verdict stats.Verdict
	}{
		"not analysed": {func(in *judge.Input) { in.Analyses = nil }, "baseline was not analysed (cidbench analyze does it) (seeds 0, 1, 2, 3, 4)", model.NothingToJudge},
		"one not analysed": {func(in *judge.Input) {
			in.Analyses = slices.DeleteFunc(in.Analyses, func(run judge.AnalysisRun) bool { return run.Cell.Seed == 3 })
		}, "was not analysed (cidbench analyze does it) (seed 3)", stats.Inconclusive},
		"only early": {func(in *judge.Input) {
			in.Analyses = slices.DeleteFunc(in.Analyses, func(run judge.AnalysisRun) bool { return run.Step == in.Tier.Train.Scale().Steps })
		}, "was not analysed", model.NothingToJudge},
		"undefined": {func(in *judge.Input) {
			final(*in, func(run *judge.AnalysisRun) {
				delete(run.Measures.Statistics, analysis.SemanticPath)
				run.Measures.Absent[analysis.SemanticPath] = "all classes are equally similar"
			})
		}, "semantic-path does not exist for this encoder: all classes are equally similar", stats.Inconclusive},
		"without null": {func(in *judge.Input) {
			final(*in, func(run *judge.AnalysisRun) {
				run.Measures.Statistics[analysis.SemanticPath] = analysis.Statistic{Value: 0.3}
			})
		}, "semantic-path has no permutation null", stats.Inconclusive},
		"too few seeds": {func(in *judge.Input) { in.Seeds = 2 }, "2 paired seeds, and the claim asks for 3", stats.Inconclusive},
		"nothing learned": {func(in *judge.Input) {
			for _, cell := range in.Cells {
				if cell.Arm == "untrained" {
					put(*in, cell, complete(t, cell, 4_000))
				}
			}
		}, `is not shown to be above the floor "untrained"`, stats.Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			in := observed(t, "semantic")
			tc.change(&in)
			c := one(t, in)
			if c.Verdict != tc.verdict || !strings.Contains(why(c), tc.want) {
				t.Errorf("%s: %s\nwant %s: %s", c.Verdict, why(c), tc.verdict, tc.want)
			}
		})
	}
}
