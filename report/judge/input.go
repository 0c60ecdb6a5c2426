package judge

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
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
