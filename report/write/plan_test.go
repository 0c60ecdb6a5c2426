package write_test

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// planned is a report with a claim of each standing.
func planned() *model.Report {
	contrast := func() model.Contrast {
		return model.Contrast{
			A: "hardest5", B: "all", Relation: bench.NonInferior, Margin: 0.05, Bounds: []float64{-0.05}, N: 8,
			Found:      &model.Estimate{Value: 0.152, Interval: stats.Interval{Low: 0.06, High: 0.251, Level: 0.9886}},
			Difference: &stats.MeanDifference{Estimate: 3.125, SE: 1, Interval: stats.Interval{Low: 1, High: 5.25, Level: 0.9886}},
			P:          &stats.Evidence{Support: 0.0002, Refute: 0.9998}, Alone: stats.Supported,
		}
	}
	claim := func(id string, role bench.Role, verdict stats.Verdict) model.Claim {
		c := model.Claim{ID: id, Thesis: id, Plain: bench.Plain{Holds: id + " held", Fails: id + " failed", Whether: id + " holds"}, Statement: "Some.", Role: role, Verdict: verdict, Contrasts: []model.Contrast{contrast()}, P: stats.Evidence{Support: 0.0002, Refute: 0.9998}, Alpha: 0.05}
		if role != bench.Exploratory {
			c.Registration, c.Look, c.Looks, c.Seeds = model.Registered, 2, 3, bench.Seeds{First: 100, N: 8}
			c.Alpha, c.Spent, c.Share = 0.0057, 0.0062, 0.025
		}
		return c
	}
	specific := claim("specific", bench.Primary, stats.Supported)
	qualifier := contrast()
	qualifier.B, qualifier.Alone = "random5", stats.Refuted
	specific.Specific, specific.Assay = &qualifier, &qualifier
	gated := claim("gated", bench.Secondary, stats.Inconclusive)
	gated.Own, gated.Gate, gated.Need = stats.Supported, []string{"other"}, &model.Need{Seeds: 120, Power: 0.8, Bound: 0.084}
	early := claim("early", bench.Secondary, stats.Refuted)
	early.Registration = model.Early
	untestable := claim("untestable", bench.Exploratory, model.NotTestable)
	untestable.NotTestable = "we drew the tree"
	registered := time.Date(2026, 11, 20, 8, 30, 0, 0, time.UTC)
	var across []model.Across
	for _, id := range []string{"untestable", "explored", "early", "gated", "specific"} {
		across = append(across, model.Across{Claim: id, Thesis: id, At: []model.AtTemperature{{Claim: id}}})
	}
	return &model.Report{
		Paper: bench.Paper{Title: "A paper", Authors: "Its authors", Link: "https://example.org/paper", Statements: []bench.Statement{
			{Text: "First statement.", Theses: []string{"specific", "gated"}},
			{Text: "Second statement.", Theses: []string{"early", "untestable", "nowhere"}},
			{Text: "Third statement.", Theses: []string{"explored"}, Many: "treatments"},
		}},
		Across: across,
		Gain:   bench.Gain{Of: "all", Over: "untrained"}, Tier: model.Tier{ID: "toy", Seeds: 5},
		Confirmed: model.Tally{Supported: 1, Inconclusive: 1}, Explored: model.Tally{Supported: 1, Refuted: 1, NotTestable: 1},
		Claims: []model.Claim{untestable, claim("explored", bench.Exploratory, stats.Supported), early, gated, specific},
		Plan: &model.Plan{
			ID: "8f3a", Manifest: "sha256:70f5", Basis: "seeds 0 to 4", Alpha: 0.05, Registered: &registered, FirstSeed: 100, Looks: []int{5, 8, 12},
			Primary:   model.Levels{Claims: []string{"specific", "other"}, Share: 0.025, Looks: []float64{0.00053, 0.0057, 0.024}},
			Secondary: model.Levels{Claims: []string{"gated", "early"}, Share: 0.025, Looks: []float64{0.00053, 0.0057, 0.024}},
		},
	}
}

