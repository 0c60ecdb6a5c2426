package cli

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/write"
	"github.com/cidbench/cidbench/study"
)

func TestClaimPlans(t *testing.T) {
	var out bytes.Buffer
	c := &Console{Stdout: &out, Text: write.TextOptions{Width: 200}}
	explored := judge.Plan{Claim: "hardest5", MinSeeds: 3, Pairs: 5, Contrasts: []judge.ContrastPlan{{
		Name: "hardest5 - all", Unit: "share of the gain", Relation: bench.NonInferior, Margin: 0.05, Pairs: 5,
		Estimate: 0.151, SD: 0.08, SDBound: 0.125, Distance: 0.201, Toward: stats.Supported,
	}}}
	c.printClaimPlans([]study.ClaimPlan{
		{Plan: explored, Role: bench.Primary, Needs: []study.Need{
			{Need: judge.Need{Alpha: 0.019, Spread: judge.ObservedSpread, Seeds: 5, HalfWidth: 0.11}, Cost: &study.Cost{Cells: 20, WallSeconds: 600, CPUHours: 0.33, DiskBytes: 1e6}},
			{Need: judge.Need{Alpha: 0.019, Spread: judge.BoundedSpread, Reason: "the pairs show no spread"}},
		}},
		{Plan: judge.Plan{Claim: "consistency", MinSeeds: 3, Pairs: 1}, Role: bench.Exploratory, Pilot: &study.Pilot{Command: "cidbench run --explore", Seeds: 3}},
		{Plan: judge.Plan{Claim: "same-class", MinSeeds: 3, Pairs: 3, Obstacle: "the gain is not shown"}, Role: bench.Secondary},
	})
	for _, want := range []string{
		`hardest5 \(primary\): 5 paired seeds were explored, a verdict takes at least 3`,
		`hardest5 - all \(non-inferior, margin 0\.05\): \+0\.151, share of the gain, 0\.201 from the margin, toward supported; SD 0\.08, at most 0\.125 with 80% confidence`,
		`0\.019 +observed +5 +\+-0\.11 +20 cells, about 10m0s`,
		`0\.019 +at most +none: the pairs show no spread`,
		`consistency \(exploratory\).*\n.*a pilot is needed: cidbench run --explore`,
		`same-class \(secondary\).*\n  nothing can be planned from these: the gain is not shown`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}
