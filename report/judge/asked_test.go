package judge_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
)

// TestExploratoryClaimsMoveNoOther: nothing is corrected for a claim outside the plan, nor it for others.
func TestExploratoryClaimsMoveNoOther(t *testing.T) {
	s := scores{"baseline": base, "easiest95": lost, "hardest5": around(10, 40, -30, 20, -35, 5), "random5": around(-20), "without-hardest": around(5)}
	judged := func(exploratory ...string) map[string]model.Claim {
		c := catalogue()
		c.Claims = slices.DeleteFunc(c.Claims, func(x *bench.Claim) bool { return x.Temperature == low || len(x.Trends) > 0 })
		for _, id := range exploratory {
			c.Claims = append(c.Claims, claim(id, 0, bench.Contrast{A: "hardest5", B: "baseline", Relation: bench.Greater, Margin: 0.05}))
		}
		all := map[string]model.Claim{}
		for _, x := range build(t, plannedOf(t, c, s)).Claims {
			all[x.ID] = x
		}
		return all
	}
	before, one, two := judged(), judged("new"), judged("newer", "new")
	if len(before) < 3 {
		t.Fatalf("%d claims", len(before))
	}
	for id, want := range before {
		if diff := cmp.Diff(want, one[id]); diff != "" {
			t.Errorf("%s moved: %s", id, diff)
		}
	}
	if diff := cmp.Diff(one["new"], two["new"]); diff != "" {
		t.Errorf("one exploratory claim moves another: %s", diff)
	}
	added := one["new"]
	if added.Role != bench.Exploratory || added.Alpha != model.Alpha || added.Seeds != bench.Explored(5) || added.Registration != "" {
		t.Errorf("%+v", added)
	}
}

// TestNotTestableIsCountedApart: what was measured is shown all the same.
func TestNotTestableIsCountedApart(t *testing.T) {
	r := build(t, observed(t, "anticorrelated", "semantic"))
	c := find(t, r, "anticorrelated")
	if c.Verdict != model.NotTestable || c.NotTestable != "who draws the tree decides" || c.Contrasts[0].Found == nil {
		t.Errorf("%s: %s: %+v", c.Verdict, c.NotTestable, c.Contrasts)
	}
	if want := (model.Tally{Supported: 1, NotTestable: 1}); r.Explored != want || r.Explored.Testable() != 1 || r.ExitCode() != model.ExitSupported {
		t.Errorf("%+v, exit %d", r.Explored, r.ExitCode())
	}
}

// TestNearRunsAreNamed: where the runs that are asked for are not there and others are, the verdict says what
// differs, and the notes which runs come nearest.
func TestNearRunsAreNamed(t *testing.T) {
	in := input(t, scores{"easiest95": around(-500)}, "easiest95")
	in.Near = map[string]judge.Near{}
	for _, cell := range in.Cells {
		if cell.Arm == "baseline" {
			in.Near[cell.Spec.ID()] = judge.Near{Run: "0123456789abcdef", Differences: []bench.Difference{{Path: "training.config.steps", A: "120", B: "240"}}}
		}
	}
	r := build(t, in)
	c := r.Claims[0]
	if c.Verdict != model.NotAsAsked || r.Explored.NotAsAsked != 1 || r.Explored.NothingToJudge != 0 || r.ExitCode() != model.ExitNothing {
		t.Errorf("%s, tally %+v, exit %d", c.Verdict, r.Explored, r.ExitCode())
	}
	if want := "baseline was not run as the catalogue asks, stored runs differ in training.config.steps (120 stored, 240 asked) (seeds 0, 1, 2, 3, 4)"; !strings.Contains(why(c), want) {
		t.Errorf("%s\nwant %s", why(c), want)
	}
	if len(c.Notes) == 0 || !strings.Contains(r.Notes[c.Notes[0]-1], "run 0123456789abcdef") {
		t.Errorf("notes %v of %q", c.Notes, r.Notes)
	}
	in.Near = nil
	if c := build(t, in).Claims[0]; c.Verdict != model.NothingToJudge {
		t.Errorf("with nothing near: %s", c.Verdict)
	}
}

// TestDifferentSourceIsSaid: a contrast over runs that different source computed has a footnote, and its verdict.
func TestDifferentSourceIsSaid(t *testing.T) {
	in := input(t, scores{"baseline": base, "easiest95": around(-500)}, "easiest95")
	verdict := build(t, in).Claims[0].Verdict
	cell := at(t, in, "baseline", 2)
	run := in.Runs[cell.Spec.ID()]
	run.Manifest.Provenance.Code = "sha256:beef"
	put(in, cell, run)
	r := build(t, in)
	c := r.Claims[0]
	says := slices.ContainsFunc(c.Notes, func(n int) bool { return strings.Contains(r.Notes[n-1], "their code digests differ") })
	if !says || c.Verdict != verdict {
		t.Errorf("verdict %s, was %s; notes %v of %q", c.Verdict, verdict, c.Notes, r.Notes)
	}
}
