package judge_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
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

// agreeing has three encoders trained and three not, with counts that the test says.
func agreeing(t *testing.T, hard func(learned bool, seed int) []uint16) judge.Input {
	t.Helper()
	in := observed(t, "stable")
	in.Seeds = 3
	for i, run := range in.Analyses {
		if run.Cell.Seed < 3 {
			in.Analyses[i].Measures.Counts.Hard = hard(run.Step > 0, int(run.Cell.Seed))
		}
	}
	return in
}

// Spearman's correlations of 0.8, 0.8 and 0.6 between trained encoders, and of -1, 0 and 0 between others: means of
// 11/15 and -1/3. Without one encoder they are 0.6, 0.8 and 0.8, and 0, 0 and -1, so that pseudo-values, three times the
// mean less twice the rest, are 1, 0.6 and 0.6, and -1, -1 and 1.
func TestStability(t *testing.T) {
	c := one(t, agreeing(t, func(learned bool, seed int) []uint16 {
		if learned {
			return [][]uint16{{1, 2, 3, 4}, {1, 2, 4, 3}, {2, 1, 3, 4}}[seed]
		}
		return [][]uint16{{1, 2, 3, 4}, {4, 3, 2, 1}, {2, 4, 1, 3}}[seed]
	}))
	x := c.Contrasts[0]
	if x.N != 3 || x.B != "untrained" || len(c.Runs) != 12 {
		t.Fatalf("%d pairs of %s, %d runs: %s", x.N, x.B, len(c.Runs), why(c))
	}
	for i, want := range [][2]float64{{1, -1}, {0.6, -1}, {0.6, 1}} {
		if p := x.Pairs[i]; math.Abs(p.A-want[0]) > 1e-12 || math.Abs(p.B-want[1]) > 1e-12 {
			t.Errorf("seed %d: %+v, want %v", p.Seed, p, want)
		}
	}
	_, down := tails(2.919986, 2, 1.6, -0.4)
	half := down * math.Sqrt(4.96/3/3) // squares of the differences sum to 2 * 4.96 / 3
	for name, v := range map[string][2]float64{"trained": {*x.MeanA, 11. / 15}, "untrained": {*x.MeanB, -1. / 3}, "found": {x.Found.Value, 16. / 15}, "low": {x.Found.Low, 16./15 - half}} {
		if math.Abs(v[0]-v[1]) > 1e-5 {
			t.Errorf("%s %v, want %v", name, v[0], v[1])
		}
	}
	if c.Verdict != stats.Inconclusive {
		t.Errorf("three encoders make it %s", c.Verdict)
	}
}

func TestStabilityVerdicts(t *testing.T) {
	for name, tc := range map[string]struct {
		counts func(learned bool, seed int) []uint16
		want   stats.Verdict
		why    string
	}{
		"more than untrained": {func(learned bool, seed int) []uint16 { return counts(uint64(seed), 0, learned) }, stats.Supported, ""},
		"no more":             {func(learned bool, seed int) []uint16 { return counts(uint64(seed)+10, 0, true) }, stats.Refuted, ""},
		"less":                {func(learned bool, seed int) []uint16 { return counts(uint64(seed), 0, !learned) }, stats.Refuted, ""},
		"one encoder thrice": {func(learned bool, seed int) []uint16 { return counts(uint64(seed)%2, 0, learned) }, stats.Inconclusive,
			"baseline was analysed with the counts of seed 0 once more (seed 2); untrained was analysed with the counts of seed 0 once more (seed 2)"},
		"all alike":    {func(bool, int) []uint16 { return []uint16{5, 5, 5, 5} }, model.NothingToJudge, "not all equally hard (seeds 0, 1, 2)"},
		"other images": {func(_ bool, seed int) []uint16 { return counts(uint64(seed), 0, true)[seed:] }, model.NothingToJudge, "on the same images"},
	} {
		t.Run(name, func(t *testing.T) {
			if c := one(t, agreeing(t, tc.counts)); c.Verdict != tc.want || !strings.Contains(why(c), tc.why) {
				t.Errorf("%s: %s (%+v)", c.Verdict, why(c), c.Contrasts[0].Found)
			}
		})
	}
	in := agreeing(t, func(learned bool, seed int) []uint16 { return counts(uint64(seed), 0, learned) })
	in.Analyses = slices.DeleteFunc(in.Analyses, func(run judge.AnalysisRun) bool { return run.Step == 0 && run.Cell.Seed == 1 })
	if c := one(t, in); c.Verdict != model.NothingToJudge || !strings.Contains(why(c), "untrained was not analysed (cidbench analyze does it) (seed 1)") {
		t.Errorf("without an untrained encoder: %s: %s", c.Verdict, why(c))
	}
}

