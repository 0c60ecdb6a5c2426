package bench

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench/analysis"
)

// Relation is what a contrast asserts of accuracy(A) - accuracy(B), paired by seed.
type Relation string

// The relations; each margin is in accuracy points (one point is 1% of the test images).
const (
	// NonInferior: A - B > -Margin.
	NonInferior Relation = "non-inferior"
	// Greater: A - B > Margin.
	Greater Relation = "greater"
	// Equivalent: |A - B| < Margin.
	Equivalent Relation = "equivalent"
)

// Contrast compares two arms, by id.
type Contrast struct {
	A, B     string
	Relation Relation
	Margin   float64 // accuracy points
}

// Observation asserts that a statistic, which package analysis measures on the encoders of an arm at the end
// of training, exceeds the value that its null gives by more than a margin.
type Observation struct {
	Arm       string
	Statistic string  // an id of analysis.All
	Margin    float64 // in the statistic's unit
}

// Source says where a claim or a number comes from.
type Source struct {
	// Where is the place in the paper.
	Where string `json:"where"`
	// Verified is true when the paper's own text was read; otherwise the statement rests on other people's
	// notes, and the report says so.
	Verified bool `json:"verified"`
	// Ours says what in the claim's definition is our choice, and why.
	Ours string `json:"ours"`
}

// Claim is one statement of the paper, made testable.
type Claim struct {
	ID string
	// Exploratory claims stand outside the correction for many claims: the others are not corrected for them. A
	// new claim is exploratory until a plan that was registered before its runs names it.
	Exploratory bool
	// Thesis names the statement of the paper of which claims are variants (other cut, other temperature).
	Thesis string
	// Statement is the paper's, in its own words as far as they are known.
	Statement string
	// Target is what the paper reports that bears on the statement.
	Target string
	Source Source
	// Contrasts and Observations must all hold for the claim to be supported; one that is refuted refutes it.
	Contrasts    []Contrast
	Observations []Observation
	// Controls are arms that are shown beside the contrasts, and explain them.
	Controls []string
	// MinSeeds is the least number of paired seeds for a verdict.
	MinSeeds int
	// Temperature of InfoNCE; 0 means the tier's.
	Temperature float64
	// Probe is the id of the probe protocol whose accuracy is compared; empty without contrasts.
	Probe string
	// Tiers in which the claim is tested; none means all.
	Tiers []string
}

// Arms lists the arms of the contrasts, the observations and the controls, each once.
func (c *Claim) Arms() []string {
	var ids []string
	for _, x := range c.Observations {
		ids = append(ids, x.Arm)
	}
	for _, x := range c.Contrasts {
		ids = append(ids, x.A, x.B)
	}
	ids = append(ids, c.Controls...)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// In says whether the claim is tested in a tier.
func (c *Claim) In(tier string) bool { return len(c.Tiers) == 0 || slices.Contains(c.Tiers, tier) }

// Validate reports everything that is wrong with a claim by itself.
func (c *Claim) Validate() error {
	errs := []error{validID(c.ID)}
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Thesis == "" || c.Statement == "" || c.Target == "" || c.Source.Where == "" || c.Source.Ours == "" {
		fail("thesis, statement, target and source must be given")
	}
	if len(c.Contrasts)+len(c.Observations) == 0 || c.MinSeeds < 2 {
		fail("a verdict needs a contrast or an observation, and at least 2 seeds")
	}
	for _, x := range c.Observations {
		if _, known := analysis.Define(x.Statistic); !known {
			fail("it observes %q, which no analysis measures", x.Statistic)
		}
		if x.Margin < 0 {
			fail("the margin of an observation is 0 or more")
		}
	}
	for _, x := range c.Contrasts {
		if x.Relation != NonInferior && x.Relation != Greater && x.Relation != Equivalent {
			fail("relation %q is unknown", x.Relation)
		}
		if x.Margin < 0 || x.Margin == 0 && x.Relation != Greater || x.A == x.B {
			fail("%s against %s with margin %g says nothing", x.A, x.B, x.Margin)
		}
	}
	return errors.Join(errs...)
}

// AtTemperature returns variants of claims at another temperature, with ids that say so. Controls are left
// out, since each costs as much as an arm: those of the tier's own temperature explain both.
func AtTemperature(temperature float64, claims []*Claim) (variants []*Claim) {
	for _, c := range claims {
		v := *c
		v.ID, v.Temperature, v.Controls = fmt.Sprintf("%s-t%g", c.ID, temperature), temperature, nil
		variants = append(variants, &v)
	}
	return variants
}
