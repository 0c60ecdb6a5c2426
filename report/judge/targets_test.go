package judge_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// embedded gives a result the accuracy of neighbours in the space of embeddings, nine tenths of the linear one, if the
// run's probe has them.
func embedded(cell bench.Cell, r *bench.Result) {
	if !strings.Contains(cell.Spec.Probe, "weighted") {
		return
	}
	r.Accuracy.Weighted = r.Accuracy.Linear * 9 / 10
	for i := range r.Curve {
		r.Curve[i].Accuracy.Weighted = r.Curve[i].Accuracy.Linear * 9 / 10
	}
}

// learned is a baseline at 60 points (after a quarter of training at 30, or 27 by its neighbours), and what loses 10.
var learned = scores{"baseline": base, "easiest95": lost}

// atEnd and atQuarter are figures of the linear probe at the end, and of the neighbours after a quarter of training.
func atEnd(figures ...float64) bench.Target {
	return bench.Target{Arm: "baseline", Measure: bench.Linear, At: 1, Figures: figures, SD: 0.5, Source: "a paper", Spread: "of other people"}
}

func atQuarter(figures ...float64) bench.Target {
	x := atEnd(figures...)
	x.Measure, x.At = bench.Weighted, 0.25
	return x
}

func watchedAtEnd(figures ...float64) bench.Target {
	x := atQuarter(figures...)
	x.At = 1
	return x
}

// targeted is an input whose tier has targets.
func targeted(t *testing.T, s scores, targets []bench.Target, claims ...string) judge.Input {
	t.Helper()
	return inputOf(t, withTargets(targets...), s, claims...)
}

func withTargets(targets ...bench.Target) *bench.Catalogue {
	c := catalogue()
	plain := tier()
	plain.ID = "plain" // has the probe that the claims name
	c.Tiers = append(c.Tiers, plain)
	c.Tiers[0].Targets, c.Tiers[0].Probe.Weighted = targets, probe.Weighted{Neighbours: 20, Temperature: 0.1}
	return c
}

func TestTargets(t *testing.T) {
	for _, x := range []struct {
		name    string
		scores  scores
		targets []bench.Target
		held    []model.Held
		reason  string // for which nothing is decided
	}{
		{"inside", learned, []bench.Target{atEnd(60.5), atQuarter(27.2)}, []model.Held{model.Inside, model.Inside}, ""},
		{"outside at the end", learned, []bench.Target{atEnd(63), atQuarter(27.2)}, []model.Held{model.Outside, model.Inside},
			"Not the same experiment yet: baseline is at 60.12 points by the linear probe at the end, where 61.88 to 64.12 is expected of what is published (63.00)."},
		{"above", learned, []bench.Target{atEnd(58)}, []model.Held{model.Outside}, "baseline is at 60.12 points"},
		{"outside at a checkpoint", learned, []bench.Target{atEnd(60.5), atQuarter(30)}, []model.Held{model.Inside, model.Outside},
			"baseline is at 27.04 points by the neighbours of embeddings after step 60 of 240"},
		{"several seeds", learned, []bench.Target{atEnd(63, 60, 66)}, []model.Held{model.Inside}, ""},
	} {
		claim := find(t, build(t, targeted(t, x.scores, x.targets)), "easiest95")
		r := build(t, targeted(t, x.scores, x.targets, "easiest95", "detrimental"))
		if claim.Verdict != find(t, r, "easiest95").Verdict {
			t.Errorf("%s: the verdict depends on what is asked", x.name)
		}
		var held []model.Held
		for _, target := range r.Targets {
			held = append(held, target.Held)
		}
		if !slices.Equal(held, x.held) {
			t.Errorf("%s: %v, want %v", x.name, held, x.held)
		}
		claim = find(t, r, "easiest95")
		if x.reason == "" {
			if claim.Verdict != stats.Supported || claim.Own != "" || claim.Reference != "" {
				t.Errorf("%s: %s, by itself %q (%s)", x.name, claim.Verdict, claim.Own, claim.Reason)
			}
			continue
		}
		if claim.Verdict != stats.Inconclusive || claim.Own != stats.Supported || !strings.Contains(claim.Reason, x.reason) {
			t.Errorf("%s: %s, by itself %q: %s", x.name, claim.Verdict, claim.Own, claim.Reason)
		}
		if none := find(t, r, "detrimental"); none.Verdict != model.NothingToJudge { // which stays nothing
			t.Errorf("%s: a claim without runs is %s", x.name, none.Verdict)
		}
		if r.Explored.Supported != 0 || r.ExitCode() != model.ExitInconclusive {
			t.Errorf("%s: counted as %+v, exit code %d", x.name, r.Explored, r.ExitCode())
		}
	}
}

