package report

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

// Alpha is the level at which claims are judged, Level that of the intervals: their ends are the two
// one-sided 95% bounds.
const (
	Alpha = 0.05
	Level = 1 - 2*Alpha
)

// NothingToJudge is the verdict on a claim of which not a single pair of runs exists.
const NothingToJudge stats.Verdict = "nothing to judge"

// Report is what the runs say about the claims. Accuracies and their differences are in points: 1 is 1%
// of the test images. Pointers are nil where a number does not exist.
type Report struct {
	Schema  string  `json:"schema"`
	Version int     `json:"version"`
	Alpha   float64 `json:"alpha"`
	Level   float64 `json:"level"` // of the intervals
	Tier    Tier    `json:"tier"`
	Tally   Tally   `json:"tally"`
	// Family is the number of claims that the p values are corrected for together.
	Family int     `json:"family"`
	Claims []Claim `json:"claims"`
	Arms   []Arm   `json:"arms"`
	// Floors are the arms, by id, above whose accuracy learning starts; Chance is the accuracy of guessing.
	Floors     []Floor    `json:"floors"`
	Chance     *float64   `json:"chance,omitempty"`
	Provenance Provenance `json:"provenance"`
	// Notes are footnotes; claims refer to them by number, counted from 1.
	Notes []string `json:"notes"`
}

// Tier is the scale at which the runs were made.
type Tier struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Caveat string `json:"caveat"`
	// Machinery: the verdicts only show that the harness works.
	Machinery   bool    `json:"machinery"`
	Dataset     string  `json:"dataset"`
	Probe       string  `json:"probe"`
	Temperature float64 `json:"temperature"`
	Steps       int     `json:"steps"`
	Batch       int     `json:"batch"`
	Queue       int     `json:"queue"`
	Seeds       int     `json:"seeds"`        // of this report
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
}

// Claim is one claim and the verdict on it.
type Claim struct {
	ID        string `json:"id"`
	Family    string `json:"family"`
	Statement string `json:"statement"`
	Target    string `json:"target"`
	Source    Source `json:"source"`
	// Temperature of InfoNCE at which it is tested.
	Temperature float64    `json:"temperature"`
	Probe       string     `json:"probe"`
	MinSeeds    int        `json:"minSeeds"`
	Contrasts   []Contrast `json:"contrasts"`
	Controls    []string   `json:"controls,omitempty"`
	// Raw combines the contrasts; Corrected is what the verdict rests on. A claim that cannot be
	// measured has p values of 1.
	Raw       PValues       `json:"pRaw"`
	Corrected PValues       `json:"pCorrected"`
	Verdict   stats.Verdict `json:"verdict"`
	// Machinery repeats the tier's flag beside the verdict: it means nothing for science.
	Machinery bool   `json:"machinery"`
	Reason    string `json:"reason"`
	// Reproduce is the command that judges this claim alone.
	Reproduce string   `json:"reproduce"`
	Runs      []RunRef `json:"runs"`
	Notes     []int    `json:"notes,omitempty"`
}

// Source says where a claim comes from and what of it is ours.
type Source struct {
	Where string `json:"where"`
	// Verified: the paper's own text was read. Otherwise it rests on other people's notes.
	Verified bool   `json:"verified"`
	Ours     string `json:"ours"`
}

// Contrast is accuracy(A) - accuracy(B), paired by seed.
type Contrast struct {
	A        string         `json:"a"`
	B        string         `json:"b"`
	Relation bench.Relation `json:"relation"`
	Margin   float64        `json:"margin"` // points, as declared
	// Bounds are the differences that the relation is about: one, or two for equivalence.
	Bounds []float64 `json:"bounds"`
	Pairs  []Pair    `json:"pairs"`
	N      int       `json:"n"` // pairs
	// Difference is nil with fewer than two pairs.
	Difference *Difference `json:"difference,omitempty"`
	// P is nil if the contrast may not be judged; Obstacles say why.
	P         *PValues `json:"p,omitempty"`
	Obstacles []string `json:"obstacles,omitempty"`
	// Alone is the verdict before the correction for the other claims.
	Alone stats.Verdict `json:"alone"`
}

// Pair is one seed of a contrast, in points.
type Pair struct {
	Seed       uint64  `json:"seed"`
	A          float64 `json:"a"`
	B          float64 `json:"b"`
	Difference float64 `json:"difference"`
}

