package judge_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// lookAt judges made-up runs at three and at five seeds, each at 0.025.
func lookAt(t *testing.T, s scores, claims ...string) judge.Input {
	t.Helper()
	in := input(t, s, claims...)
	in.Looks = []int{3, 5}
	return in
}

func TestLooks(t *testing.T) {
	for name, tc := range map[string]struct {
		scores  scores
		stopped string
		want    stats.Verdict
		look    int
		next    int
		reason  string
	}{
		"decided at once": {scores{"baseline": base, "easiest95": around(-500)}, "", stats.Supported, 1, 0, "(95% interval"},
		"decided at once, with the runs of that look": {scores{"baseline": base[:3], "easiest95": around(-500)[:3]}, "",
			stats.Supported, 1, 0, "Decided at look 1 of 2 (3 seeds), each judged at level 0.025."},
		"what later seeds say does not count": {scores{"baseline": base, "easiest95": around(-500, 2, -2, 1, 900, 900)}, "",
			stats.Supported, 1, 0, "over 3 seeds"},
		"decided at the second look": {scores{"baseline": base, "easiest95": around(-140, 20, -20, 10, -10, 0)}, "",
			stats.Supported, 2, 0, "Decided at look 2 of 2 (5 seeds)"},
		"the second look is due": {scores{"baseline": base[:3], "easiest95": around(-140, 20, -20, 10, -10, 0)[:3]}, "",
			stats.Inconclusive, 1, 5, "Open after look 1 of 2 (3 seeds)"},
		"stopped after the first": {scores{"baseline": base, "easiest95": around(-140, 20, -20, 10, -10, 0)[:3]}, "budget of 1h spent",
			stats.Inconclusive, 1, 5, "Budget of 1h spent after look 1 of 2 (3 seeds)"},
		"never decided": {scores{"baseline": base, "easiest95": around(-110, wild...)}, "",
			stats.Inconclusive, 2, 0, "Open after look 2 of 2 (5 seeds)"},
		"half a look": {scores{"baseline": base[:3], "easiest95": around(-500)[:2]}, "budget of 1s spent",
			stats.Inconclusive, 0, 3, "Budget of 1s spent before the first of 2 planned looks was complete"},
		"nothing": {nil, "stored runs end", model.NothingToJudge, 0, 3, "Stored runs end before the first"},
	} {
		t.Run(name, func(t *testing.T) {
			in := lookAt(t, tc.scores, "easiest95")
			in.Stopped = tc.stopped
			r := build(t, in)
			c := r.Claims[0]
			if c.Verdict != tc.want || c.Look != tc.look || r.Looks.Next() != tc.next || !strings.Contains(c.Reason, tc.reason) {
				t.Errorf("%s at look %d, next %d: %s\nwant %s at look %d, next %d: %s", c.Verdict, c.Look, r.Looks.Next(), c.Reason, tc.want, tc.look, tc.next, tc.reason)
			}
			if r.Alpha != 0.025 || r.Level != 0.95 || r.Looks.Alpha != 0.05 {
				t.Errorf("levels %v, %v, %v", r.Alpha, r.Level, r.Looks.Alpha)
			}
			if c.Reproduce != "cidbench verify --claim easiest95 --tier toy --seeds auto --max-seeds 5" {
				t.Error(c.Reproduce)
			}
		})
	}
}

// Differences of 2.4, 2.9 and 2.6 points against a margin of 2: mean 0.6333 above it, deviation 0.25166, so
// t = 4.36 with 2 degrees of freedom: enough for the only look (2.92) and for the first of two (4.30), not for
// the first of four (6.21).
func TestEachLookHasItsShareOfTheLevel(t *testing.T) {
	s := scores{"baseline": {3_000, 3_000, 3_000}, "easiest95": {2_880, 2_855, 2_870}}
	for _, tc := range []struct {
		looks []int
		want  stats.Verdict
		t     float64 // critical, which the interval is made with
	}{{[]int{3}, stats.Supported, 2.91999}, {[]int{3, 5}, stats.Supported, 4.30265}, {[]int{3, 5, 8, 12}, stats.Inconclusive, 6.20535}} {
		in := input(t, s, "easiest95")
		in.Looks = tc.looks
		c := build(t, in).Claims[0]
		d := c.Contrasts[0].Difference
		if want := tc.t * d.SE; c.Verdict != tc.want || math.Abs(d.Estimate-d.Low-want) > 1e-4 || math.Abs(d.High-d.Estimate-want) > 1e-4 {
			t.Errorf("%d looks: %s, interval %v to %v, want %s and a half-width of %v", len(tc.looks), c.Verdict, d.Low, d.High, tc.want, want)
		}
	}
}

// One claim is decided at the first look and keeps what it was decided on; the other goes on, and no longer
// pays for it.
func TestLooksOfAFamily(t *testing.T) {
	in := lookAt(t, scores{
		"baseline": base, "easiest95": around(-500)[:3], "without-hardest": around(2, 40, -40, 20, -20, 0),
	}, "easiest95", "unnecessary")
	r := build(t, in)
	i := slices.IndexFunc(r.Claims, func(c model.Claim) bool { return c.ID == "unnecessary" })
	late, early := r.Claims[i], r.Claims[1-i]
	if early.Look != 1 || early.Verdict != stats.Supported || early.Contrasts[0].N != 3 || late.Look != 2 || late.Contrasts[0].N != 5 {
		t.Errorf("looks %d (%s) and %d", early.Look, early.Reason, late.Look)
	}
	if want := 2 * late.Raw.Support; math.Abs(late.Corrected.Support-want) > 1e-12 {
		t.Errorf("p %v, want %v", late.Corrected.Support, want)
	}
	if r.Looks.Taken != 2 || r.Tier.Seeds != 5 {
		t.Errorf("%+v", r.Looks)
	}
}

// More seeds do not bring back a run that failed.
func TestLooksGiveUpOnFailedRuns(t *testing.T) {
	in := lookAt(t, scores{"baseline": base, "easiest95": around(-110, wild...)}, "easiest95")
	cell := at(t, in, "baseline", 1)
	put(in, cell, failed(cell, "diverged"))
	r := build(t, in)
	if c := r.Claims[0]; r.Looks.Next() != 0 || c.Look != 1 || !strings.Contains(c.Reason, "Given up at look 1 of 2") {
		t.Errorf("next %d: %s", r.Looks.Next(), c.Reason)
	}
}

// A fixed number of seeds is one look at the whole level.
func TestOneLookIsAFixedNumberOfSeeds(t *testing.T) {
	fixed := showcase(t)
	once := showcase(t)
	once.Looks = []int{5}
	want, got := build(t, fixed), build(t, once)
	for i := range want.Claims {
		if diff := cmp.Diff(want.Claims[i].Contrasts, got.Claims[i].Contrasts); diff != "" {
			t.Error(diff)
		}
	}
	if want.Looks != nil || got.Alpha != want.Alpha || got.Level != want.Level {
		t.Errorf("%v and %v, %v and %v", got.Alpha, want.Alpha, got.Level, want.Level)
	}
}
