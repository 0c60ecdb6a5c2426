// Package bench is the engine: it knows what an experiment is (arms, claims, tiers), turns it into a
// matrix of cells, trains and probes each cell once, and keeps what came out in a registry.
//
// The experiments themselves are data and live in package experiments; verdicts live in package report.
package bench

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/probe"
)

// Features says which representation of an image is probed.
type Features string

// The representations. Untrained and Pixels are floors: what accuracy means starts above them.
const (
	Trained   Features = "trained"   // the query encoder after training
	Untrained Features = "untrained" // the same encoder as initialised
	Pixels    Features = "pixels"    // the image itself
)

// Arm is one condition under which an encoder is trained: which negatives each query sees.
type Arm struct {
	ID    string
	Title string
	// Rules restrict the queue; a negative is seen if every rule lets it pass. No rule: all negatives.
	Rules []negatives.Rule
	// Features is Trained unless the arm is a floor.
	Features Features
}

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
	Where string
	// Verified is true when the paper's own text was read; otherwise the statement rests on other people's
	// notes, and the report says so.
	Verified bool
	// Ours says what in the claim's definition is our choice, and why.
	Ours string
}

// Claim is one statement of the paper, made testable.
type Claim struct {
	ID string
	// Family groups the variants of one statement of the paper (other cut, other temperature).
	Family string
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

// Tier is a scale at which the experiments run.
type Tier struct {
	ID    string
	Title string
	// Caveat says what verdicts of this tier do not show; it is printed with each of them.
	Caveat string
	// Machinery marks a tier that only proves that the harness works: its verdicts mean nothing.
	Machinery bool
	Dataset   string
	Train     moco.Config
	Probe     probe.Protocol
	// Checkpoints are the shares of training after which the state is kept and probed; the last is 1.
	Checkpoints []float64
	// BandEvery is the number of steps between measurements of the same-class share by difficulty.
	BandEvery int
	// Analysis is how embeddings at the checkpoints are analysed.
	Analysis analysis.Protocol
	// Seeds is the number of seeds that are run unless the caller says otherwise.
	Seeds int
}

// Catalogue is a set of experiments.
type Catalogue struct {
	Paper  Paper
	Arms   []*Arm
	Claims []*Claim
	Sweeps []*Sweep
	Tiers  []*Tier
	// Floors are the arms that every tier runs besides those of its claims.
	Floors []string
}

// Arm finds an arm by id, those of sweeps included; nil if there is none.
func (c *Catalogue) Arm(id string) *Arm {
	is := func(a *Arm) bool { return a.ID == id }
	if arm := find(c.Arms, is); arm != nil {
		return arm
	}
	for _, sweep := range c.Sweeps {
		if arm := find(sweep.Arms(), is); arm != nil {
			return arm
		}
	}
	return nil
}

// Sweep finds a sweep by id; nil if there is none.
func (c *Catalogue) Sweep(id string) *Sweep {
	return find(c.Sweeps, func(s *Sweep) bool { return s.ID == id })
}

// Tier finds a tier by id; nil if there is none.
func (c *Catalogue) Tier(id string) *Tier {
	return find(c.Tiers, func(t *Tier) bool { return t.ID == id })
}

func find[T any](all []*T, is func(*T) bool) *T {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i]
	}
	return nil
}

// Select returns the claims of a tier whose id matches one of the patterns (as in path.Match: "hardest5",
// "hardest01-*"); all of them when there is none.
func (c *Catalogue) Select(tier string, patterns []string) ([]*Claim, error) {
	var out []*Claim
	used := map[string]bool{}
	for _, claim := range c.Claims {
		if !claim.In(tier) {
			continue
		}
		wanted := len(patterns) == 0
		for _, pattern := range patterns {
			match, err := path.Match(pattern, claim.ID)
			if err != nil {
				return nil, fmt.Errorf("claim %q: %w", pattern, err)
			}
			if match {
				wanted, used[pattern] = true, true
			}
		}
		if wanted {
			out = append(out, claim)
		}
	}
	for _, pattern := range patterns {
		if !used[pattern] {
			return nil, fmt.Errorf("unknown claim %q in tier %q: `cidbench list` shows the claims", pattern, tier)
		}
	}
	return out, nil
}

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)

