package judge_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// Looks at 3 and 5 seeds, of which each primary may spend 0.025: up to the first 2 - 2 Phi(2.2414 / sqrt 0.6) of it.
const firstLevel, secondLevel = 0.003808063, 0.025 - 0.003808063

func TestLooks(t *testing.T) {
	late := around(-140, 20, -20, 10, -10, 0)
	for name, tc := range map[string]struct {
		scores scores
		want   stats.Verdict
		look   int
		open   map[string]int
	}{
		"decided at once": {scores{"baseline": base, "easiest95": lost}, stats.Supported, 1, nil},
		"decided at once, with the runs of that look": {scores{"baseline": base[:3], "easiest95": lost[:3]}, stats.Supported, 1, nil},
		"what later seeds say does not count":         {scores{"baseline": base, "easiest95": around(-500, 2, -2, 1, 900, 900)}, stats.Supported, 1, nil},
		"refuted at once":                             {scores{"baseline": base, "easiest95": around(10)}, stats.Refuted, 1, nil},
		"decided at the second look":                  {scores{"baseline": base, "easiest95": late}, stats.Supported, 2, nil},
		"the second look is due":                      {scores{"baseline": base[:3], "easiest95": late[:3]}, stats.Inconclusive, 1, map[string]int{"easiest95": 1}},
		"half of the second look":                     {scores{"baseline": base, "easiest95": late[:4]}, stats.Inconclusive, 1, map[string]int{"easiest95": 1}},
		"never decided":                               {scores{"baseline": base, "easiest95": around(-110, wild...)}, stats.Inconclusive, 2, nil},
		"half of the first look":                      {scores{"baseline": base[:3], "easiest95": lost[:2]}, stats.Inconclusive, 0, map[string]int{"easiest95": 0}},
		"nothing":                                     {nil, model.NothingToJudge, 0, map[string]int{"easiest95": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			r := build(t, planned(t, tc.scores, "easiest95"))
			c := r.Claims[0]
			if c.Verdict != tc.want || c.Look != tc.look || c.Looks != 2 || c.Role != bench.Primary {
				t.Errorf("%s %s at look %d of %d, want %s at look %d", c.Role, c.Verdict, c.Look, c.Looks, tc.want, tc.look)
			}
			if diff := cmp.Diff(tc.open, r.Plan.Open); diff != "" {
				t.Errorf("open: %s", diff)
			}
			seeds, alpha, spent := bench.Seeds{First: 100, N: 3}, firstLevel, float64(min(1, tc.look))*firstLevel
			if tc.look == 2 {
				seeds, alpha, spent = bench.Seeds{First: 100, N: 5}, secondLevel, 0.025
			}
			if c.Seeds != seeds || math.Abs(c.Alpha-alpha) > 1e-8 || math.Abs(c.Spent-spent) > 1e-8 || c.Share != 0.025 {
				t.Errorf("seeds %v at level %v, %v of %v spent; want %v, %v, %v", c.Seeds, c.Alpha, c.Spent, c.Share, seeds, alpha, spent)
			}
			for _, p := range c.Contrasts[0].Pairs {
				if p.Seed < seeds.First || p.Seed >= seeds.First+uint64(seeds.N) {
					t.Errorf("seed %d counts", p.Seed)
				}
			}
			if c.Reproduce != "cidbench verify --claim easiest95 --tier toy" || (c.Need != nil) != (name == "never decided") {
				t.Errorf("%s, need %+v", c.Reproduce, c.Need)
			}
		})
	}
}

// What would have decided is said where all looks are taken: the seeds, and what the effect is smaller than.
func TestNeed(t *testing.T) {
	c := one(t, planned(t, scores{"baseline": base, "easiest95": around(-130, wild...)}, "easiest95"))
	want := judge.PlanSeeds(&c).Needs(c.Alpha)[0]
	if n := c.Need; n == nil || n.Seeds != want.Seeds || n.Seeds <= 5 || n.Power != judge.Power || n.Bound != c.Contrasts[0].Found.High || n.Reason != "" {
		t.Errorf("%+v, want %+v and %v", n, want, c.Contrasts[0].Found)
	}
}

