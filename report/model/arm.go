package model

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
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
	Fraction  float64   `json:"fraction"`
	Negatives int       `json:"negatives"` // of the queue, that the fraction stands for
	N         int       `json:"n"`         // complete runs
	Mean      *float64  `json:"mean,omitempty"`
	SD        *float64  `json:"sd,omitempty"`
	Seeds     []float64 `json:"seeds"`
}
