package model

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/stats"
)

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
	Mean        *float64       `json:"mean,omitempty"` // of Linear, as all that follows but Ridge, KNN and Weighted
	SD          *float64       `json:"sd,omitempty"`   // over seeds, n >= 2
	Ridge       *float64       `json:"ridge,omitempty"`
	KNN         *float64       `json:"knn,omitempty"`
	Weighted    *float64       `json:"weighted,omitempty"`
	// Curve and Progress are means over the complete runs, Bands too.
	Curve    []CurvePoint          `json:"curve,omitempty"`
	Progress []bench.ProgressPoint `json:"progress,omitempty"`
	Bands    []Band                `json:"bands,omitempty"`
}

// Lead sets the arms that the primary claims compare beside each other, at a temperature, at the seeds that all of
// them have: those of the plan, or where there are none the others. Without a plan they are the arms of the first claim.
type Lead struct {
	Temperature float64   `json:"temperature"`
	Seeds       []uint64  `json:"seeds"`
	Arms        []LeadArm `json:"arms"` // the most accurate first
}

// LeadArm is an arm of a Lead.
type LeadArm struct {
	ID         string    `json:"id"`
	Accuracies []float64 `json:"accuracies"` // points, by seed
	Mean       float64   `json:"mean"`
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
	Weighted *float64        `json:"weighted,omitempty"` // of neighbours in the space of embeddings, where the tier's probe has them
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
	Weighted   int `json:"weighted,omitempty"`
	TestImages int `json:"testImages"`
}

// CurvePoint is the mean accuracy after a step.
type CurvePoint struct {
	Step     int     `json:"step"`
	Accuracy float64 `json:"accuracy"` // points
	// Weighted is that of neighbours in the space of embeddings, where the tier's probe has them.
	Weighted *float64 `json:"weighted,omitempty"`
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
	Fraction  float64  `json:"fraction"`
	Negatives int      `json:"negatives"` // of the queue, that the fraction stands for
	N         int      `json:"n"`         // complete runs
	Mean      *float64 `json:"mean,omitempty"`
	SD        *float64 `json:"sd,omitempty"`
	// Interval is that of the mean over seeds, at the report's level.
	Interval *stats.Interval `json:"interval,omitempty"`
	Seeds    []float64       `json:"seeds"`
}

// Analysis is what the embeddings of an arm show after a step: means over the seeds that were analysed.
type Analysis struct {
	Arm         string      `json:"arm"`
	Temperature float64     `json:"temperature"`
	Step        int         `json:"step"`   // 0: as initialised
	N           int         `json:"n"`      // seeds
	Final       bool        `json:"final"`  // at the end of training, on which claims rest
	Images      int         `json:"images"` // each a negative of each of the Queries
	Queries     int         `json:"queries"`
	Statistics  []Statistic `json:"statistics"`
	// Percentiles and Cuts are stretches of the negatives by difficulty, from the hardest.
	Percentiles []analysis.Percentile `json:"percentiles"`
	Cuts        []analysis.Percentile `json:"cuts"`
	Hard        Consistency           `json:"hard"`
	Easy        Consistency           `json:"easy"`
	Gallery     []GalleryRow          `json:"gallery"` // queries of the first seed with their hardest and easiest negatives
	Runs        []RunRef              `json:"runs"`
}

// Find returns a statistic by id, nil if the analysis lacks it.
func (a *Analysis) Find(id string) *Statistic {
	for i := range a.Statistics {
		if a.Statistics[i].ID == id {
			return &a.Statistics[i]
		}
	}
	return nil
}

// Statistic is one number of an analysis, over seeds.
type Statistic struct {
	ID    string   `json:"id"`
	Title string   `json:"title"`
	Unit  string   `json:"unit"`
	Null  *float64 `json:"null,omitempty"` // what chance gives, nil if the statistic has no null
	Mean  float64  `json:"mean"`
	Least float64  `json:"least"` // of the seeds
	Most  float64  `json:"most"`
	// SD is over seeds, nil for one. Seeds hold each seed's own value with its bootstrap interval.
	SD    *float64    `json:"sd,omitempty"`
	Seeds []SeedValue `json:"seeds"`
	// Permutation combines the p values of the seeds, however these depend on each other; nil if the
	// statistic has no permutation null.
	Permutation *stats.Evidence `json:"permutation,omitempty"`
}

// SeedValue is a statistic of one encoder.
type SeedValue struct {
	Seed        uint64          `json:"seed"`
	Value       float64         `json:"value"`
	Low         float64         `json:"low"`
	High        float64         `json:"high"`
	Permutation *stats.Evidence `json:"permutation,omitempty"`
}

// Consistency says how often images are hard (or easy) negatives, beside the binomial null.
type Consistency struct {
	Rate      float64        `json:"rate"`      // share of a query's negatives that counts as hard (or easy)
	Histogram []analysis.Bin `json:"histogram"` // of the first seed's counts
	// Upper and Lower are shares of the images whose count lies beyond the null's extreme quantiles, means
	// over seeds.
	Upper     analysis.Extreme `json:"upper"`
	Lower     analysis.Extreme `json:"lower"`
	Stability *float64         `json:"stability,omitempty"` // mean rank correlation of the counts between seeds; nil for one
	// Most are the images of the first seed that are so most consistently, Classes the classes.
	Most    []Picture    `json:"most"`
	Classes []ClassCount `json:"classes"`
}

// Picture is an image of the data set. PNG is empty where the data are not at hand.
type Picture struct {
	Index     int    `json:"index"`
	Class     string `json:"class"`
	Caption   string `json:"caption,omitempty"`   // what the image is here, such as its dot product with the query
	SameClass bool   `json:"sameClass,omitempty"` // a negative of the query's own class
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
