package judge_test

import (
	"math"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/stats"
)

func planOf(t *testing.T, s scores, claim string) judge.Plan {
	t.Helper()
	if s["untrained"] == nil && s != nil {
		s["untrained"] = []int{1_000, 1_000, 1_000, 1_000, 1_000}
	}
	c := one(t, input(t, s, claim))
	return judge.PlanSeeds(&c)
}

// Differences of 2, 3 and 4 points of a gain of 40 against a margin of 5%, which is 2 points: mean 7.5%, deviation
// 2.5%, and a bound of sqrt(2 / (-2 ln 0.8)) = 2.1169 times that on it. Sizes for the effects of 1 and 1/2.1169 are
// checked below.
func TestPlanOfPairs(t *testing.T) {
	s := scores{"baseline": {3_000, 3_000, 3_000}, "easiest95": {2_900, 2_850, 2_800}}
	p := planOf(t, s, "easiest95")
	x := p.Contrasts[0]
	for name, v := range map[string][2]float64{"estimate": {x.Estimate, 0.075}, "deviation": {x.SD, 0.025}, "bound": {x.SDBound, 0.025 * 2.1169}, "distance": {x.Distance, 0.025}} {
		if math.Abs(v[0]-v[1]) > 1e-5 {
			t.Errorf("%s %v, want %v", name, v[0], v[1])
		}
	}
	if p.Pairs != 3 || x.Unit != "share of the gain" || x.Toward != stats.Supported {
		t.Errorf("%+v", p)
	}
	for _, tc := range []struct {
		alpha           float64
		observed, bound int
		t               float64 // critical, for the width at the observed spread
	}{{0.05, 8, 30, 1.8946}, {0.025, 10, 38, 2.2622}} {
		needs := p.Needs(tc.alpha)
		if needs[0].Seeds != tc.observed || needs[1].Seeds != tc.bound || needs[0].Alpha != tc.alpha {
			t.Errorf("at %v: %+v, want %d and %d seeds", tc.alpha, needs, tc.observed, tc.bound)
		}
		if want := 0.025 * tc.t / math.Sqrt(float64(tc.observed)); math.Abs(needs[0].HalfWidth-want) > 1e-5 {
			t.Errorf("at %v: half-width %v, want %v", tc.alpha, needs[0].HalfWidth, want)
		}
	}
}

func TestPlanFollowsTheVerdict(t *testing.T) {
	for name, tc := range map[string]struct {
		claim  string
		scores scores
		toward stats.Verdict
		seeds  int
		reason string
	}{
		// Mean 1 point under 2 and deviation 1: as above, on the other side.
		"toward refuted": {"easiest95", scores{"baseline": {3_000, 3_000, 3_000}, "easiest95": {3_000, 2_950, 2_900}}, stats.Refuted, 8, ""},
		// Both bounds must be cleared, so 0.9 for each.
		"toward equivalent": {"unnecessary", scores{"baseline": {3_000, 3_000, 3_000}, "without-hardest": {2_950, 3_000, 3_050}}, stats.Supported, 11, ""},
		// Mean 2, so 1 outside, and either side counts: 10 seeds, as at 0.025 above.
		"toward different":  {"unnecessary", scores{"baseline": {3_000, 3_000, 3_000}, "without-hardest": {3_050, 3_100, 3_150}}, stats.Refuted, 10, ""},
		"certain":           {"easiest95", scores{"baseline": base, "easiest95": around(-500)}, stats.Supported, 3, ""},
		"on the margin":     {"easiest95", scores{"baseline": {3_000, 3_000, 3_000}, "easiest95": {2_950, 2_900, 2_850}}, stats.Supported, 0, "so near the margin that not even 10000 seeds"},
		"without spread":    {"easiest95", scores{"baseline": {3_000, 3_000}, "easiest95": {2_800, 2_800}}, stats.Supported, 0, "no spread"},
		"refuted by either": {"harder", scores{"baseline": base, "hardest5": around(-10), "random5": around(200, 10, -10, 5, -5, 0)}, stats.Supported, 3, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := planOf(t, tc.scores, tc.claim)
			n := p.Needs(0.05)[0]
			if p.Contrasts[0].Toward != tc.toward || n.Seeds != tc.seeds || !strings.Contains(n.Reason, tc.reason) || (n.Seeds == 0) != (n.Reason != "") {
				t.Errorf("toward %s: %+v, want %s with %d seeds", p.Contrasts[0].Toward, n, tc.toward, tc.seeds)
			}
		})
	}
	for _, s := range []scores{nil, {"baseline": {3_000}, "easiest95": {2_900}}} {
		if p := planOf(t, s, "easiest95"); p.Pairs > 1 || p.Needs(0.05) != nil {
			t.Errorf("a plan from %d pairs: %+v", p.Pairs, p.Needs(0.05))
		}
	}
}

// The sizes that the tests above expect are the least with the power asked for.
func TestPlannedSeedsHaveThePower(t *testing.T) {
	for _, tc := range []struct {
		seeds            int
		sd, alpha, power float64
	}{{8, 1, 0.05, 0.8}, {10, 1, 0.025, 0.8}, {11, 1, 0.05, 0.9}, {30, 2.1169, 0.05, 0.8}, {38, 2.1169, 0.025, 0.8}} {
		enough, err := stats.Power(tc.seeds, tc.sd, 1, tc.alpha)
		fewer, err2 := stats.Power(tc.seeds-1, tc.sd, 1, tc.alpha)
		if err != nil || err2 != nil || enough < tc.power || fewer >= tc.power {
			t.Errorf("power %v with %d seeds, %v with one fewer, want %v", enough, tc.seeds, fewer, tc.power)
		}
	}
}
