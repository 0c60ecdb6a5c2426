package judge

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// Build judges the claims. It is a pure function. An error means that the input contradicts itself, and
// wraps registry.ErrCorrupt if a run is not what its id says; missing and failed runs are no error.
func Build(in Input) (*model.Report, error) {
	b := &builder{in: in, cells: map[place]bench.Cell{}, report: &model.Report{
		Schema: model.Schema, Version: model.Version, Paper: in.Catalogue.Paper,
		Tier: model.Tier{
			ID: in.Tier.ID, Title: in.Tier.Title, Caveat: in.Tier.Caveat, Machinery: in.Tier.Machinery,
			Dataset: in.Tier.Dataset, Probe: in.Tier.Probe.ID(), Analysis: in.Tier.Analysis.ID(), Temperature: in.Tier.Train.Scale().Temperature,
			Steps: in.Tier.Train.Scale().Steps, Batch: in.Tier.Train.Scale().Batch, Negatives: in.Tier.Train.Scale().Negatives, Method: in.Tier.Train.ID().String(),
			SeedsUsual: in.Tier.Seeds,
		},
		Claims: []model.Claim{}, Across: []model.Across{}, Arms: []model.Arm{}, Floors: []model.Floor{}, Notes: []string{},
	}}
	if err := b.check(); err != nil {
		return nil, err
	}
	b.planLooks()
	if in.Looks == nil && in.Seeds < in.Tier.Seeds {
		b.note(fmt.Sprintf("%s here; the tier %q is meant for %d.", words.Count(in.Seeds, "seed"), in.Tier.ID, in.Tier.Seeds))
	}
	for _, text := range in.Notes {
		b.note(text)
	}
	b.arms()
	b.sweeps()
	b.analyses()
	b.provenance()
	if err := b.claims(); err != nil {
		return nil, err
	}
	b.explain()
	b.across()
	b.report.Tier.Seeds = b.in.Seeds
	return b.report, nil
}

// place is where a cell stands in the matrix.
type place struct {
	arm         string
	temperature float64
	seed        uint64
}

type builder struct {
	in     Input
	cells  map[place]bench.Cell
	looks  *model.Looks
	report *model.Report
}

// check refuses input that no honest report can be made of, and indexes the cells.
func (b *builder) check() error {
	var errs []error
	for _, cell := range b.in.Cells {
		at := place{cell.Arm, cell.Temperature, cell.Seed}
		if b.in.Catalogue.Arm(cell.Arm) == nil {
			errs = append(errs, fmt.Errorf("report: a cell names the unknown arm %q", cell.Arm))
		}
		if _, ok := b.cells[at]; ok {
			errs = append(errs, fmt.Errorf("report: two cells of %s at temperature %g, seed %d", cell.Arm, cell.Temperature, cell.Seed))
		}
		b.cells[at] = cell
		id := cell.Spec.ID()
		run, ok := b.in.Runs[id]
		if !ok {
			continue
		}
		// The key is what was computed: a run filed under another id would be judged as what it is not.
		if computed, err := registry.RunID(run.Manifest.Key); err != nil || computed != id {
			errs = append(errs, fmt.Errorf("report: %w: run %s holds the key of %s", registry.ErrCorrupt, id, computed))
		}
	}
	for _, claim := range b.in.Claims {
		if !claim.In(b.in.Tier.ID) {
			errs = append(errs, fmt.Errorf("report: claim %q is not tested in tier %q", claim.ID, b.in.Tier.ID))
		}
		for _, id := range claim.Arms() {
			if b.in.Catalogue.Arm(id) == nil {
				errs = append(errs, fmt.Errorf("report: claim %q names an unknown arm %q", claim.ID, id))
			}
		}
	}
	return errors.Join(errs...)
}

// note adds a footnote, once, and returns its number.
func (b *builder) note(text string) int {
	if i := slices.Index(b.report.Notes, text); i >= 0 {
		return i + 1
	}
	b.report.Notes = append(b.report.Notes, text)
	return len(b.report.Notes)
}
