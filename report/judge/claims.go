package judge

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
)

// measure fills in all of a claim but the verdict, and says what qualifies it.
func (l look) measure(claim *bench.Claim) (c model.Claim, notes []string) {
	temperature := l.temperature(claim)
	seeds := fmt.Sprintf("--seeds %d", l.seeds)
	if looks := l.Looks; looks != nil {
		seeds = fmt.Sprintf("--seeds auto --max-seeds %d", looks[len(looks)-1])
	}
	c = model.Claim{
		ID: claim.ID, Family: claim.Family, Statement: claim.Statement, Target: claim.Target,
		Source:      model.Source{Where: claim.Source.Where, Verified: claim.Source.Verified, Ours: claim.Source.Ours},
		Temperature: temperature, Probe: claim.Probe, MinSeeds: claim.MinSeeds, Controls: claim.Controls,
		Machinery: l.Tier.Machinery,
		Reproduce: fmt.Sprintf("cidbench verify --claim %s --tier %s %s", claim.ID, l.Tier.ID, seeds),
		Runs:      []model.RunRef{},
	}
	for _, x := range claim.Contrasts {
		contrast, qualifying := l.contrast(claim, temperature, x)
		c.Contrasts, notes = append(c.Contrasts, contrast), append(notes, qualifying...)
	}
	for _, x := range claim.Observations {
		contrast, runs := l.observation(claim, temperature, x)
		c.Contrasts = append(c.Contrasts, contrast)
		for _, run := range runs {
			if !slices.Contains(c.Runs, run) {
				c.Runs = append(c.Runs, run)
			}
		}
	}
	seen := map[string]bool{}
	for _, arm := range claim.Arms() {
		for seed := range uint64(l.seeds) {
			cell, ok := l.cell(arm, temperature, seed)
			if run, done := l.Runs[cell.Spec.ID()]; ok && done && !seen[run.Manifest.Run+arm] {
				seen[run.Manifest.Run+arm] = true
				c.Runs = append(c.Runs, model.RunRef{Arm: arm, Seed: cell.Seed, Run: cell.Spec.ID(), Manifest: run.Digest})
			}
		}
	}
	return c, notes
}