// The band of a figure alone is that of implementations, and all of a tier's hold together.
func TestBandsOfTargets(t *testing.T) {
	r := build(t, targeted(t, learned, []bench.Target{atEnd(60), atQuarter(27)}, "easiest95"))
	const z = 2.2414 // of 1 - 0.05/2/2
	for i, mean := range []float64{60, 27} {
		if b := r.Targets[i].Band; math.Abs(b.Low-(mean-0.5*z)) > 1e-3 || math.Abs(b.High-(mean+0.5*z)) > 1e-3 || math.Abs(b.Level-0.975) > 1e-9 {
			t.Errorf("%+v", b)
		}
		if x := r.Targets[i]; x.SeedsHalf != 0 || math.Abs(x.ImplementationsHalf-0.5*z) > 1e-3 {
			t.Errorf("half widths %g and %g", x.SeedsHalf, x.ImplementationsHalf)
		}
	}
	// Of three seeds the mean and the deviation may be all that is published.
	target := atEnd(60)
	target.SeedsSD, target.SeedsN = 0.3, 3
	r = build(t, targeted(t, learned, []bench.Target{target}, "easiest95"))
	seeds, implementations := 4.302653*0.3*math.Sqrt(4./3), 1.959964*0.5
	if x := r.Targets[0]; math.Abs(x.SeedsHalf-seeds) > 1e-4 || math.Abs(x.ImplementationsHalf-implementations) > 1e-4 || math.Abs(x.Band.High-60-math.Hypot(seeds, implementations)) > 1e-4 {
		t.Errorf("%+v", x)
	}
}

// A claim of a plan is held back as well, at whichever look.
func TestTargetsAndPlans(t *testing.T) {
	for _, missed := range []bool{false, true} {
		figure := 60.
		if missed {
			figure = 70
		}
		c := find(t, build(t, plannedOf(t, withTargets(atEnd(figure)), learned, "easiest95")), "easiest95")
		if (c.Verdict == stats.Inconclusive) != missed || (c.Own == stats.Supported) != missed || c.Look == 0 {
			t.Errorf("missed %t: %s, by itself %q, look %d: %s", missed, c.Verdict, c.Own, c.Look, c.Reason)
		}
	}
}

// What was not run is no miss. Runs that are not finished are held against figures as far as they have come, unless some
// are, and failed ones never.
func TestTargetsThatAreMissing(t *testing.T) {
	in := targeted(t, scores{"easiest95": lost}, []bench.Target{atEnd(60), atQuarter(27)}, "easiest95")
	r := build(t, in)
	if x := r.Targets[0]; x.Held != model.Unmeasured || x.Mean != nil || find(t, r, "easiest95").Reference != "" {
		t.Errorf("%+v", x)
	}
	begun := complete(t, at(t, in, "baseline", 0), 3_000).Result.Curve[:1]
	in.Begun = map[string][]bench.CurvePoint{at(t, in, "baseline", 0).Spec.ID(): begun}
	r = build(t, in)
	if x := r.Targets; x[0].Held != model.Unmeasured || x[1].Held != model.Inside || !x[1].Begun || *x[1].Mean != 27 {
		t.Errorf("%+v", x)
	}
	put(in, at(t, in, "baseline", 1), complete(t, at(t, in, "baseline", 1), 4_000))
	put(in, at(t, in, "baseline", 2), failed(at(t, in, "baseline", 2), "the loss is NaN"))
	r = build(t, in)
	if x := r.Targets[1]; x.Held != model.Outside || x.Begun || !slices.Equal(x.Seeds, []uint64{1}) || *x.Mean != 36 {
		t.Errorf("%+v", x)
	}
}

// A claim has the same verdict where the arms that are held against figures are none of its own.
func TestTargetsOfOtherArms(t *testing.T) {
	s := scores{"baseline": base, "baseline@low": base, "without-hardest@low": around(300)}
	for _, figure := range []float64{60, 70} {
		c := one(t, targeted(t, s, []bench.Target{atEnd(figure)}, "detrimental"))
		if missed := figure == 70; (c.Verdict == stats.Inconclusive) != missed || (c.Reference != "") != missed {
			t.Errorf("%g: %s (%s)", figure, c.Verdict, c.Reason)
		}
	}
}

func TestRunsWithTooManyRight(t *testing.T) {
	in := targeted(t, learned, []bench.Target{atQuarter(27)}, "easiest95")
	cell := at(t, in, "baseline", 0)
	run := in.Runs[cell.Spec.ID()]
	run.Result.Curve[0].Accuracy.Weighted = testImages + 1
	put(in, cell, run)
	if r := build(t, in); r.Tier.RunsFailed != 1 || slices.Contains(r.Targets[0].Seeds, 0) || run.Manifest.Status != registry.Complete {
		t.Errorf("%+v", r.Tier)
	}
}
