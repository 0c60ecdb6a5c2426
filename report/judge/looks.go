package judge

import (
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// planLooks sets the level of each look; a fixed number of seeds is a plan of one.
func (b *builder) planLooks() {
	b.looks = &model.Looks{Method: words.LookMethod, Seeds: []int{b.in.Seeds}, Alpha: model.TotalAlpha, Open: []string{}, Stopped: b.in.Stopped}
	if b.in.Looks != nil {
		b.looks.Seeds, b.report.Looks = b.in.Looks, b.looks
	}
	b.report.Alpha = stats.LookAlpha(model.TotalAlpha, len(b.looks.Seeds))
	b.report.Level = 1 - 2*b.report.Alpha
}

// judge measures the claims at each look, those that are still open, and decides what it can.
func (b *builder) judge() (notes [][]string, err error) {
	family := len(b.in.Claims)
	b.report.Claims, notes = make([]model.Claim, family), make([][]string, family)
	raw, open := make([]stats.Evidence, family), make([]int, family)
	for i := range open {
		open[i] = i
	}
	for look, seeds := range b.looks.Seeds {
		whole := b.in.Looks == nil || b.finished(open, seeds) // missing runs stand in a report of one look
		if !whole && look > 0 {
			break
		}
		b.in.Seeds = seeds
		for _, i := range open {
			b.report.Claims[i], notes[i] = b.measure(b.in.Claims[i])
			if raw[i] = combine(b.report.Claims[i].Contrasts); !whole {
				raw[i] = stats.Settled(stats.Inconclusive) // half a look decides nothing
			}
		}
		corrected, err := b.correct(raw)
		if err != nil {
			return nil, err
		}
		for _, i := range open {
			c := &b.report.Claims[i]
			c.Raw, c.Corrected = pValues(raw[i]), pValues(corrected[i])
			c.Verdict = corrected[i].Judge(b.report.Alpha)
			if !slices.ContainsFunc(c.Contrasts, func(x model.Contrast) bool { return x.N > 0 }) {
				c.Verdict = b.nothing(b.in.Claims[i])
			}
			raw[i] = stats.Settled(c.Verdict)
		}
		if !whole {
			break
		}
		b.looks.Taken = look + 1
		for _, i := range open {
			b.report.Claims[i].Look = b.looks.Taken
		}
		open = slices.DeleteFunc(open, func(i int) bool { return !b.report.Claims[i].Open() })
		if len(open) == 0 {
			break
		}
	}
	for _, i := range open {
		b.looks.Open = append(b.looks.Open, b.report.Claims[i].ID)
	}
	return notes, nil
}

// finished says whether every run of the claims is there, with its analyses, for so many seeds.
func (b *builder) finished(claims []int, seeds int) bool {
	for _, i := range claims {
		claim := b.in.Claims[i]
		for _, arm := range claim.Arms() {
			for seed := range uint64(seeds) {
				cell, ok := b.cell(arm, b.temperature(claim), seed)
				if _, done := b.in.Runs[cell.Spec.ID()]; !ok || !done {
					return false
				}
			}
		}
		for _, x := range claim.Observations {
			for seed := range uint64(seeds) {
				cell, _ := b.cell(x.Arm, b.temperature(claim), seed)
				complete := b.in.Runs[cell.Spec.ID()].Manifest.Status == registry.Complete
				if complete && b.analysisOf(x.Arm, b.temperature(claim), seed) == nil {
					return false
				}
			}
		}
	}
	return true
}

// Temperature is that at which a claim is tested.
func (b *builder) temperature(claim *bench.Claim) float64 {
	if claim.Temperature != 0 {
		return claim.Temperature
	}
	return b.in.Tier.Train.Scale().Temperature
}
