package model

import ()

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
