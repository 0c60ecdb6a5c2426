// Package judge makes a report of runs: it judges claims by the runs in an input, and computes all that a report
// says. It is made of pure functions; what it says in sentences comes from package words.
package judge

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// Build judges the claims. It is a pure function. An error means that the input contradicts itself, and
// wraps registry.ErrCorrupt if a run is not what its id says; missing and failed runs are no error.
func Build(in Input) (*model.Report, error) {
	m, err := newMatrix(in)
	if err != nil {
		return nil, err
	}
	looks := planned(in)
	l := look{matrix: m, seeds: in.Seeds, alpha: stats.LookAlpha(model.TotalAlpha, len(looks.Seeds))}
	r := &model.Report{
		Schema: model.Schema, Version: model.Version, Paper: in.Catalogue.Paper, Alpha: l.alpha, Level: l.level(),
		Tier: model.Tier{
			ID: in.Tier.ID, Title: in.Tier.Title, Caveat: in.Tier.Caveat, Machinery: in.Tier.Machinery,
			Dataset: in.Tier.Dataset, Probe: in.Tier.Probe.ID(), Analysis: in.Tier.Analysis.ID(), Temperature: in.Tier.Train.Scale().Temperature,
			Steps: in.Tier.Train.Scale().Steps, Batch: in.Tier.Train.Scale().Batch, Negatives: in.Tier.Train.Scale().Negatives, Method: in.Tier.Train.ID().String(),
			SeedsUsual: in.Tier.Seeds,
		},
		Arms: m.arms(), Sweeps: m.sweeps(), Analyses: m.analyses(), Notes: []string{},
	}
	for _, text := range in.Notes {
		note(r, text)
	}
	if in.Looks != nil {
		r.Looks = looks
	} else if in.Seeds < in.Tier.Seeds {
		note(r, fmt.Sprintf("%s here; the tier %q is meant for %d.", words.Count(in.Seeds, "seed"), in.Tier.ID, in.Tier.Seeds))
	}
	countRuns(r)
	r.Floors = m.floors(r.Arms)
	if len(in.Classes) > 0 {
		r.Chance = points(1, len(in.Classes))
	}
	r.Provenance = m.provenance(r.Sweeps)
	l.floors = r.Floors
	last, err := l.take(looks)
	if err != nil {
		return nil, err
	}
	r.Claims, r.Tier.Seeds = last.claims, last.look.seeds
	for i := range r.Claims {
		c := &r.Claims[i]
		for _, n := range last.notes[i] {
			c.Notes = append(c.Notes, note(r, n))
		}
		slices.Sort(c.Notes)
		c.Notes = slices.Compact(c.Notes)
		c.Reason = words.Reason(c, r)
		r.Tally.Count(c.Verdict)
		last.look.explain(c, in.Claims[i], r.Sweeps)
	}
	r.Across = across(r.Claims)
	return r, nil
}

// note adds a footnote, once, and returns its number.
func note(r *model.Report, text string) int {
	if i := slices.Index(r.Notes, text); i >= 0 {
		return i + 1
	}
	r.Notes = append(r.Notes, text)
	return len(r.Notes)
}
