// Package model says what a report is: types, and next to no logic.
package model

import (
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/stats"
)

// Schema and Version identify the JSON of a Report. The version rises when a field changes its meaning
// or goes away; new fields do not raise it.
const (
	Schema  = "cidbench-report"
	Version = 2
)

// Alpha is the one-sided level, in either direction, at which an exploratory claim is judged, and Level that of
// intervals that decide nothing: their ends are two one-sided bounds at Alpha.
const (
	Alpha = 0.05
	Level = 1 - 2*Alpha
)

// Report is what the runs say about the claims. Accuracies and their differences are in points: 1 is 1%
// of the test images. Pointers are nil where a number does not exist.
type Report struct {
	Schema  string      `json:"schema"`
	Version int         `json:"version"`
	Paper   bench.Paper `json:"paper"`          // whose claims these are
	Plan    *Plan       `json:"plan,omitempty"` // nil if the tier has none, or was asked to be explored
	Tier    Tier        `json:"tier"`
	Gain    bench.Gain  `json:"gain"` // what margins are shares of
	// Confirmed counts the claims of a plan that was registered before their runs, and Explored the others.
	Confirmed Tally    `json:"confirmed"`
	Explored  Tally    `json:"explored"`
	Claims    []Claim  `json:"claims"`
	Across    []Across `json:"across"`          // the verdicts by statement and temperature
	Leads     []Lead   `json:"leads,omitempty"` // by temperature
	// Targets are the published figures that the tier is held against.
	Targets  []Target   `json:"targets,omitempty"`
	Arms     []Arm      `json:"arms"`
	Sweeps   []Sweep    `json:"sweeps,omitempty"`   // those without a run are left out
	Analyses []Analysis `json:"analyses,omitempty"` // of embeddings, by arm and temperature and then over training
	// Floors are the arms, by id, above whose accuracy learning starts; Chance is the accuracy of guessing.
	Floors     []Floor    `json:"floors"`
	Chance     *float64   `json:"chance,omitempty"`
	Provenance Provenance `json:"provenance"`
	Notes      []string   `json:"notes"` // footnotes; claims refer to them by number, from 1
	// Beside are reports of other tiers, whose verdicts on the same claims stand beside these.
	Beside []*Report `json:"beside,omitempty"`
}

// Tiers are the report and those beside it.
func (r *Report) Tiers() []*Report { return append([]*Report{r}, r.Beside...) }

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
	Method      string  `json:"method"`              // with its version
	Negatives   int     `json:"negatives"`           // of each query, before rules
	Seeds       int     `json:"seeds"`               // of this report, at the last look
	Night       string  `json:"night,omitempty"`     // whose seeds are explored
	FirstSeed   uint64  `json:"firstSeed,omitempty"` // of what is explored
	SeedsUsual  int     `json:"seedsUsual"`          // of the tier
	TestImages  int     `json:"testImages"`          // 0 if no run is complete
	RunsPresent int     `json:"runsComplete"`        // complete and usable
	RunsFailed  int     `json:"runsFailed"`
	RunsMissing int     `json:"runsMissing"`
}

// Tally counts claims by verdict.
type Tally struct {
	Supported      int `json:"supported"`
	Refuted        int `json:"refuted"`
	Inconclusive   int `json:"inconclusive"`
	NothingToJudge int `json:"nothingToJudge,omitempty"`
	NotAsAsked     int `json:"notAsAsked,omitempty"`
	NotTestable    int `json:"notTestable,omitempty"`
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
	case NotTestable:
		t.NotTestable++
	default:
		t.Inconclusive++
	}
}

// Testable is how many claims a verdict could be reached on, and Nothing on how many of them nothing was measured.
func (t Tally) Testable() int {
	return t.Supported + t.Refuted + t.Inconclusive + t.Nothing()
}

// Nothing is the number of testable claims without a single pair of runs.
func (t Tally) Nothing() int { return t.NothingToJudge + t.NotAsAsked }

// Exit codes of a report.
const (
	ExitSupported    = 0 // every claim that counts; of the machinery, that it works
	ExitRefuted      = 3 // at least one claim
	ExitInconclusive = 4 // none refuted, at least one not supported; of the machinery, that runs failed or are missing
	ExitNothing      = 5 // no claim has a single pair of runs
)

// ExitCode says in one number what the report found of the claims that confirm, or if there are none of the others.
// Having measured nothing is never 0. In a tier that checks the machinery it says whether every run is there.
func (r *Report) ExitCode() int {
	t := r.Confirmed
	if t.Testable() == 0 {
		t = r.Explored
	}
	switch {
	case t.Nothing() == t.Testable():
		return ExitNothing
	case r.Tier.Machinery && r.Tier.RunsFailed+r.Tier.RunsMissing == 0:
		return ExitSupported
	case r.Tier.Machinery:
		return ExitInconclusive
	case t.Refuted > 0:
		return ExitRefuted
	case t.Supported < t.Testable():
		return ExitInconclusive
	}
	return ExitSupported
}

// Plan is the tier's plan, and how far it got.
type Plan struct {
	ID    string  `json:"id"`    // of its record, which fixes claims, margins, looks and every setting of every run
	Basis string  `json:"basis"` // what was known when it was made
	Alpha float64 `json:"alpha"` // of any wrong verdict among its claims
	// Registered is when its record was made, nil if the registry has none, and Manifest the digest of that.
	Registered *time.Time      `json:"registered,omitempty"`
	Manifest   registry.Digest `json:"manifest,omitempty"`
	FirstSeed  uint64          `json:"firstSeed"`
	Looks      []int           `json:"looks"` // numbers of seeds
	Primary    Levels          `json:"primary"`
	Secondary  Levels          `json:"secondary"`
	// Open are the claims that a further look may decide, with the look, from 0, and Stopped says why it was not taken.
	Open    map[string]int `json:"open,omitempty"`
	Stopped string         `json:"stopped,omitempty"`
}

// Levels are claims of a plan with what each of them may spend of alpha, and the one-sided level of each look.
type Levels struct {
	Claims []string  `json:"claims"`
	Share  float64   `json:"share"`
	Looks  []float64 `json:"looks"`
}

// Provenance says where the numbers come from.
type Provenance struct {
	// Evidence is a digest over the ids and result digests of all runs and analyses used: two reports with
	// equal evidence rest on equal results, wherever and whenever these were computed.
	Evidence registry.Digest `json:"evidence"`
	Command  string          `json:"command"`
	// Used counts the runs and analyses behind the report, Analyses those of them that are analyses.
	Used     int       `json:"used"`
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