// Differences of 2.4, 2.9 and 2.6 points of a gain of 40 against a margin of 2: mean 0.6333 above it, deviation
// 0.25166, so t = 4.36 with 2 degrees of freedom, p = 0.0244: enough for one look of one primary or of two, not for the
// first of two.
func TestEachLookHasItsShareOfTheLevel(t *testing.T) {
	s := scores{"baseline": {3_000, 3_000, 3_000}, "easiest95": {2_880, 2_855, 2_870}, "untrained": {1_000, 1_000, 1_000}}
	for _, tc := range []struct {
		primary []string
		looks   []int
		alpha   float64
		want    stats.Verdict
	}{
		{[]string{"easiest95"}, []int{3}, 0.05, stats.Supported}, {[]string{"easiest95", "hardest5"}, []int{3}, 0.025, stats.Supported},
		{[]string{"easiest95", "hardest5"}, []int{3, 5}, firstLevel, stats.Inconclusive},
	} {
		c := catalogue()
		c.Plans[0].Primary, c.Plans[0].Looks = tc.primary, tc.looks
		got := one(t, plannedOf(t, c, s, "easiest95"))
		x := got.Contrasts[0]
		t2 := distuv.StudentsT{Sigma: 1, Nu: 2}.Quantile(1 - tc.alpha)
		up, down := tails(t2, x.Pairs[0].Difference, x.Pairs[1].Difference, x.Pairs[2].Difference)
		half := t2 * x.Difference.SE
		for _, v := range [][2]float64{{x.Found.Value - x.Found.Low, down * x.Difference.SE / 40}, {x.Found.High - x.Found.Value, up * x.Difference.SE / 40}, {x.Difference.High - x.Difference.Estimate, half}, {x.Found.Level, 1 - 2*tc.alpha}} {
			if got.Verdict != tc.want || math.Abs(v[0]-v[1]) > 1e-6*half {
				t.Errorf("%d primaries, looks %v: %s, %v, want %s, %v", len(tc.primary), tc.looks, got.Verdict, v[0], tc.want, v[1])
			}
		}
	}
}

// What an early look's level does not show, such as a gain, a later look may.
func TestGatesOpenAtLaterLooks(t *testing.T) {
	s := scores{"baseline": base, "easiest95": lost, "untrained": {2_500, 500, 1_500, 1_000, 1_500}}
	first := scores{}
	for arm, correct := range s {
		first[arm] = correct[:3]
	}
	r := build(t, planned(t, first, "easiest95"))
	if c := r.Claims[0]; c.Look != 1 || c.P.Support < 1 || r.Plan.Open["easiest95"] != 1 {
		t.Errorf("at the first look: look %d, p %v, obstacles %q, open %v", c.Look, c.P, c.Contrasts[0].Obstacles, r.Plan.Open)
	}
	if c := one(t, planned(t, s, "easiest95")); c.Look != 2 || c.Verdict != stats.Supported {
		t.Errorf("at the second: %s at look %d, %q", c.Verdict, c.Look, c.Contrasts[0].Obstacles)
	}
}

// More seeds do not bring back a run that failed.
func TestLooksGiveUpOnFailedRuns(t *testing.T) {
	in := planned(t, scores{"baseline": base, "easiest95": around(-110, wild...)}, "easiest95")
	cell := at(t, in, "baseline", 101)
	put(in, cell, failed(cell, "diverged"))
	r := build(t, in)
	if c := r.Claims[0]; len(r.Plan.Open) > 0 || c.Look != 1 || c.Verdict != stats.Inconclusive {
		t.Errorf("open %v, %s at look %d", r.Plan.Open, c.Verdict, c.Look)
	}
}

// A secondary claim counts only once all primaries are decided, whichever way, and whether or not they are asked for.
func TestGate(t *testing.T) {
	for name, tc := range map[string]struct {
		hardest5, secondary []int
		verdict, own        stats.Verdict
		gate                []string
		open                map[string]int // where the secondary alone is asked for
	}{
		"decided":              {around(-20), around(5), stats.Supported, "", nil, nil},
		"primary refuted":      {around(-200), around(5), stats.Supported, "", nil, nil},
		"primary undecided":    {around(-100, wild...), around(5), stats.Inconclusive, stats.Supported, []string{"hardest5"}, nil},
		"refuted behind it":    {around(-100, wild...), around(-200), stats.Inconclusive, stats.Refuted, []string{"hardest5"}, nil},
		"primary waits":        {around(-80, 10, -10, 20, -10, 0)[:3], around(5), stats.Inconclusive, stats.Supported, []string{"hardest5"}, map[string]int{"hardest5": 1}},
		"primary without runs": {nil, around(5), stats.Inconclusive, stats.Supported, []string{"hardest5"}, map[string]int{"hardest5": 0}},
		"nothing to hold":      {nil, around(0, wild...), stats.Inconclusive, "", nil, map[string]int{"hardest5": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			s := scores{"baseline": base, "easiest95": lost, "hardest5": tc.hardest5, "random5": around(-300), "without-hardest": tc.secondary}
			for _, asked := range [][]string{{"unnecessary"}, {"unnecessary", "hardest5", "easiest95"}} {
				r := build(t, planned(t, s, asked...))
				c := find(t, r, "unnecessary")
				if c.Role != bench.Secondary || c.Verdict != tc.verdict || c.Own != tc.own || !slices.Equal(c.Gate, tc.gate) || c.Open() && c.Own != "" {
					t.Errorf("asked for %v: %s %s, own %q, gate %v", asked, c.Role, c.Verdict, c.Own, c.Gate)
				}
				if diff := cmp.Diff(tc.open, r.Plan.Open); diff != "" {
					t.Errorf("asked for %v, open: %s", asked, diff)
				}
			}
		})
	}
}

