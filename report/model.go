package report

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
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

// NothingToJudge is the verdict on a claim of which not a single pair of runs exists.
const NothingToJudge stats.Verdict = "nothing to judge"

// Report is what the runs say about the claims. Accuracies and their differences are in points: 1 is 1%
// of the test images. Pointers are nil where a number does not exist.
type Report struct {
	Schema  string  `json:"schema"`
	Version int     `json:"version"`
	Alpha   float64 `json:"alpha"` // at which claims are judged, at each look if there are several
	Level   float64 `json:"level"` // of the intervals, 1 - 2*Alpha: their ends are two one-sided bounds
	// Looks is nil if the number of seeds was fixed.
	Looks  *Looks  `json:"looks,omitempty"`
	Tier   Tier    `json:"tier"`
	Tally  Tally   `json:"tally"`
	Claims []Claim `json:"claims"`
	// Across has the verdicts by statement and temperature.
	Across []Across `json:"across"`
	Arms   []Arm    `json:"arms"`
	// Sweeps show accuracy against the fraction of negatives; those without a run are left out.
	Sweeps []Sweep `json:"sweeps,omitempty"`
	// Analyses of embeddings, by arm and temperature and then over training.
	Analyses []Analysis `json:"analyses,omitempty"`
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
	Analysis    string  `json:"analysis"` // the protocol
	Temperature float64 `json:"temperature"`
	Steps       int     `json:"steps"`
	Batch       int     `json:"batch"`
	Queue       int     `json:"queue"`
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
}

