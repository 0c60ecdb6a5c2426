package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/registry"
)

// Input is what a report is built from.
type Input struct {
	Catalogue *bench.Catalogue
	Tier      *bench.Tier
	Claims    []*bench.Claim // those to judge; the p values are corrected for their number
	Seeds     int            // each claim is judged on seeds 0 to Seeds-1, unless there are Looks
	// Looks, if not nil, are the rising numbers of seeds at which claims are judged until they are decided.
	// The levels follow from their number, so all that were planned must be here. Stopped says why the caller
	// goes no further than the runs do.
	Looks    []int
	Stopped  string
	Cells    []bench.Cell   // the matrix of the claims
	Runs     map[string]Run // by run id; what is absent was not run
	Sweeps   []SweepInput
	Analyses []AnalysisRun
	// Classes names the classes of the data set, for the line of chance and for pictures.
	Classes []string
	// Picture draws an image of the data set that was analysed, as PNG; nil leaves pictures out.
	Picture func(index int) []byte
	Command string // that made the report
}

// Build judges the claims. It is a pure function. An error means that the input contradicts itself, and
// wraps registry.ErrCorrupt if a run is not what its id says; missing and failed runs are no error.
func Build(in Input) (*Report, error) {
	b := &builder{in: in, cells: map[place]bench.Cell{}, report: &Report{
		Schema: Schema, Version: Version,
		Tier: Tier{
			ID: in.Tier.ID, Title: in.Tier.Title, Caveat: in.Tier.Caveat, Machinery: in.Tier.Machinery,
			Dataset: in.Tier.Dataset, Probe: in.Tier.Probe.ID(), Analysis: in.Tier.Analysis.ID(), Temperature: in.Tier.Train.Temperature,
			Steps: in.Tier.Train.Steps, Batch: in.Tier.Train.Batch, Queue: in.Tier.Train.Queue,
			SeedsUsual: in.Tier.Seeds,
		},
		Claims: []Claim{}, Across: []Across{}, Arms: []Arm{}, Floors: []Floor{}, Notes: []string{},
	}}
	if err := b.check(); err != nil {
		return nil, err
	}
	b.planLooks()
	if in.Looks == nil && in.Seeds < in.Tier.Seeds {
		b.note(fmt.Sprintf("%s here; the tier %q is meant for %d.", count(in.Seeds, "seed"), in.Tier.ID, in.Tier.Seeds))
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
	looks  *Looks
	report *Report
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

// observation is one cell of the matrix with its run, and what keeps it from being used.
type observation struct {
	cell   bench.Cell
	run    Run
	status Status
	reason string // why not complete
}

func (o observation) row() RunRow {
	row := RunRow{
		Seed: o.cell.Seed, Status: o.status, Reason: o.reason, Run: o.cell.Spec.ID(),
		Manifest: o.run.Digest, Result: o.run.Manifest.ResultDigest,
	}
	if o.status != Complete {
		return row
	}
	a := o.run.Result.Accuracy
	row.Linear, row.Ridge, row.KNN = points(a.Linear, a.N), points(a.Ridge, a.N), points(a.KNN, a.N)
	row.Correct = &Correct{Linear: a.Linear, Ridge: a.Ridge, KNN: a.KNN, TestImages: a.N}
	if o.cell.Spec.Arm.Features == bench.Trained {
		row.Loss = &o.run.Result.Loss
	}
	return row
}

// linear is the accuracy that claims are about, in points.
func (o observation) linear() float64 {
	return *points(o.run.Result.Accuracy.Linear, o.run.Result.Accuracy.N)
}

func points(correct, of int) *float64 {
	p := 100 * float64(correct) / float64(of)
	return &p
}

func (b *builder) observe(cell bench.Cell) observation {
	o := observation{cell: cell, status: NotRun}
	run, ok := b.in.Runs[cell.Spec.ID()]
	if !ok {
		return o
	}
	o.run, o.status = run, Complete
	if run.Manifest.Status == registry.Failed {
		o.status, o.reason = Failed, oneLine(run.Manifest.Reason)
	} else if reason := unusable(run); reason != "" {
		o.status, o.reason = Unusable, reason
	}
	return o
}

// unusable says which number of a complete run is none.
func unusable(run Run) string {
	a := run.Result.Accuracy
	if a.N < 1 || min(a.Linear, a.Ridge, a.KNN) < 0 || max(a.Linear, a.Ridge, a.KNN) > a.N {
		return fmt.Sprintf("%d (linear), %d (ridge) and %d (neighbours) correct of %d test images are no accuracies", a.Linear, a.Ridge, a.KNN, a.N)
	}
	for _, p := range run.Result.Curve {
		if p.Accuracy.N < 1 {
			return fmt.Sprintf("no accuracy at step %d", p.Step)
		}
	}
	bad := func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
	if bad(run.Result.Loss) || slices.ContainsFunc(run.Result.Progress, func(p bench.ProgressPoint) bool { return bad(p.Loss) }) {
		return "the loss is not a number"
	}
	if slices.ContainsFunc(run.Result.Bands, func(x moco.Band) bool { return bad(x.SameClass) || bad(x.Similarity) }) {
		return "the difficulty bands hold what is not a number"
	}
	return ""
}

// oneLine makes text from elsewhere safe to print: no line breaks, no control characters.
func oneLine(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	return strings.Join(strings.Fields(clean), " ")
}
