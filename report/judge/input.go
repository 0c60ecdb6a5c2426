package judge

import (
	"cmp"
	"fmt"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/words"
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
	Cells    []bench.Cell    // the matrix of the claims
	Runs     map[string]Run  // by run id; what is absent was not run
	Near     map[string]Near // by the id of a run that is absent, the stored one that comes nearest
	Sweeps   []SweepInput
	Analyses []AnalysisRun
	Classes  []string               // of the data set, for the line of chance and for pictures
	Picture  func(index int) []byte // of the data set that was analysed, as PNG; nil leaves pictures out
	Command  string                 // that made the report
	Program  string                 // its name in the commands that the report gives
	Notes    []string               // footnotes about what was read
}

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
