// Package judge makes a report of runs: it judges claims by the runs in an input, and computes all that a report
// says. It is made of pure functions; what it says in sentences comes from package words.
package judge

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// Input is what a report is built from.
type Input struct {
	Catalogue *bench.Catalogue
	Tier      *bench.Tier
	Claims    []*bench.Claim // those to report
	Seeds     int            // on which exploratory claims are judged, of the night, or if that is none from 0 on
	Night     bench.Night
	// Plan, if not nil, says how the claims that it names are judged, and Registered when it was, if it was. Stopped
	// says why the caller goes no further than the runs do.
	Plan       *bench.Plan
	PlanID     string // of its record
	Registered *bench.Registration
	Stopped    string
	Cells      []bench.Cell    // of the claims, those of the plan's primaries among them if one is secondary
	Runs       map[string]Run  // by run id; what is absent was not run
	Near       map[string]Near // by the id of a run that is absent, the stored one that comes nearest
	// Begun are the probes so far of runs that are not finished, by run id: they are held against targets, and judged by
	// nothing else.
	Begun    map[string][]bench.CurvePoint
	Sweeps   []SweepInput
	Analyses []AnalysisRun
	Classes  []string               // of the data set, for the line of chance and for pictures
	OneScale bool                   // what is measured by path and by Wu-Palmer similarity is the same (taxonomy.Table.OneScale)
	Picture  func(index int) []byte // of the data set that was analysed, as PNG; nil leaves pictures out
	Command  string                 // that made the report
	Program  string                 // its name in the commands that the report gives
	Notes    []string               // footnotes about what was read
}

// explored are the seeds on which exploratory claims are judged.
func (in Input) explored() bench.Seeds { return in.Night.Seeds(in.Seeds) }

func (in Input) program() string { return cmp.Or(in.Program, "cidbench") }

// Near is a stored run that differs from one that was asked for: A are its values, B those asked for.
type Near struct {
	Run         string
	Differences []bench.Difference
}

// String reads like "run 1a2b differs in training.config.steps (400 stored, 800 asked)".
func (n Near) String() string { return fmt.Sprintf("run %s differs in %s", n.Run, n.fields()) }

// fields names the members that differ, the first of them with their values.
func (n Near) fields() string {
	const most = 3
	text := words.Joined(n.Differences[:min(most, len(n.Differences))], ", ", func(d bench.Difference) string {
		return fmt.Sprintf("%s (%s stored, %s asked)", d.Path, words.OrNone(d.A), words.OrNone(d.B))
	})
	if more := len(n.Differences) - most; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// Run is a finished run, complete or failed.
type Run struct {
	Manifest registry.Manifest
	Digest   registry.Digest // of the stored manifest
	Result   bench.Result    // empty if the run failed without one
}

// AnalysisRun is a finished analysis.
type AnalysisRun struct {
	bench.Analysis
	Manifest registry.Manifest
	Digest   registry.Digest // of the stored manifest
	Measures analysis.Measures
}

// SweepInput is a sweep with its cells, for seeds 0 to Seeds-1; their runs are among those of the input.
type SweepInput struct {
	*bench.Sweep
	Seeds int
	Cells []bench.Cell
}

// Build judges the claims. It is a pure function. An error means that the input contradicts itself, and
// wraps registry.ErrCorrupt if a run is not what its id says; missing and failed runs are no error.
func Build(in Input) (*model.Report, error) {
	m, err := newMatrix(in)
	if err != nil {
		return nil, err
	}
	r := &model.Report{
		Schema: model.Schema, Version: model.Version, Paper: in.Catalogue.Paper,
		Tier: model.Tier{
			ID: in.Tier.ID, Title: in.Tier.Title, Caveat: in.Tier.Caveat, Machinery: in.Tier.Machinery,
			Dataset: in.Tier.Dataset, Probe: in.Tier.Probe.ID(), Analysis: in.Tier.Analysis.ID(), Temperature: in.Tier.Train.Scale().Temperature,
			Steps: in.Tier.Train.Scale().Steps, Batch: in.Tier.Train.Scale().Batch, Negatives: in.Tier.Train.Scale().Negatives, Method: in.Tier.Train.ID().String(),
			Seeds: in.Seeds, SeedsUsual: in.Tier.Seeds, FirstSeed: in.explored().First,
		},
		Gain: in.Catalogue.Gain, Arms: m.arms(), Sweeps: m.sweeps(), Analyses: m.analyses(), Notes: []string{},
	}
	if in.Night != (bench.Night{}) {
		r.Tier.Night = in.Night.String()
		note(r, fmt.Sprintf("These are the runs of the night %s, on seeds that no other night has: a night is judged by itself, and confirms nothing.", in.Night))
	}
	for _, text := range in.Notes {
		note(r, text)
	}
	if in.Seeds < in.Tier.Seeds {
		note(r, fmt.Sprintf("%s here for what is explored; the tier %q is meant for %d.", words.Count(in.Seeds, "seed"), in.Tier.ID, in.Tier.Seeds))
	}
	countRuns(r)
	r.Floors = m.floorsOf(r.Arms)
	if len(in.Classes) > 0 {
		r.Chance = points(1, len(in.Classes))
	}
	r.Provenance = m.provenance(r.Sweeps)
	if m.held, err = m.targets(); err != nil {
		return nil, err
	}
	r.Targets = m.held
	all, gate, err := m.verdicts()
	if err != nil {
		return nil, err
	}
	if r.Plan, err = m.planned(slices.Concat(all, gate)); err != nil {
		return nil, err
	}
	r.Claims = []model.Claim{}
	for _, j := range all {
		c := m.complete(r, j)
		if c.Confirms() {
			r.Confirmed.Count(c.Verdict)
		} else {
			r.Explored.Count(c.Verdict)
		}
		r.Claims = append(r.Claims, c)
	}
	r.Across, r.Leads = across(r.Claims), leads(r)
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