// flat is text without the breaks, escapes and padding of its format.
func flat(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer(`\`, "", "|", " ", "*", "").Replace(s)), " ")
}

func TestWritersTellThePlan(t *testing.T) {
	out := flat(atWidth(t, planned(), 400))
	for _, want := range []string{
		"2 claims of the plan: 1 supported, 0 refuted, 1 inconclusive.",
		"2 exploratory claims, none of them confirmed: 1 supported, 1 refuted",
		"1 claim not testable here, counted apart.",
		"specific ✓ supported, not specific primary hardest5 - all above -5% +15.2% (+6.0% to +25.1%) of the gain +3.12 8 2 of 3 0.0062 of 0.025 0.0002 0.9998",
		"gated ? inconclusive, by itself supported secondary",
		"early ✗ refuted secondary, but runs began before the plan",
		"explored ✓ supported not in the plan",
		"untestable we drew the tree",
		"2026-11-20T08:30:00Z", "8f3a", "sha256:70f5", "exploratory here: early",
		"2 seeds 100 to 107 0.0057 0.0057",
		"look 2 of 3, one-sided level 0.0057 in either direction; alpha spent: 0.0062 of 0.025",
		"hardest5 recovers 115% (106% to 125%) of the gain",
		"80% power would need 120 seeds",
		"explored: ✓ supported (exploratory)",
		"the same runs do not show a loss that is known",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q", want)
		}
	}
	order := []string{"Claims that the plan confirms", "The plan", "Exploratory claims: nothing here is confirmed", "Not testable here", "Claims, one by one"}
	for i, title := range order[1:] {
		if a, b := strings.Index(out, order[i]+" ---"), strings.Index(out, title+" ---"); a < 0 || a > b {
			t.Errorf("%q comes before %q", title, order[i])
		}
	}
	_, confirmed, _ := strings.Cut(out, "Claims that the plan confirms ---")
	confirmed, _, _ = strings.Cut(confirmed, "Exploratory claims: nothing here is confirmed")
	for _, claim := range []string{"explored ✓", "early ✗", "untestable we"} {
		if strings.Contains(confirmed, claim) {
			t.Errorf("%q stands among what the plan confirms", claim)
		}
	}
}

// A report opens with what a reader wants to know, and calls nothing confirmed or decided that is not.
func TestAnswers(t *testing.T) {
	out := flat(written(t, "md", planned()))
	at := 0
	for _, want := range []string{
		`# The claims of "A paper", tested`, "Its authors: &lt;https://example.org/paper&gt;",
		"First statement.", "✓ Specific held here. Accuracy", "+15.2% of the gain, at least +6.0% with 99.4% confidence (asked: above -5%). But that was no more than random5 gave.",
		"? Not decided here: whether gated holds.", "By itself it would be supported, but a secondary claim counts only once all primaries are decided.",
		"Second statement.", "✗ Early failed here. Exploratory, not confirmed.", "○ Not testable here: whether untestable holds. We drew the tree.",
		"Third statement.", "Of 1 treatments 1 supported, 0 refuted, 0 inconclusive (exploratory, not confirmed): explored held.",
		"2 claims of the plan", "## Claims, tier toy", "gated", "? inconclusive, by itself supported", "specific", "✓ supported, not specific<br>+15.2%",
		"explored", "✓ supported (exploratory)", "early", "✗ refuted (exploratory)", "untestable", "○ not testable here",
		"## What the words mean", "## Provenance",
	} {
		want = strings.NewReplacer("&lt;", "<", "&gt;", ">").Replace(want)
		i := strings.Index(out[at:], want)
		if i < 0 {
			t.Fatalf("no %q after %q", want, out[max(0, at-60):at])
		}
		at += i + len(want)
	}
	r := planned()
	if r.Plan.Primary.Claims = []string{"specific"}; strings.Contains(out, "main claim") || !strings.Contains(written(t, "md", r), "**Here the paper's main claim holds: specific held.**") {
		t.Error("a report says what all comes to where it has all primary claims, and there alone")
	}
	meaningless := planned()
	meaningless.Tier.Machinery = true
	if out := written(t, "md", meaningless); strings.Contains(out, "held here") || strings.Contains(out, "First statement") {
		t.Error("the machinery answers")
	}
}

// Points are shown with an interval, but never as what decides.
func TestPointsDoNotDecide(t *testing.T) {
	if strings.Contains(written(t, "md", planned()), "+5.25") {
		t.Error("the summary has a second interval")
	}
	shown := false
	for _, s := range layout.Report(planned()) {
		for _, b := range s.Blocks {
			table, ok := b.(*layout.Table)
			if !ok || s.ID != "claim-specific" {
				continue
			}
			at := slices.IndexFunc(table.Columns, func(c layout.Column) bool { return c.Head == "In points, not deciding" })
			shown = shown || at >= 0 && table.Rows[0].Cells[at] == "+1.00 to +5.25 (98.86%)"
		}
	}
	if !shown {
		t.Error("the section of a claim lacks the interval in points, or does not say that it decides nothing")
	}
}

func TestUnregisteredPlan(t *testing.T) {
	r := planned()
	r.Plan.Registered, r.Plan.Manifest = nil, ""
	r.Provenance.Command = "cidbench verify --tier toy"
	for i := range r.Claims {
		if r.Claims[i].Registration != "" {
			r.Claims[i].Registration = model.Missing
		}
	}
	out := flat(atWidth(t, r, 400))
	if strings.Contains(out, "Claims that the plan confirms") || !strings.Contains(out, "`cidbench plan --register --tier toy`") || !strings.Contains(out, "primary, but the plan is not registered here") {
		t.Errorf("%.2000s", out)
	}
}

func TestCSVHasWhatDecides(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(written(t, "csv", planned()))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]string{} // the claim "specific"
	for i, name := range rows[0] {
		last[name] = rows[len(rows)-1][i]
	}
	for name, want := range map[string]string{
		"kind": "contrast", "claim": "specific", "role": "primary", "registration": "registered", "verdict": "supported", "arm": "hardest5", "against": "all",
		"margin": "0.05", "share": "0.152", "value": "", "low": "0.06", "high": "0.251", "level": "0.9886", "points": "3.125", "pairs": "8", "p_holds": "0.0002", "seed": "",
	} {
		if got, there := last[name]; !there || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
