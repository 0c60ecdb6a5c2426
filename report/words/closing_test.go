package words_test

import (
	"slices"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// A line for each claim says what decided it, and whether a plan did; where nothing was judged it says why.
func TestClosing(t *testing.T) {
	r := &model.Report{
		Tier: model.Tier{ID: "default", RunsPresent: 20},
		Claims: []model.Claim{
			{ID: "hardest5", Verdict: stats.Supported, Role: bench.Primary, Registration: model.Registered, Looks: 3, Contrasts: []model.Contrast{sufficient()}},
			{ID: "consistency", Verdict: stats.Inconclusive, Role: bench.Exploratory, Contrasts: []model.Contrast{agreement(), agreement()}},
			{ID: "same-class", Verdict: model.NothingToJudge, Role: bench.Exploratory, Contrasts: []model.Contrast{{}}, Reason: "Nothing was measured: all was not run."},
			{ID: "semantic", Verdict: model.NotTestable, Role: bench.Exploratory, Contrasts: []model.Contrast{{}}},
		},
		Confirmed: model.Tally{Supported: 1}, Explored: model.Tally{Inconclusive: 1, NothingToJudge: 1, NotTestable: 1},
	}
	want := []string{
		"✓ supported hardest5 +15.2% (+6.0% to +25.1%) of the gain, asks above -5%, 8 seeds",
		"? inconclusive consistency +0.3100 (+0.2000 to +0.4200) from untrained, asks above untrained by 0.1, 5 seeds, and more; exploratory",
		"∅ nothing to judge same-class: Nothing was measured: all was not run.",
		"○ not testable here semantic",
	}
	if got := words.Closing(r); !slices.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	r.Tier.Night = "2026-11-30"
	if got := words.Closing(r); len(got) != 5 || got[4] != "These are the runs of the night 2026-11-30, which is judged by itself and confirms nothing." {
		t.Errorf("of a night: got\n%q", got)
	}
	r.Tier = model.Tier{ID: "smoke", Machinery: true, RunsPresent: 7, RunsFailed: 1, RunsMissing: 3}
	want = []string{want[2], "FAIL: tier smoke checks the machinery, and of its runs 7 are complete, 1 failed, 3 are missing."}
	if got := words.Closing(r); !slices.Equal(got, want) {
		t.Errorf("machinery that fails: got\n%q, want\n%q", got, want)
	}
	r.Tier.RunsFailed, r.Tier.RunsMissing = 0, 0
	want = []string{"PASS: the machinery works: 7 runs trained and probed, 4 claims judged.", "What the verdicts of tier smoke are says nothing about the paper."}
	if got := words.Closing(r); !slices.Equal(got, want) {
		t.Errorf("machinery that works: got\n%q, want\n%q", got, want)
	}
}