// A statistic may be compared with another arm's own, seed by seed.
func TestObservationBeyondAnArm(t *testing.T) {
	in := observed(t, "consistent")
	for i := range in.Claims[0].Observations {
		in.Claims[0].Observations[i].Beyond = "untrained"
	}
	c := one(t, in)
	x := c.Contrasts[0]
	if c.Verdict != stats.Supported || x.B != "untrained" || x.N != 5 || math.Abs(x.Found.Value-0.3) > 1e-9 { // half of 240 of 400 steps
		t.Errorf("%s: %+v, %s", c.Verdict, x.Found, why(c))
	}
	final(in, func(run *judge.AnalysisRun) {
		if run.Cell.Seed == 2 {
			delete(run.Measures.Statistics, analysis.EasyConsistency)
		}
	})
	if c := one(t, in); c.Verdict != stats.Inconclusive || !strings.Contains(why(c), "easy-consistency does not exist for this encoder:  (seed 2)") {
		t.Errorf("%s: %s", c.Verdict, why(c))
	}
}

// In a tree of two levels path and Wu-Palmer similarity are the same at two scales: a claim about both has one part less
// to hold, and one chance less to fail.
func TestOneScaleCountsOnce(t *testing.T) {
	in := observed(t, "semantic")
	claim := *in.Claims[0]
	claim.Observations = append(slices.Clone(claim.Observations), bench.Observation{Arm: "baseline", Statistic: analysis.SemanticWuPalmer})
	in.Claims = []*bench.Claim{&claim}
	barely := func(run *judge.AnalysisRun) { // shown to fail by either
		for _, id := range []string{analysis.SemanticPath, analysis.SemanticWuPalmer} {
			run.Measures.Statistics[id] = analysis.Statistic{Value: -0.1 - float64(run.Cell.Seed)/1_000, Null: &analysis.Null{PGreater: 0.99, PLess: 0.01}}
		}
	}
	final(in, barely)
	twice := one(t, in)
	in.OneScale = true
	r := build(t, in)
	once := r.Claims[0]
	if len(twice.Contrasts) != 3 || len(once.Contrasts) != 2 || math.Abs(twice.P.Refute-3*0.02) > 1e-9 || math.Abs(once.P.Refute-2*0.02) > 1e-9 {
		t.Errorf("%d contrasts, fails %v; in two levels %d, fails %v", len(twice.Contrasts), twice.P.Refute, len(once.Contrasts), once.P.Refute)
	}
	if twice.Verdict != stats.Inconclusive || once.Verdict != stats.Refuted {
		t.Errorf("%s; in two levels %s", twice.Verdict, once.Verdict)
	}
	if len(once.Notes) != 1 || !strings.Contains(r.Notes[once.Notes[0]-1], "semantic-wu-palmer says no more than semantic-path") {
		t.Errorf("notes %v of %q", once.Notes, r.Notes)
	}
	claim.Observations[1].Margin = 0.01 // in a unit of its own
	claim.Observations[2].Margin = 0.01
	if c := one(t, in); len(c.Contrasts) != 3 {
		t.Errorf("%d contrasts with margins", len(c.Contrasts))
	}
}
