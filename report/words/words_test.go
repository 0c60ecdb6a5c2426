package words_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

var gain = bench.Gain{Of: "all", Over: "untrained"}

func estimate(value, low, high, level float64) *model.Estimate {
	return &model.Estimate{Value: value, Interval: stats.Interval{Low: low, High: high, Level: level}}
}

// sufficient is a contrast of no loss that was found to gain 15.2% of the gain.
func sufficient() model.Contrast {
	return model.Contrast{
		A: "hardest5", B: "all", Relation: bench.NonInferior, Margin: 0.05, Bounds: []float64{-0.05}, N: 8,
		Found:      estimate(0.152, 0.06, 0.251, 0.9886),
		Difference: &stats.MeanDifference{Estimate: 3.1, SE: 1, Interval: stats.Interval{Low: 1, High: 5.2, Level: 0.9886}},
		P:          &stats.Evidence{Support: 0.0002, Refute: 0.9998}, Alone: stats.Supported,
	}
}

// agreement is a statistic compared with that of another arm's encoders.
func agreement() model.Contrast {
	b := 0.12
	return model.Contrast{
		A: "all", B: "untrained", Statistic: "hard-stability", HasNull: true, Relation: bench.Greater, Margin: 0.1, Bounds: []float64{0.1}, N: 5,
		MeanB: &b, Found: estimate(0.31, 0.2, 0.42, 0.9),
		Difference: &stats.MeanDifference{Estimate: 0.31, SE: 0.05, Interval: stats.Interval{Low: 0.2, High: 0.42, Level: 0.9}},
		P:          &stats.Evidence{Support: 0.001, Refute: 0.999}, Alone: stats.Supported,
	}
}

func trend() model.Contrast {
	return model.Contrast{
		A: "drop hardest", Statistic: model.Trend, Relation: bench.Greater, Margin: 0.5, Bounds: []float64{0.5}, N: 3,
		Found: estimate(0.93, 0.81, 1.05, 0.9), Alone: stats.Supported,
	}
}

func TestContrasts(t *testing.T) {
	equivalent := sufficient()
	equivalent.Relation, equivalent.Bounds, equivalent.Found = bench.Equivalent, []float64{-0.05, 0.05}, nil
	chance := agreement()
	chance.B, chance.Bounds = model.Chance, []float64{0}
	for _, tc := range []struct {
		x                          model.Contrast
		found, asks, points, named string
	}{
		{sufficient(), "+15.2% (+6.0% to +25.1%) of the gain", "above -5%", "+3.10", "hardest5 - all"},
		{equivalent, "no interval", "within 5%", "+3.10", "hardest5 - all"},
		{agreement(), "+0.3100 (+0.2000 to +0.4200) from untrained", "above untrained by 0.1", "-", "hard-stability of all"},
		{chance, "+0.3100 (+0.2000 to +0.4200) from chance", "above chance", "-", "hard-stability of all"},
		{trend(), "+0.9300 (+0.8100 to +1.050)", "above 0.5", "-", "trend of drop hardest"},
	} {
		for what, pair := range map[string][2]string{
			"found": {words.Found(tc.x), tc.found}, "asks": {words.Asks(tc.x), tc.asks}, "points": {words.Points(tc.x), tc.points}, "name": {words.Name(tc.x), tc.named},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
			}
		}
	}
	if got := words.PointsInterval(sufficient()); got != "+1.00 to +5.20 (98.86%)" {
		t.Errorf("points without their level: %s", got)
	}
}