// Claim is one claim and the verdict on it.
type Claim struct {
	ID        string `json:"id"`
	Family    string `json:"family"`
	Statement string `json:"statement"`
	Target    string `json:"target"`
	Source    Source `json:"source"`
	// Temperature of InfoNCE at which it is tested.
	Temperature float64 `json:"temperature"`
	Probe       string  `json:"probe"`
	MinSeeds    int     `json:"minSeeds"`
	// FamilySize is the number of claims that the p values are corrected for together: those of this report
	// at the same temperature.
	FamilySize int        `json:"familySize"`
	Contrasts  []Contrast `json:"contrasts"`
	Controls   []string   `json:"controls,omitempty"`
	// Beside are the effects of the claim's arms, if it has controls, and Explained what they say together.
	Beside    []Effect    `json:"beside,omitempty"`
	Explained []Explained `json:"explained,omitempty"`
	// Places are where the claim's arms stand in sweeps at the same temperature.
	Places []Place `json:"places,omitempty"`
	// Raw combines the contrasts; Corrected is what the verdict rests on. A claim that cannot be
	// measured has p values of 1.
	Raw       PValues       `json:"pRaw"`
	Corrected PValues       `json:"pCorrected"`
	Verdict   stats.Verdict `json:"verdict"`
	// Look that the verdict and the numbers are of, counted from 1; 0 if runs are missing for the first.
	Look int `json:"look"`
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

// Contrast is accuracy(A) - accuracy(B), paired by seed, in points; or, if Statistic is given, that
// statistic of A's encoders less what chance gives, in the statistic's unit, and B is Chance.
type Contrast struct {
	A         string `json:"a"`
	B         string `json:"b"`
	Statistic string `json:"statistic,omitempty"` // an id of analysis.All
	Title     string `json:"title,omitempty"`     // of the statistic
	Unit      string `json:"unit,omitempty"`      // of the statistic
	// HasNull: the statistic is compared with what chance gives. Otherwise it is compared with 0.
	HasNull  bool           `json:"hasNull,omitempty"`
	Relation bench.Relation `json:"relation"`
	Margin   float64        `json:"margin"` // as declared
	// Bounds are the differences that the relation is about: one, or two for equivalence.
	Bounds []float64 `json:"bounds"`
	Pairs  []Pair    `json:"pairs"`
	N      int       `json:"n"` // pairs
	// MeanA and MeanB are means over the pairs; nil without any.
	MeanA *float64 `json:"meanA,omitempty"`
	MeanB *float64 `json:"meanB,omitempty"`
	// Difference is nil with fewer than two pairs.
	Difference *Difference `json:"difference,omitempty"`
	// P is nil if the contrast may not be judged; Obstacles say why.
	P         *PValues `json:"p,omitempty"`
	Obstacles []string `json:"obstacles,omitempty"`
	// Alone is the verdict before the correction for the other claims.
	Alone stats.Verdict `json:"alone"`
}

// Chance stands for the second arm where a statistic is compared with its null.
const Chance = "chance"

// Pair is one seed of a contrast.
type Pair struct {
	Seed       uint64  `json:"seed"`
	A          float64 `json:"a"`
	B          float64 `json:"b"`
	Difference float64 `json:"difference"`
	// Permutation holds the p values of a statistic's permutation null at this seed; nil if it has none.
	Permutation *PValues `json:"permutation,omitempty"`
}

// Difference is the mean difference over seeds with its interval, in points.
type Difference struct {
	Estimate float64 `json:"estimate"`
	SE       float64 `json:"se"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Level    float64 `json:"level"` // of the interval from Low to High
}

// Effect is what an arm changes against the baseline, the arm that sees all negatives: the difference of
// accuracy, paired by seed, in points. Only seeds count at which both may be compared.
type Effect struct {
	Arm        string      `json:"arm"`
	Rules      string      `json:"rules"` // in words
	Baseline   string      `json:"baseline"`
	N          int         `json:"n"` // pairs
	Difference *Difference `json:"difference,omitempty"`
}

// Explained says how much of what dropping the hardest negatives does is done by dropping those of the
// query's own class among them.
type Explained struct {
	Whole string `json:"whole"` // the arm without the hardest
	Part  string `json:"part"`  // the arm without those of them that are of the query's class
	// Share is the part's mean effect over the whole's. It is nil, and Why says so, if either was not measured
	// or the whole's interval includes 0: a share of what may be nothing is nothing to quote.
	Share *Share `json:"share,omitempty"`
	Why   string `json:"why,omitempty"`
}

// Share is a ratio of mean effects with Fieller's interval of the report's level.
type Share struct {
	Estimate float64 `json:"estimate"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// Place is a fraction of a sweep's axis.
type Place struct {
	Sweep    string  `json:"sweep"`
	Line     string  `json:"line"`
	Arm      string  `json:"arm"`
	Fraction float64 `json:"fraction"`
}

// Across is one statement at all temperatures at which it is tested.
type Across struct {
	Claim  string `json:"claim"` // the first, at the tier's temperature if it is tested there
	Family string `json:"family"`
	// At has the temperatures in the order of the claims.
	At []AtTemperature `json:"at"`
	// Differs: not all verdicts are the same. Sentence then says what follows from that.
	Differs  bool   `json:"differs"`
	Sentence string `json:"sentence,omitempty"`
}

// AtTemperature is the verdict on a claim at a temperature.
type AtTemperature struct {
	Temperature float64       `json:"temperature"`
	Claim       string        `json:"claim"`
	Verdict     stats.Verdict `json:"verdict"`
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
	// Curve and Progress are means over the complete runs, Bands too.
	Curve    []CurvePoint          `json:"curve,omitempty"`
	Progress []bench.ProgressPoint `json:"progress,omitempty"`
	Bands    []Band                `json:"bands,omitempty"`
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

// Sweep is accuracy against the fraction of negatives, at the tier's temperature.
type Sweep struct {
	ID    string      `json:"id"`
	Title string      `json:"title"`
	Seeds int         `json:"seeds"`
	Lines []SweepLine `json:"lines"`
	// Reference is the arm drawn as a level, with its mean accuracy in points if it was run.
	Reference     string   `json:"reference"`
	ReferenceMean *float64 `json:"referenceMean,omitempty"`
	// Complete runs of so many cells; Command runs the rest.
	Complete int    `json:"complete"`
	Cells    int    `json:"cells"`
	Command  string `json:"command"`
}

// SweepLine is one way of choosing negatives.
type SweepLine struct {
	Name   string       `json:"name"` // "keep hardest"
	Points []SweepPoint `json:"points"`
}

// SweepPoint is the accuracy at a fraction of the queue, in points.
type SweepPoint struct {
	Fraction float64 `json:"fraction"`
	// Negatives is the number of the queue's that the fraction stands for.
	Negatives int       `json:"negatives"`
	N         int       `json:"n"` // complete runs
	Mean      *float64  `json:"mean,omitempty"`
	SD        *float64  `json:"sd,omitempty"`
	Seeds     []float64 `json:"seeds"`
}

// Analysis is what the embeddings of an arm show after a step: means over the seeds that were analysed.
type Analysis struct {
	Arm         string  `json:"arm"`
	Temperature float64 `json:"temperature"`
	Step        int     `json:"step"` // 0: as initialised
	N           int     `json:"n"`    // seeds
	// Final marks the end of training, on which claims rest.
	Final bool `json:"final"`
	// Images is the number of images, each a negative of each of the Queries.
	Images     int         `json:"images"`
	Queries    int         `json:"queries"`
	Statistics []Statistic `json:"statistics"`
	// Percentiles and Cuts are stretches of the negatives by difficulty, from the hardest.
	Percentiles []analysis.Percentile `json:"percentiles"`
	Cuts        []analysis.Percentile `json:"cuts"`
	Hard        Consistency           `json:"hard"`
	Easy        Consistency           `json:"easy"`
	// Gallery shows queries of the first seed with their hardest and easiest negatives.
	Gallery []GalleryRow `json:"gallery"`
	Runs    []RunRef     `json:"runs"`
}

// Statistic is one number of an analysis, over seeds.
type Statistic struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Unit  string `json:"unit"`
	// Null is what chance gives, nil if the statistic has no null.
	Null  *float64 `json:"null,omitempty"`
	Mean  float64  `json:"mean"`
	Least float64  `json:"least"` // of the seeds
	Most  float64  `json:"most"`
	// SD is over seeds, nil for one. Seeds hold each seed's own value with its bootstrap interval.
	SD    *float64    `json:"sd,omitempty"`
	Seeds []SeedValue `json:"seeds"`
	// Permutation combines the p values of the seeds, however these depend on each other; nil if the
	// statistic has no permutation null.
	Permutation *PValues `json:"permutation,omitempty"`
}

// SeedValue is a statistic of one encoder.
type SeedValue struct {
	Seed        uint64   `json:"seed"`
	Value       float64  `json:"value"`
	Low         float64  `json:"low"`
	High        float64  `json:"high"`
	Permutation *PValues `json:"permutation,omitempty"`
}

// Consistency says how often images are hard (or easy) negatives, beside the binomial null.
type Consistency struct {
	// Rate is the share of a query's negatives that counts as hard (or easy).
	Rate float64 `json:"rate"`
	// Histogram of the first seed's counts.
	Histogram []analysis.Bin `json:"histogram"`
	// Upper and Lower are shares of the images whose count lies beyond the null's extreme quantiles, means
	// over seeds.
	Upper analysis.Extreme `json:"upper"`
	Lower analysis.Extreme `json:"lower"`
	// Stability is the mean rank correlation of the counts between seeds; nil for one seed.
	Stability *float64 `json:"stability,omitempty"`
	// Most are the images of the first seed that are so most consistently, Classes the classes.
	Most    []Picture    `json:"most"`
	Classes []ClassCount `json:"classes"`
}

// Picture is an image of the data set. PNG is empty where the data are not at hand.
type Picture struct {
	Index int    `json:"index"`
	Class string `json:"class"`
	// Caption says what the image is here, such as its dot product with the query.
	Caption string `json:"caption,omitempty"`
	// SameClass: it is a negative of the query's own class.
	SameClass bool   `json:"sameClass,omitempty"`
	PNG       []byte `json:"-"`
}

// ClassCount is the mean count of the images of a class.
type ClassCount struct {
	Class string  `json:"class"`
	Mean  float64 `json:"mean"`
}

// GalleryRow is a query with negatives.
type GalleryRow struct {
	Query   Picture   `json:"query"`
	Hardest []Picture `json:"hardest"`
	Easiest []Picture `json:"easiest"`
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
