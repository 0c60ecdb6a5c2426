// Package diff sets two reports side by side.
package diff

import (
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// ComparisonSchema identifies the JSON of a Comparison, as Schema does that of a Report.
const ComparisonSchema = "cidbench-comparison"

// Comparison sets two reports on the same claims side by side, A and B: two registries, or what two versions
// of the code computed.
type Comparison struct {
	Schema        string     `json:"schema"`
	Version       int        `json:"version"`
	Alpha         float64    `json:"alpha"`         // at which a change counts as beyond noise, over all contrasts (or arms) together
	Level         float64    `json:"level"`         // of the intervals of changes
	EstimateLevel float64    `json:"estimateLevel"` // of the intervals of estimates, as in a report
	Tier          model.Tier `json:"tier"`          // as of A; the runs counted in it are A's
	A             Side       `json:"a"`
	B             Side       `json:"b"`
	// Shared is the number of runs that are the same on both sides, Equal that of cells, shared or not, whose
	// accuracies are; Both is that of the cells complete on both.
	Shared int `json:"shared"`
	Equal  int `json:"equal"`
	Both   int `json:"both"`
	// Verdicts counts the claims that are judged differently, Moved and Compared contrasts, each once.
	Verdicts   int              `json:"verdictsChanged"`
	Moved      int              `json:"contrastsMoved"`
	Compared   int              `json:"contrastsCompared"`
	Claims     []ClaimChange    `json:"claims"`
	Arms       []ArmChange      `json:"arms"`
	Provenance []ProvenancePair `json:"provenance"`
	// OnlyA and OnlyB say what is complete on one side alone.
	OnlyA []string `json:"onlyA"`
	OnlyB []string `json:"onlyB"`
}

// Side is one of the two.
type Side struct {
	Name        string      `json:"name"`
	Tally       model.Tally `json:"tally"`
	RunsPresent int         `json:"runsComplete"`
	RunsFailed  int         `json:"runsFailed"`
	RunsMissing int         `json:"runsMissing"`
}

// ClaimChange is one claim on both sides.
type ClaimChange struct {
	ID          string           `json:"id"`
	Temperature float64          `json:"temperature"`
	A           stats.Verdict    `json:"a"`
	B           stats.Verdict    `json:"b"`
	Contrasts   []ContrastChange `json:"contrasts"`
}

// ContrastChange is one contrast on both sides, or one observation.
type ContrastChange struct {
	Contrast  string                `json:"contrast"`
	Statistic string                `json:"statistic,omitempty"` // of an observation
	A         *stats.MeanDifference `json:"a,omitempty"`
	B         *stats.MeanDifference `json:"b,omitempty"`
	NA        int                   `json:"nA"` // pairs
	NB        int                   `json:"nB"`
	Change    *Change               `json:"change,omitempty"`
}

// ArmChange is the mean accuracy of an arm on both sides, in points.
type ArmChange struct {
	ID          string   `json:"id"`
	Temperature float64  `json:"temperature"`
	Trained     bool     `json:"trained"`
	A           *float64 `json:"a,omitempty"`
	B           *float64 `json:"b,omitempty"`
	NA          int      `json:"nA"` // runs
	NB          int      `json:"nB"`
	Change      *Change  `json:"change,omitempty"`
}

// Change is B - A, the sides taken as independent.
type Change struct {
	stats.Change
	Noise bool `json:"withinNoise"` // after Holm's correction its p value is no less than alpha
}

// ProvenancePair is a fact about where the runs come from.
type ProvenancePair struct {
	Name string   `json:"name"`
	A    []string `json:"a"`
	B    []string `json:"b"`
	Same bool     `json:"same"`
}
