package judge_test

import (
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/stats"
)

// A night is judged on its own seeds, without a plan, and comes from where its own runs do: the pixels, which have no seed,
// are the run of an earlier night.
func TestNight(t *testing.T) {
	in := selected(t, catalogue(), "easiest95")
	in.Night = bench.Night{Name: "2026-11-30"}
	seeds := in.Night.Seeds(in.Seeds)
	in.Cells = in.Catalogue.Matrix(in.Tier, in.Claims, seeds, environment)
	correct := map[string]int{"baseline": 3_000, "easiest95": 2_500, "untrained": 1_000, "pixels": 500}
	for _, cell := range in.Cells {
		run := complete(t, cell, correct[cell.Arm]+int(7*cell.Seed%31))
		if cell.Arm == "pixels" {
			run.Manifest.Provenance.Commit = "an earlier night's"
		}
		put(in, cell, run)
	}
	r := build(t, in)
	c := r.Claims[0]
	if c.Verdict != stats.Supported || c.Seeds != seeds || c.Contrasts[0].N != seeds.N {
		t.Errorf("%s on seeds %v, %d pairs: %s", c.Verdict, c.Seeds, c.Contrasts[0].N, c.Reason)
	}
	if want := "verify --claim easiest95 --tier toy --night 2026-11-30 --seeds 5"; !strings.HasSuffix(c.Reproduce, want) {
		t.Errorf("%s, want %s", c.Reproduce, want)
	}
	if r.Tier.Night != "2026-11-30" || r.Tier.FirstSeed != seeds.First || r.Tier.RunsMissing > 0 {
		t.Errorf("%+v", r.Tier)
	}
	if commits := r.Provenance.Sources; len(commits) != 1 || strings.HasPrefix(commits[0].Commit, "an earlier") {
		t.Errorf("commits %v", commits)
	}
}