// Validate reports everything that is wrong with a catalogue.
func (c *Catalogue) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	seen := map[string]bool{}
	id := func(kind, id string) {
		if !idPattern.MatchString(id) {
			fail("%s %q: an id is made of a-z, 0-9, dot and dash", kind, id)
		}
		if seen[kind+id] {
			fail("%s %q is defined twice", kind, id)
		}
		seen[kind+id] = true
	}
	for _, a := range c.Arms {
		id("arm", a.ID)
		if a.Title == "" {
			fail("arm %q has no title", a.ID)
		}
		if a.Features != Trained && a.Features != Untrained && a.Features != Pixels {
			fail("arm %q: features %q is not trained, untrained or pixels", a.ID, a.Features)
		}
		if a.Features != Trained && len(a.Rules) > 0 {
			fail("arm %q is not trained, so rules mean nothing", a.ID)
		}
		for _, r := range a.Rules {
			if err := r.Validate(); err != nil {
				fail("arm %q: %w", a.ID, err)
			}
		}
	}
	probes := map[string]bool{}
	for _, t := range c.Tiers {
		id("tier", t.ID)
		probes[t.Probe.ID()] = true
		if err := t.Train.Validate(); err != nil {
			fail("tier %q: %w", t.ID, err)
		}
		if err := t.Probe.Validate(); err != nil {
			fail("tier %q: %w", t.ID, err)
		}
		if err := t.Analysis.Validate(); err != nil {
			fail("tier %q: %w", t.ID, err)
		}
		if n := len(t.Checkpoints); n == 0 || t.Checkpoints[n-1] != 1 || !slices.IsSorted(t.Checkpoints) || t.Checkpoints[0] <= 0 {
			fail("tier %q: checkpoints must rise from above 0 to 1", t.ID)
		}
		if t.Seeds < 1 || t.BandEvery < 1 || t.Caveat == "" {
			fail("tier %q: seeds and band_every must be positive, and a caveat given", t.ID)
		}
	}
	for _, claim := range c.Claims {
		id("claim", claim.ID)
		if claim.Family == "" || claim.Statement == "" || claim.Target == "" || claim.Source.Where == "" || claim.Source.Ours == "" {
			fail("claim %q: family, statement, target and source must be given", claim.ID)
		}
		if len(claim.Contrasts)+len(claim.Observations) == 0 || claim.MinSeeds < 2 {
			fail("claim %q: a verdict needs a contrast or an observation, and at least 2 seeds", claim.ID)
		}
		for _, x := range claim.Observations {
			if _, known := analysis.Define(x.Statistic); !known {
				fail("claim %q observes %q, which no analysis measures", claim.ID, x.Statistic)
			}
			if arm := c.Arm(x.Arm); arm != nil && arm.Features != Trained || x.Margin < 0 {
				fail("claim %q: an observation is of a trained arm, with a margin of 0 or more", claim.ID)
			}
		}
		for _, x := range claim.Contrasts {
			if x.Relation != NonInferior && x.Relation != Greater && x.Relation != Equivalent {
				fail("claim %q: relation %q is unknown", claim.ID, x.Relation)
			}
			if x.Margin < 0 || x.Margin == 0 && x.Relation != Greater || x.A == x.B {
				fail("claim %q: %s against %s with margin %g says nothing", claim.ID, x.A, x.B, x.Margin)
			}
		}
		for _, arm := range claim.Arms() {
			if c.Arm(arm) == nil {
				fail("claim %q names an unknown arm %q", claim.ID, arm)
			}
		}
		for _, tier := range claim.Tiers {
			if c.Tier(tier) == nil {
				fail("claim %q names an unknown tier %q", claim.ID, tier)
			}
		}
		if len(claim.Contrasts) > 0 && !probes[claim.Probe] {
			fail("claim %q: no tier has the probe %q", claim.ID, claim.Probe)
		}
	}
	for _, sweep := range c.Sweeps {
		if len(sweep.Lines) == 0 || len(sweep.Fractions) == 0 || sweep.Title == "" || sweep.Seeds < 1 {
			fail("sweep %q: title, lines, fractions and seeds must be given", sweep.ID)
		}
		if c.Arm(sweep.Reference) == nil {
			fail("sweep %q: its reference %q is not an arm", sweep.ID, sweep.Reference)
		}
		id("sweep", sweep.ID)
		for _, arm := range sweep.Arms() {
			id("arm", arm.ID)
			if err := arm.Rules[0].Validate(); err != nil {
				fail("sweep %q: %w", sweep.ID, err)
			}
		}
	}
	for _, arm := range c.Floors {
		if c.Arm(arm) == nil {
			fail("floor %q is not an arm", arm)
		}
	}
	return errors.Join(errs...)
}
