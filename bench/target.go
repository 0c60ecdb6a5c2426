package bench

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cidbench/cidbench/bench/probe"
)

// Measure names an accuracy of a probe.
type Measure string

// The measures that figures are published of.
const (
	Linear   Measure = "linear"   // probe.Accuracy.Linear
	Weighted Measure = "weighted" // probe.Accuracy.Weighted
)

// Of is the number of test images that a probe counts.
func (m Measure) Of(a probe.Accuracy) int {
	if m == Weighted {
		return a.Weighted
	}
	return a.Linear
}

// Target is a published accuracy that an arm of a tier is held against: where it lies elsewhere, the tier does not repeat
// the experiment that the figure is of.
type Target struct {
	Arm     string  `json:"arm"`
	Measure Measure `json:"measure"`
	// At is the share of training after which it is measured, one of the tier's checkpoints.
	At float64 `json:"at"`
	// Figures are the published accuracies in points, one for each seed, or one alone.
	Figures []float64 `json:"figures"`
	// SeedsSD is the standard deviation in points, and SeedsN the number, of seeds of which the mean alone is published; 0 where
	// neither is, or Figures has them.
	SeedsSD float64 `json:"seeds_sd,omitempty"`
	SeedsN  int     `json:"seeds_n,omitempty"`
	// SD is the standard deviation between implementations, in points.
	SD float64 `json:"sd"`
	// Source says where the figures are from, and Spread whose deviation SD is.
	Source string `json:"source"`
	Spread string `json:"spread"`
}

// validate says what keeps a target from being held against runs of a tier.
func (t *Tier) validate(x Target) error {
	place := fmt.Sprintf("target of %s after %g of training", x.Arm, x.At)
	outside := func(v float64) bool { return !(v >= 0 && v <= 100) }
	switch {
	case x.Arm == "":
		return errors.New("target: it has no arm")
	case x.Measure != Linear && x.Measure != Weighted:
		return fmt.Errorf("%s: measure %q: want %s or %s", place, x.Measure, Linear, Weighted)
	case x.Measure == Weighted && !t.Probe.Weighted.Given():
		return fmt.Errorf("%s: the tier's probe does not measure %q: set its neighbours and temperature", place, Weighted)
	case !slices.Contains(t.Checkpoints, x.At):
		return fmt.Errorf("%s: that is none of the checkpoints", place)
	case len(x.Figures) == 0 || slices.ContainsFunc(x.Figures, outside):
		return fmt.Errorf("%s: want one or more figures, in points from 0 to 100", place)
	case (x.SeedsSD != 0 || x.SeedsN != 0) && (!(x.SeedsSD > 0) || math.IsInf(x.SeedsSD, 1) || x.SeedsN < 2 || len(x.Figures) > 1):
		return fmt.Errorf("%s: seeds_sd must be positive, of seeds_n, which is 2 or more, and beside one figure, their mean", place)
	case !(x.SD >= 0) || math.IsInf(x.SD, 1) || x.SD == 0 && len(x.Figures) == 1 && x.SeedsN == 0:
		return fmt.Errorf("%s: the deviation between implementations must be positive; 0 is for figures of several seeds", place)
	case x.Source == "" || x.SD > 0 && x.Spread == "":
		return fmt.Errorf("%s: say where the figures are from, and whose deviation sd is", place)
	}
	return nil
}

// CheckTargets reports targets of arms that no run of the tier can be held against.
func (c *Catalogue) CheckTargets(t *Tier) error {
	for _, x := range t.Targets {
		if a := c.Arm(x.Arm); a == nil || a.Features != Trained || a.Temperature != 0 {
			return fmt.Errorf("target: %q is no arm that is trained at the tier's temperature", x.Arm)
		}
	}
	return nil
}

// targeted are the arms that figures are published of, at the tier's temperature: verdicts of the tier rest on them.
func (c *Catalogue) targeted(t *Tier, seeds Seeds) group {
	g := group{seeds: seeds}
	for _, x := range t.Targets {
		g.arms = append(g.arms, placed{arm: c.Arm(x.Arm)})
	}
	return g
}