// Only claims whose runs all began after the plan was registered confirm; the verdict stands all the same.
func TestRegistration(t *testing.T) {
	s := scores{"baseline": base, "easiest95": lost, "hardest5": around(-20), "random5": around(-300)}
	early := func(arm string, seed uint64) func(*judge.Input) {
		return func(in *judge.Input) {
			cell := at(t, *in, arm, seed)
			run := in.Runs[cell.Spec.ID()]
			run.Manifest.Provenance.Started = in.Registered.At.Add(-time.Millisecond)
			put(*in, cell, run)
		}
	}
	for name, tc := range map[string]struct {
		change             func(*judge.Input)
		hardest, easiest   model.Registration
		confirmed, explore int
	}{
		"registered":            {func(*judge.Input) {}, model.Registered, model.Registered, 2, 0},
		"not registered":        {func(in *judge.Input) { in.Registered = nil }, model.Missing, model.Missing, 0, 2},
		"one run before":        {early("hardest5", 101), model.Early, model.Registered, 1, 1},
		"the gain's before":     {early("untrained", 100), model.Early, model.Early, 0, 2},
		"the assay's before":    {early("easiest95", 102), model.Early, model.Early, 0, 2},
		"explored before":       {early("hardest5", 1), model.Registered, model.Registered, 2, 0},
		"a later look's before": {early("hardest5", 104), model.Registered, model.Registered, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			in := planned(t, s, "hardest5", "easiest95")
			tc.change(&in)
			r := build(t, in)
			for id, want := range map[string]model.Registration{"hardest5": tc.hardest, "easiest95": tc.easiest} {
				if c := find(t, r, id); c.Registration != want || c.Verdict != stats.Supported || c.Confirms() != (want == model.Registered) {
					t.Errorf("%s is %s and %s, want %s", id, c.Verdict, c.Registration, want)
				}
			}
			if r.Confirmed.Supported != tc.confirmed || r.Explored.Supported != tc.explore || (r.Plan.Registered == nil) != (in.Registered == nil) {
				t.Errorf("%d confirmed, %d explored, registered %v", r.Confirmed.Supported, r.Explored.Supported, r.Plan.Registered)
			}
		})
	}
}

// What is asked of a claim that is supported is part of its look, so that its verdict waits for it.
func TestHalfALookDecidesNothing(t *testing.T) {
	s := scores{"baseline": base, "easiest95": lost, "hardest5": around(-20), "random5": around(-300)[:2]}
	r := build(t, planned(t, s, "hardest5"))
	if c := r.Claims[0]; c.Verdict != stats.Inconclusive || c.Look != 0 || c.Spent != 0 || c.Specific != nil || c.Contrasts[0].Alone != stats.Supported || len(r.Plan.Open) != 1 {
		t.Errorf("%s at look %d, %v spent, specific %+v, open %v", c.Verdict, c.Look, c.Spent, c.Specific, r.Plan.Open)
	}
}

// Floors are those of a look's seeds: what others have moves no verdict.
func TestFloorsAreOfTheLook(t *testing.T) {
	for _, tc := range []struct {
		seeds []uint64
		want  stats.Verdict
	}{{[]uint64{0, 1, 2, 3, 4, 103, 104}, stats.Supported}, {[]uint64{100, 101, 102}, stats.Inconclusive}} {
		in := planned(t, scores{"baseline": base, "easiest95": lost}, "easiest95", "unnecessary")
		for _, seed := range tc.seeds {
			cell := at(t, in, "untrained", seed)
			put(in, cell, complete(t, cell, testImages))
		}
		if c := find(t, build(t, in), "easiest95"); c.Verdict != tc.want {
			t.Errorf("untrained encoders of seeds %v know all: %s, want %s: %s", tc.seeds, c.Verdict, tc.want, why(c))
		}
	}
}
