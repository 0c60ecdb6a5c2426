package judge

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// claims judges each claim on the combined evidence of its contrasts, corrected for all claims of the
// report at the same temperature together, and for all looks. Temperatures are families of their own: the
// tier's is the paper's setting, and testing whether a claim also holds at another must not make that
// verdict harder.
func (b *builder) claims() error {
	notes, err := b.judge()
	if err != nil {
		return err
	}
	for i := range b.report.Claims {
		c := &b.report.Claims[i]
		for _, n := range notes[i] {
			c.Notes = append(c.Notes, b.note(n))
		}
		slices.Sort(c.Notes)
		c.Notes = slices.Compact(c.Notes)
		c.Reason = words.Reason(c, b.report)
		b.report.Tally.Count(c.Verdict)
	}
	return nil
}

// measure fills in all of a claim but the verdict, and says what qualifies it.
func (b *builder) measure(claim *bench.Claim) (c model.Claim, notes []string) {
	temperature := b.temperature(claim)
	seeds := fmt.Sprintf("--seeds %d", b.in.Seeds)
	if looks := b.in.Looks; looks != nil {
		seeds = fmt.Sprintf("--seeds auto --max-seeds %d", looks[len(looks)-1])
	}
	c = model.Claim{
		ID: claim.ID, Family: claim.Family, Statement: claim.Statement, Target: claim.Target,
		Source:      model.Source{Where: claim.Source.Where, Verified: claim.Source.Verified, Ours: claim.Source.Ours},
		Temperature: temperature, Probe: claim.Probe, MinSeeds: claim.MinSeeds, Controls: claim.Controls,
		Machinery: b.in.Tier.Machinery, Exploratory: claim.Exploratory,
		Reproduce: fmt.Sprintf("%s verify --claim %s --tier %s %s", b.in.program(), claim.ID, b.in.Tier.ID, seeds),
		Runs:      []model.RunRef{},
	}
	for _, x := range claim.Contrasts {
		contrast, qualifying := b.contrast(claim, temperature, x)
		c.Contrasts, notes = append(c.Contrasts, contrast), append(notes, qualifying...)
	}
	for _, x := range claim.Observations {
		contrast, runs := b.measurement(claim, temperature, x)
		c.Contrasts = append(c.Contrasts, contrast)
		for _, run := range runs {
			if !slices.Contains(c.Runs, run) {
				c.Runs = append(c.Runs, run)
			}
		}
	}
	seen := map[string]bool{}
	for _, arm := range claim.Arms() {
		for seed := range uint64(b.in.Seeds) {
			cell, ok := b.cell(arm, temperature, seed)
			if run, done := b.in.Runs[cell.Spec.ID()]; ok && done && !seen[run.Manifest.Run+arm] {
				seen[run.Manifest.Run+arm] = true
				c.Runs = append(c.Runs, model.RunRef{Arm: arm, Seed: cell.Seed, Run: cell.Spec.ID(), Manifest: run.Digest})
			}
		}
	}
	return c, notes
}

// cell finds where an arm's run stands in the matrix, which lists equal runs once: floors at the tier's
// temperature, pixels at seed 0, and an arm that is another by a second name under that name.
func (b *builder) cell(id string, temperature float64, seed uint64) (bench.Cell, bool) {
	arm := b.in.Catalogue.Arm(id)
	if arm.Features != bench.Trained {
		temperature = b.in.Tier.Train.Scale().Temperature
	}
	if arm.Features == bench.Pixels {
		seed = 0
	}
	if cell, ok := b.cells[place{id, temperature, seed}]; ok {
		return cell, true
	}
	for _, other := range b.in.Catalogue.Arms {
		if other.Features == arm.Features && slices.Equal(other.Rules, arm.Rules) {
			if cell, ok := b.cells[place{other.ID, temperature, seed}]; ok {
				return cell, true
			}
		}
	}
	return bench.Cell{}, false
}