// Difference is the mean difference over seeds with its interval, in points.
type Difference struct {
	Estimate float64 `json:"estimate"`
	SE       float64 `json:"se"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// PValues are small when the data show that the claim holds, or that it does not.
type PValues struct {
	Support float64 `json:"support"`
	Refute  float64 `json:"refute"`
}

// Status of a cell of the matrix.
type Status string

// The statuses; only a complete run has numbers.
const (
	Complete Status = "complete"
	Failed   Status = "failed"
	Unusable Status = "unusable" // complete, but a metric is missing or not a number
	NotRun   Status = "not run"
)

// Arm is an arm at a temperature, over all its seeds.
type Arm struct {
	ID          string         `json:"id"`
	Title       string         `json:"title"`
	Rules       string         `json:"rules"` // in words
	Features    bench.Features `json:"features"`
	Temperature float64        `json:"temperature"`
	Runs        []RunRow       `json:"runs"`
	N           int            `json:"n"`              // complete runs
	Mean        *float64       `json:"mean,omitempty"` // of Linear, as all that follows but Ridge and KNN
	SD          *float64       `json:"sd,omitempty"`   // over seeds, n >= 2
	Ridge       *float64       `json:"ridge,omitempty"`
	KNN         *float64       `json:"knn,omitempty"`
	// Curve and Loss are means over the complete runs, Bands too.
	Curve []CurvePoint `json:"curve,omitempty"`
	Loss  []LossPoint  `json:"loss,omitempty"`
	Bands []Band       `json:"bands,omitempty"`
}

// RunRow is one cell of the matrix, run or not.
type RunRow struct {
	Seed   uint64 `json:"seed"`
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"`
	Run    string `json:"run"`
	// Accuracies in points: Linear is the one that claims are about.
	Linear   *float64        `json:"linear,omitempty"`
	Ridge    *float64        `json:"ridge,omitempty"`
	KNN      *float64        `json:"knn,omitempty"`
	Correct  *Correct        `json:"correct,omitempty"`
	Loss     *float64        `json:"loss,omitempty"` // nats, mean of the last tenth of training
	Manifest registry.Digest `json:"manifest,omitempty"`
	Result   registry.Digest `json:"result,omitempty"`
}

// Correct holds the counts of test images behind the accuracies.
type Correct struct {
	Linear     int `json:"linear"`
	Ridge      int `json:"ridge"`
	KNN        int `json:"knn"`
	TestImages int `json:"testImages"`
}

// CurvePoint is the mean accuracy after a step.
type CurvePoint struct {
	Step     int     `json:"step"`
	Accuracy float64 `json:"accuracy"` // points
}

// LossPoint is the mean InfoNCE, in nats, of the steps up to Step since the point before.
type LossPoint struct {
	Step int     `json:"step"`
	Loss float64 `json:"loss"`
}

// Band is a stretch of the queue by difficulty: From and To are fractions, 0 the hardest.
type Band struct {
	From       float64 `json:"from"`
	To         float64 `json:"to"`
	SameClass  float64 `json:"sameClass"` // percent of its negatives that are of the query's class
	Similarity float64 `json:"similarity"`
}

// Floor is an accuracy that takes no learning.
type Floor struct {
	ID   string  `json:"id"`
	Mean float64 `json:"mean"` // points
}

// RunRef points to the evidence.
type RunRef struct {
	Arm      string          `json:"arm"`
	Seed     uint64          `json:"seed"`
	Run      string          `json:"run"`
	Manifest registry.Digest `json:"manifest"`
}

// Provenance says where the numbers come from.
type Provenance struct {
	// Evidence is a digest over the ids and result digests of all runs used: two reports with equal
	// evidence rest on equal results, wherever and whenever these were computed.
	Evidence  registry.Digest `json:"evidence"`
	Command   string          `json:"command"`
	Code      []Code          `json:"code"`
	Sources   []Commit        `json:"commits"`
	Machines  []Machine       `json:"machines"`
	WallHours float64         `json:"wallHours"`
}

// Code is a digest of the source that determines the numbers.
type Code struct {
	Digest string `json:"digest"`
	Runs   int    `json:"runs"`
}

// Commit is a state of the source.
type Commit struct {
	Tool   string `json:"tool"`
	Commit string `json:"commit"`
	Dirty  bool   `json:"dirty"` // the source differed from the commit
	Runs   int    `json:"runs"`
}

// Machine is what computed runs.
type Machine struct {
	CPU     string `json:"cpu"`
	Cores   int    `json:"cores"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Go      string `json:"go"`
	Backend string `json:"backend"`
	Runs    int    `json:"runs"`
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
	case t.NothingToJudge == len(r.Claims):
		return ExitNothing
	case t.Refuted > 0:
		return ExitRefuted
	case t.Supported < len(r.Claims):
		return ExitInconclusive
	}
	return ExitSupported
}
