package model

import (
	"github.com/cidbench/cidbench/registry"
)

// Difference is the mean difference over seeds with its interval, in points.
type Difference struct {
	Estimate float64 `json:"estimate"`
	SE       float64 `json:"se"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Level    float64 `json:"level"` // of the interval from Low to High
}

// PValues are small when the data show that the claim holds, or that it does not.
type PValues struct {
	Support float64 `json:"support"`
	Refute  float64 `json:"refute"`
}

// RunRef points to the evidence.
type RunRef struct {
	Arm      string          `json:"arm"`
	Seed     uint64          `json:"seed"`
	Run      string          `json:"run"`
	Manifest registry.Digest `json:"manifest"`
}
