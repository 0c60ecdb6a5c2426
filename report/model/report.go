// Package model says what a report is: types, and next to no logic.
package model

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/stats"
)

// Schema and Version identify the JSON of a Report. The version rises when a field changes its meaning
// or goes away; new fields do not raise it.
const (
	Schema  = "cidbench-report"
	Version = 1
)

// TotalAlpha bounds the probability of any wrong verdict in a report, over all its claims and looks. Claims
// are judged at Report.Alpha.
const TotalAlpha = 0.05

// Report is what the runs say about the claims. Accuracies and their differences are in points: 1 is 1%
// of the test images. Pointers are nil where a number does not exist.
type Report struct {
	Schema   string      `json:"schema"`
	Version  int         `json:"version"`
	Alpha    float64     `json:"alpha"`           // at which claims are judged, at each look if there are several
	Level    float64     `json:"level"`           // of the intervals, 1 - 2*Alpha: their ends are two one-sided bounds
	Looks    *Looks      `json:"looks,omitempty"` // nil if the number of seeds was fixed
	Paper    bench.Paper `json:"paper"`           // whose claims these are
	Tier     Tier        `json:"tier"`
	Tally    Tally       `json:"tally"`
	Claims   []Claim     `json:"claims"`
	Across   []Across    `json:"across"` // the verdicts by statement and temperature
	Arms     []Arm       `json:"arms"`
	Sweeps   []Sweep     `json:"sweeps,omitempty"`   // those without a run are left out
	Analyses []Analysis  `json:"analyses,omitempty"` // of embeddings, by arm and temperature and then over training
	// Floors are the arms, by id, above whose accuracy learning starts; Chance is the accuracy of guessing.
	Floors     []Floor    `json:"floors"`
	Chance     *float64   `json:"chance,omitempty"`
	Provenance Provenance `json:"provenance"`
	Notes      []string   `json:"notes"` // footnotes; claims refer to them by number, from 1
}

// Tier is the scale at which the runs were made.
type Tier struct {
	ID          string  `json:"id"`
	Title       string  `json:"title"`
	Caveat      string  `json:"caveat"`
	Machinery   bool    `json:"machinery"` // the verdicts only show that the harness works
	Dataset     string  `json:"dataset"`
	Probe       string  `json:"probe"`
	Analysis    string  `json:"analysis"` // the protocol
	Temperature float64 `json:"temperature"`
	Steps       int     `json:"steps"`
	Batch       int     `json:"batch"`
	Method      string  `json:"method"`       // with its version
	Negatives   int     `json:"negatives"`    // of each query, before rules
	Seeds       int     `json:"seeds"`        // of this report, at the last look
	SeedsUsual  int     `json:"seedsUsual"`   // of the tier
	TestImages  int     `json:"testImages"`   // 0 if no run is complete
	RunsPresent int     `json:"runsComplete"` // complete and usable
	RunsFailed  int     `json:"runsFailed"`
	RunsMissing int     `json:"runsMissing"`
}

// Tally counts the claims by verdict.
type Tally struct {
	Supported      int `json:"supported"`
	Refuted        int `json:"refuted"`
	Inconclusive   int `json:"inconclusive"`
	NothingToJudge int `json:"nothingToJudge"`
	NotAsAsked     int `json:"notAsAsked,omitempty"`
}

// Count adds a verdict.
func (t *Tally) Count(v stats.Verdict) {
	switch v {
	case stats.Supported:
		t.Supported++
	case stats.Refuted:
		t.Refuted++
	case NothingToJudge:
		t.NothingToJudge++
	case NotAsAsked:
		t.NotAsAsked++
	default:
		t.Inconclusive++
	}
}

// Exit codes of a report.
const (
	ExitSupported    = 0 // every claim
	ExitRefuted      = 3 // at least one claim
	ExitInconclusive = 4 // none refuted, at least one not supported
	ExitNothing      = 5 // no claim has a single pair of runs
)

// ExitCode says in one number what the report found. Having measured nothing is never 0.
func (r *Report) ExitCode() int {
	switch t := r.Tally; {
	case t.NothingToJudge+t.NotAsAsked == len(r.Claims):
		return ExitNothing
	case t.Refuted > 0:
		return ExitRefuted
	case t.Supported < len(r.Claims):
		return ExitInconclusive
	}
	return ExitSupported
}

// Looks is the plan of a report whose claims were judged on more and more seeds until they were decided, and
// how far it got. A claim has the verdict of the first look that decided it.
type Looks struct {
	Method  string   `json:"method"`
	Seeds   []int    `json:"seeds"`             // of each look, planned before the first
	Alpha   float64  `json:"alpha"`             // over all looks; the report's is that of each
	Taken   int      `json:"taken"`             // looks of which every run was there
	Open    []string `json:"open"`              // claims that a further look may decide
	Stopped string   `json:"stopped,omitempty"` // why looks were left out while claims were open
}

// Next is the number of seeds that the next look asks for, 0 if there is none to take.
func (l *Looks) Next() int {
	if len(l.Open) == 0 || l.Taken == len(l.Seeds) {
		return 0
	}
	return l.Seeds[l.Taken]
}

// Provenance says where the numbers come from.
type Provenance struct {
	// Evidence is a digest over the ids and result digests of all runs and analyses used: two reports with
	// equal evidence rest on equal results, wherever and whenever these were computed.
	Evidence registry.Digest `json:"evidence"`
	Command  string          `json:"command"`
	// Used counts the runs and analyses behind the report, Analyses those of them that are analyses.
	Used int `json:"used"`
	// Carried counts those of them that were made under an earlier scheme of keys: they have another name since,
	// and the same numbers.
	Carried  int       `json:"carried,omitempty"`
	Analyses int       `json:"analyses"`
	Code     []Code    `json:"code"`
	Sources  []Commit  `json:"commits"`
	Machines []Machine `json:"machines"`
	// WallHours and KilowattHours (of the processors) are sums over all that was used. Metered is how many
	// of them could read an energy counter; without any, KilowattHours is nil.
	WallHours     float64  `json:"wallHours"`
	KilowattHours *float64 `json:"kilowattHours,omitempty"`
	Metered       int      `json:"metered"`
}

// Code is a digest of the source that determines the numbers.
type Code struct {
	Digest string `json:"digest"`
	// Analyses: it is the code of analyses, and Runs counts these.
	Analyses bool `json:"analyses"`
	Runs     int  `json:"runs"`
}

// Commit is a state of the source.
type Commit struct {
	Tool   string `json:"tool"`
	Commit string `json:"commit"`
	Dirty  bool   `json:"dirty"` // the source differed from the commit
	Runs   int    `json:"runs"`  // and analyses
}

// Machine is what computed runs.
type Machine struct {
	CPU     string `json:"cpu"`
	Cores   int    `json:"cores"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Go      string `json:"go"`
	Backend string `json:"backend"`
	Runs    int    `json:"runs"` // and analyses
}
