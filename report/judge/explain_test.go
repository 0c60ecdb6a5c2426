package judge_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// What dropping the hardest gains, and what of it dropping those of the query's class alone does.
func TestExplained(t *testing.T) {
	for name, tc := range map[string]struct {
		whole, part []int
		share       float64 // of what is explained; 0 if that cannot be said
		why         string
	}{
		"half":             {around(100), around(50), 0.5, ""},
		"a loss":           {around(-100), around(-25), 0.25, ""},
		"nothing to share": {around(0, wild...), around(50), 0, "the interval of without-hardest includes 0"},
		"not run":          {around(100), nil, 0, "not enough seeds"},
	} {
		t.Run(name, func(t *testing.T) {
			c := build(t, input(t, scores{"baseline": base, "without-class": around(60), "without-hardest": tc.whole, "without-class-in-hardest": tc.part}, "same-class")).Claims[0]
			if len(c.Explained) != 1 {
				t.Fatalf("%+v", c.Explained)
			}
			e := c.Explained[0]
			switch {
			case tc.share == 0 && (e.Share != nil || !strings.Contains(e.Why, tc.why)):
				t.Errorf("share %v, %q; want %q", e.Share, e.Why, tc.why)
			case tc.share != 0 && (e.Share == nil || math.Abs(e.Share.Estimate-tc.share) > 1e-9 || e.Share.Low > tc.share || e.Share.High < tc.share):
				t.Errorf("share %+v, %q; want %g", e.Share, e.Why, tc.share)
			}
		})
	}
}

func TestEffectsOfControls(t *testing.T) {
	in := input(t, scores{"baseline": base, "easiest95": lost, "without-class": around(60), "without-hardest": around(100), "without-class-in-hardest": around(50)}, "same-class")
	// A run that is not what its arm declares is no effect of the arm.
	cell := at(t, in, "without-class", 1)
	run := in.Runs[cell.Spec.ID()]
	run.Result.Progress[0].Alignment++
	put(in, cell, run)
	var got []model.Effect
	for _, e := range build(t, in).Claims[0].Beside {
		if e.Difference == nil {
			t.Fatalf("%+v", e)
		}
		got = append(got, model.Effect{Arm: e.Arm, Rules: e.Rules, Baseline: e.Baseline, N: e.N, Difference: &stats.MeanDifference{Estimate: math.Round(e.Difference.Estimate*10) / 10}})
	}
	want := []model.Effect{
		{Arm: "easiest95", Rules: "drop hardest 5%", Baseline: "baseline", N: 5, Difference: &stats.MeanDifference{Estimate: -10}},
		{Arm: "without-class", Rules: "drop same-class", Baseline: "baseline", N: 4, Difference: &stats.MeanDifference{Estimate: 1.2}},
		{Arm: "without-class-in-hardest", Rules: "drop same-class within the hardest 0.1%", Baseline: "baseline", N: 5, Difference: &stats.MeanDifference{Estimate: 1}},
		{Arm: "without-hardest", Rules: "drop hardest 0.1%", Baseline: "baseline", N: 5, Difference: &stats.MeanDifference{Estimate: 2}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c := build(t, observed(t, "semantic")).Claims[0]; c.Beside != nil {
		t.Errorf("a claim without controls has %+v", c.Beside)
	}
}

func TestPlacesInSweeps(t *testing.T) {
	r := build(t, showcase(t))
	places := func(id string) []model.Place { return find(t, r, id).Places }
	want := []model.Place{
		{Sweep: "fraction", Line: "keep hardest", Arm: "hardest5", Fraction: 0.05},
		{Sweep: "fraction", Line: "keep random", Arm: "random5", Fraction: 0.05},
	}
	if diff := cmp.Diff(want, places("harder")); diff != "" {
		t.Error(diff)
	}
	if got := places("detrimental"); got != nil {
		t.Errorf("a claim at another temperature than the sweep's stands in it: %+v", got)
	}
}

// A point of a sweep that an arm of a claim is too counts that arm's runs.
func TestSweep(t *testing.T) {
	r := build(t, showcase(t))
	s := r.Sweeps[0]
	five := s.Lines[0].Points[1]
	if s.Complete != 23 || s.Cells != 30 || five.N != 3 || math.Abs(*five.Mean-(2_985+2_998+2_976)/150.) > 1e-9 || five.Negatives != 3 {
		t.Errorf("%d of %d cells, at 5%%: %+v", s.Complete, s.Cells, five)
	}
	if missing := s.Lines[1].Points[0]; missing.N != 0 || missing.Mean != nil {
		t.Errorf("a point that was not run: %+v", missing)
	}
	if one := s.Lines[1].Points[2]; one.N != 1 || one.SD != nil {
		t.Errorf("a point of one seed: %+v", one)
	}
	// Without a point of its own a sweep shows nothing that the claims do not.
	if r := build(t, input(t, scores{"baseline": base, "hardest5": around(0)}, "hardest5")); len(r.Sweeps) != 0 {
		t.Errorf("%+v", r.Sweeps)
	}
}

func TestAcrossTemperatures(t *testing.T) {
	two := func(high, low95 []int) model.Across {
		t.Helper()
		c := catalogue()
		c.Plans, c.Claims = nil, append([]*bench.Claim{claim("easiest95", 0, loss)}, bench.AtTemperature(low, []*bench.Claim{claim("easiest95", 0, loss)})...)
		r := build(t, inputOf(t, c, scores{"baseline": base, "easiest95": high, "baseline@low": base, "easiest95@low": low95}))
		if len(r.Across) != 1 {
			t.Fatalf("%+v", r.Across)
		}
		return r.Across[0]
	}
	if a := two(lost, around(-400)); a.Differs || a.Sentence != "" {
		t.Errorf("the same verdict: %+v", a)
	}
	a := two(lost, around(0))
	want := []model.AtTemperature{{Temperature: high, Claim: "easiest95", Verdict: stats.Supported}, {Temperature: low, Claim: "easiest95-t0.07", Verdict: stats.Refuted}}
	if diff := cmp.Diff(want, a.At); diff != "" || !a.Differs {
		t.Errorf("differs %t: %s", a.Differs, diff)
	}
}

func TestAnalysesOverSeeds(t *testing.T) {
	r := build(t, observed(t, "semantic"))
	final := r.Analyses[slices.IndexFunc(r.Analyses, func(a model.Analysis) bool { return a.Final })]
	s := final.Statistics[0]
	// What analyse makes up: 0.5 + (0.7 + seed/100)/2.
	for what, v := range map[string][2]float64{"mean": {s.Mean, 0.86}, "least": {s.Least, 0.85}, "most": {s.Most, 0.87}, "null": {*s.Null, 0.5}, "p": {s.Permutation.Support, 0.001}} {
		if math.Abs(v[0]-v[1]) > 1e-9 {
			t.Errorf("%s %g, want %g", what, v[0], v[1])
		}
	}
	if final.N != 5 || len(s.Seeds) != 5 || final.Hard.Stability == nil || *final.Hard.Stability <= 0 {
		t.Errorf("%d seeds, %d values, stability %v", final.N, len(s.Seeds), final.Hard.Stability)
	}
	row := final.Gallery[0]
	if !row.Hardest[0].SameClass || row.Hardest[1].SameClass || len(row.Hardest[0].PNG) == 0 || row.Hardest[0].Class != "kind 0" {
		t.Errorf("%+v", row.Hardest)
	}
}
