package model

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/stats"
)

// Held says how an arm came out against a published figure.
type Held string

// Inside and Outside its band, or not measured yet.
const (
	Inside     Held = "inside"
	Outside    Held = "outside"
	Unmeasured Held = "not run"
)

// Together is the level at which all bands of a tier hold together, if its arms are what the figures are of.
const Together = 0.95

// Target is a published accuracy, in points, and what an arm of this report has in its place.
type Target struct {
	bench.Target
	Step  int `json:"step"` // at which it is measured
	Steps int `json:"steps"`
	// Band is the interval in which an accuracy is expected that repeats the experiment, about Published, the mean of the
	// figures.
	Published float64        `json:"published"`
	Band      stats.Interval `json:"band"`
	// SeedsHalf and ImplementationsHalf are the half widths that the band would have by the published seeds alone, and by the
	// implementations alone. Its own is the root of the sum of their squares.
	SeedsHalf           float64   `json:"seedsHalfWidth"`
	ImplementationsHalf float64   `json:"implementationsHalfWidth"`
	Seeds               []uint64  `json:"seeds"`
	Found               []float64 `json:"found"` // by seed
	// Begun says that no run of the arm is finished: those that are begun have come this far.
	Begun bool     `json:"begun,omitempty"`
	Mean  *float64 `json:"mean,omitempty"` // of Found
	Held  Held     `json:"held"`
}
