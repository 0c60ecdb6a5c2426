package bench

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/probe"
)

// MaxSeeds is more than anyone explores; a slip of the keyboard may ask for more.
const MaxSeeds = 1000

// Tier is a scale at which the experiments run.
type Tier struct {
	ID    string
	Title string
	// Caveat says what verdicts of this tier do not show; it is printed with each of them.
	Caveat string
	// Machinery marks a tier that only proves that the harness works: its verdicts mean nothing.
	Machinery bool
	// GPU marks a tier that takes days without one, Recipe one whose settings are those of its data set. They matter where
	// a tier is chosen for other data.
	GPU, Recipe bool
	Dataset     string
	Train       method.Method
	Probe       probe.Protocol
	// Checkpoints are the shares of training after which the state is kept and probed; the last is 1.
	Checkpoints []float64
	// BandEvery is the number of steps between measurements of the same-class share by difficulty.
	BandEvery int
	// Analysis is how embeddings at the checkpoints are analysed.
	Analysis analysis.Protocol
	// Seeds is the number of seeds, from 0, on which is explored unless the caller says otherwise.
	Seeds int
	// NotTestable gives by thesis the reason for which no verdict of this tier could mean anything. What was measured
	// is shown all the same.
	NotTestable map[string]string
	// Targets are published figures of this data set and recipe.
	Targets []Target
}

// Temperature is that at which a claim is tested.
func (t *Tier) Temperature(c *Claim) float64 {
	return cmp.Or(c.Temperature, t.Train.Scale().Temperature)
}

// TemperatureOf is that at which an arm is trained for a claim at a temperature, 0 meaning the tier's. Floors do not
// depend on it, and are filed under the tier's.
func (t *Tier) TemperatureOf(a *Arm, claim float64) float64 {
	if a.Features != Trained {
		claim = 0
	}
	return cmp.Or(a.Temperature, claim, t.Train.Scale().Temperature)
}

// ProbeOf is the id of the probe whose accuracy a claim compares: the claim's own, or where a tier evaluates as is
// published, the tier's, since that is the accuracy that the paper's statements are about; also the tier's where it does
// what the claim asks for and measures embeddings beside. None without contrasts.
func (t *Tier) ProbeOf(c *Claim) string {
	if c.Probe != "" && (t.Probe.SGD.Given() || t.Probe.Features() == c.Probe) {
		return t.Probe.ID()
	}
	return c.Probe
}

// Validate reports everything that is wrong with a tier by itself.
func (t *Tier) Validate() error {
	if t.Train == nil {
		return errors.New("it has no training method")
	}
	errs := []error{validID(t.ID), t.Train.Validate(), t.Probe.Validate(), t.Analysis.Validate()}
	if n := len(t.Checkpoints); n == 0 || t.Checkpoints[n-1] != 1 || !slices.IsSorted(t.Checkpoints) || t.Checkpoints[0] <= 0 {
		errs = append(errs, errors.New("checkpoints must rise from above 0 to 1"))
	}
	if t.Seeds < 1 || t.Seeds > MaxSeeds {
		errs = append(errs, fmt.Errorf("seeds: %d: want 1 to %d", t.Seeds, MaxSeeds))
	}
	if t.BandEvery < 1 || t.Caveat == "" {
		errs = append(errs, errors.New("band_every must be positive, and a caveat given"))
	}
	for _, x := range t.Targets {
		errs = append(errs, t.validate(x))
	}
	return errors.Join(errs...)
}

// StepsOf is the number of steps in a share of training; there is always one.
func (t *Tier) StepsOf(share float64) int {
	return max(1, int(math.Round(share*float64(t.Train.Scale().Steps))))
}