// What an arm recovers is read off a contrast with the arm that has the whole gain, on whichever side that is.
func TestRecovered(t *testing.T) {
	loss := sufficient()
	loss.A, loss.B = "all", "easiest95"
	neither := sufficient()
	neither.B = "random5"
	for want, x := range map[string]model.Contrast{
		"hardest5 recovers 115% (106% to 125%) of the gain": sufficient(),
		"easiest95 recovers 85% (75% to 94%) of the gain":   loss,
		"": neither,
	} {
		if got := words.Recovered(x, gain); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := words.Recovered(agreement(), gain); got != "" {
		t.Errorf("a statistic recovers nothing: %q", got)
	}
}

func primary() model.Claim {
	return model.Claim{
		ID: "hardest5", Role: bench.Primary, Registration: model.Registered, Contrasts: []model.Contrast{sufficient()},
		P: stats.Evidence{Support: 0.0002, Refute: 0.9998}, Alpha: 0.0057, Spent: 0.0056, Share: 0.025,
		Verdict: stats.Supported, Look: 2, Looks: 3, Seeds: bench.Seeds{First: 100, N: 8}, Runs: []model.RunRef{{Arm: "all"}},
	}
}

func TestVerdict(t *testing.T) {
	specific := func(alone stats.Verdict) model.Claim {
		c, x := primary(), sufficient()
		x.B, x.Alone = "random5", alone
		c.Specific = &x
		return c
	}
	gated := primary()
	gated.Verdict, gated.Own, gated.Gate = stats.Inconclusive, stats.Supported, []string{"without-hardest5"}
	meaningless := specific(stats.Refuted)
	meaningless.Machinery = true
	early := primary()
	early.Registration = model.Early
	untestable := primary()
	untestable.Role, untestable.Verdict = bench.Exploratory, model.NotTestable
	for want, c := range map[string]model.Claim{
		"✓ supported":                             primary(),
		"✓ supported, and specific":               specific(stats.Supported),
		"✓ supported, not specific":               specific(stats.Refuted),
		"✓ supported, specificity not settled":    specific(stats.Inconclusive),
		"? inconclusive, by itself supported":     gated,
		"✓ supported (meaningless), not specific": meaningless,
		"✓ supported (exploratory)":               early,
		"○ not testable here":                     untestable,
	} {
		if got := words.Standing(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestReason(t *testing.T) {
	r := &model.Report{Plan: &model.Plan{Looks: []int{5, 8, 12}}, Gain: gain}
	assay := sufficient()
	assay.A, assay.B, assay.Alone = "all", "easiest95", stats.Inconclusive
	for name, tc := range map[string]struct {
		change func(*model.Claim)
		want   string
	}{
		"supported": {func(*model.Claim) {}, "Accuracy of hardest5 - all is +15.2% of the gain (98.86% interval +6.0% to +25.1% over 8 seeds; +3.10 points), above -5%; p 0.0002. " +
			"Decided at look 2 of 3 (seeds 100 to 107), at one-sided level 0.0057."},
		"gated": {func(c *model.Claim) {
			c.Verdict, c.Own, c.Gate = stats.Inconclusive, stats.Supported, []string{"a", "b"}
		}, "p 0.0002. A secondary claim counts only once all primaries are decided; open: a, b. Decided at look 2 of 3"},
		"no assay": {func(c *model.Claim) { c.Verdict, c.Assay = stats.Inconclusive, &assay },
			"above -5%, but the same runs do not show a loss that is known, so they support no claim of no loss: accuracy of all - easiest95 is"},
		"open":      {func(c *model.Claim) { c.Verdict = stats.Inconclusive; c.Contrasts[0].Alone = c.Verdict }, "which does not settle on which side of -5% it lies. Open after look 2 of 3"},
		"last look": {func(c *model.Claim) { c.Verdict, c.Look = stats.Inconclusive, 3 }, "Not decided at look 3 of 3 (seeds 100 to 107), at one-sided level 0.0057, the last."},
		"no look": {func(c *model.Claim) {
			c.Verdict, c.Look, c.Contrasts[0].Obstacles = stats.Inconclusive, 0, []string{"all was not run (seed 104)"}
		},
			"Not judged: hardest5 - all: all was not run (seed 104). Runs are missing before the first of 3 looks was complete (seeds 100 to 107), so nothing is decided."},
		"exploratory": {func(c *model.Claim) { c.Role, c.Look, c.Looks = bench.Exploratory, 0, 0 }, "above -5%; p 0.0002."},
		"not testable": {func(c *model.Claim) { c.Verdict, c.NotTestable, c.Looks = model.NotTestable, "we drew the tree", 0 },
			"Not testable here: we drew the tree. As an illustration, accuracy of hardest5 - all is +15.2%"},
	} {
		t.Run(name, func(t *testing.T) {
			c := primary()
			tc.change(&c)
			if got := words.Reason(&c, r); !strings.Contains(got, tc.want) {
				t.Errorf("%q\nlacks %q", got, tc.want)
			}
		})
	}
}

func TestRole(t *testing.T) {
	r := &model.Report{Tier: model.Tier{ID: "default"}, Provenance: model.Provenance{Command: "cidbench report --tier default"}}
	for registration, want := range map[model.Registration]string{
		model.Registered: "primary claim of the plan; all its runs began after",
		model.Early:      "exploratory here: primary claim of the plan, but some of its runs began before",
		model.Missing:    "not registered in this registry; `cidbench plan --register --tier default` does that",
	} {
		c := primary()
		c.Registration = registration
		if got := words.RoleInFull(c, r); !strings.Contains(got, want) {
			t.Errorf("%s: %q lacks %q", registration, got, want)
		}
	}
	c := primary()
	c.Role, c.Alpha, c.Seeds = bench.Exploratory, 0.05, bench.Explored(5)
	if got := words.RoleInFull(c, r); !strings.Contains(got, "confirmed by no plan: judged once on seeds 0 to 4, at 5% in either direction, uncorrected") {
		t.Error(got)
	}
}

func TestNeed(t *testing.T) {
	c := primary()
	c.Need = &model.Need{Seeds: 120, Power: 0.8, Bound: 0.084}
	if got, want := words.Need(c), "80% power would need 120 seeds if the effect is as observed; shown so far: the effect is smaller than 8.4% of the gain either way"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	c.Need = &model.Need{Power: 0.8, Reason: "it lies on the margin"}
	if got, want := words.Need(c), "no number of seeds can be named that decides: it lies on the margin"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTallies(t *testing.T) {
	got := words.Tallies(model.Tally{Supported: 5, Refuted: 1, Inconclusive: 1}, model.Tally{Refuted: 1, NothingToJudge: 2, NotTestable: 2})
	want := []string{
		"7 claims of the plan: 5 supported, 1 refuted, 1 inconclusive.",
		"3 exploratory claims, none of them confirmed: 0 supported, 1 refuted, 0 inconclusive, 2 with nothing to judge.",
		"2 claims not testable here, counted apart.",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestKeptTo(t *testing.T) {
	now := time.Unix(0, 0)
	early := primary()
	early.ID, early.Registration = "late-plan", model.Early
	for _, tc := range []struct {
		registered *time.Time
		claims     []model.Claim
		want       string
	}{
		{&now, []model.Claim{primary()}, "every confirmatory run began after the registration"},
		{&now, []model.Claim{primary(), early}, "exploratory here: late-plan"},
		{nil, []model.Claim{early}, "none came after a registration"},
		{&now, nil, "no claim of the plan is shown here"},
	} {
		if got := words.KeptTo(&model.Report{Plan: &model.Plan{Registered: tc.registered}, Claims: tc.claims}); !strings.Contains(got, tc.want) {
			t.Errorf("%q lacks %q", got, tc.want)
		}
	}
}

// The method explains the plan where there is one, and nothing of what is gone.
func TestMethod(t *testing.T) {
	with := strings.Join(words.Method(&model.Report{Gain: gain, Plan: &model.Plan{Alpha: 0.05, Looks: []int{5, 8, 12}}}), "\n")
	without := strings.Join(words.Method(&model.Report{Gain: gain}), "\n")
	for _, want := range []string{"Fieller", "accuracy of all over that of untrained", "assay", "specific"} {
		if !strings.Contains(without, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, want := range []string{"5, 8 and 12 seeds, by Lan and DeMets'", "a claim of the plan has one verdict"} {
		if !strings.Contains(with, want) || strings.Contains(without, want) {
			t.Errorf("%q belongs where there is a plan, and there alone", want)
		}
	}
}

func TestAlpha(t *testing.T) {
	for a, want := range map[float64]string{0: "0", 0.05: "0.05", 0.025: "0.025", 0.01667: "0.017", 0.00053: "0.00053", 0.0000664: "0.000066", 0.1: "0.1", 0.0999: "0.1"} {
		if got := words.Alpha(a); got != want {
			t.Errorf("%v: %s, want %s", a, got, want)
		}
	}
}

func TestStillOpen(t *testing.T) {
	p := &model.Plan{Looks: []int{5, 8, 12}, Open: map[string]int{"b": 0, "a": 0, "c": 2}, Stopped: "stored runs end"}
	if got, want := words.StillOpen(p), "look 1 of 3 for a, b; look 3 of 3 for c (stored runs end)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := words.StillOpen(&model.Plan{Looks: p.Looks, Stopped: p.Stopped}); got != "" {
		t.Errorf("nothing is open: %q", got)
	}
}

func TestDiffers(t *testing.T) {
	for want, verdicts := range map[string][2]stats.Verdict{
		"whether it holds depends on temperature": {stats.Supported, stats.Refuted},
		"no evidence of a difference":             {stats.Supported, stats.Inconclusive},
		"":                                        {stats.Inconclusive, model.NothingToJudge},
	} {
		row := model.Across{Claim: "a", At: []model.AtTemperature{{Temperature: 0.2, Verdict: verdicts[0]}, {Temperature: 0.07, Verdict: verdicts[1]}}}
		if got := words.Differs(row); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%v: %q, want %q", verdicts, got, want)
		}
	}
}

// The band of a target is told with what makes it as wide as it is.
func TestHalfWidths(t *testing.T) {
	for want, target := range map[string]model.Target{
		"1.04 points by implementations; nothing is published of seeds": {Target: bench.Target{Figures: []float64{60}, SD: 0.53}, ImplementationsHalf: 1.04},
		"0.50 points by 5 seeds": {Target: bench.Target{Figures: []float64{1, 2, 3, 4, 5}}, SeedsHalf: 0.5},
		"1.39 points by 3 seeds, 1.04 by implementations: the root of the sum of their squares": {Target: bench.Target{Figures: []float64{77.88}, SeedsSD: 0.28, SeedsN: 3, SD: 0.53}, SeedsHalf: 1.39, ImplementationsHalf: 1.04},
	} {
		if got := words.HalfWidths(target); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
