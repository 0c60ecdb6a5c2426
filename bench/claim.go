package bench

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench/analysis"
)

// Relation is what a contrast asserts of accuracy(A) - accuracy(B), paired by seed, as a share of the gain.
type Relation string

// The relations.
const (
	// NonInferior: A - B > -Margin.
	NonInferior Relation = "non-inferior"
	// Greater: A - B > Margin.
	Greater Relation = "greater"
	// Equivalent: |A - B| < Margin.
	Equivalent Relation = "equivalent"
)

// Gain is what margins are shares of: how much accuracy training on all negatives adds. Points of accuracy mean
// different things at different scales; a share of the gain travels.
type Gain struct {
	Of   string `json:"of"`   // the baseline arm, at the temperature of the claim
	Over string `json:"over"` // the untrained encoder
}

// Contrast compares two arms, by id.
type Contrast struct {
	A        string   `json:"a"`
	B        string   `json:"b"`
	Relation Relation `json:"relation"`
	// Margin is the smallest effect of interest, as a share of the gain. The relation is supported if the effect is
	// shown to lie on one side of it, and refuted if on the other, so that every truth but the margin itself can be
	// shown with enough seeds.
	Margin float64 `json:"margin"`
}

// Observation asserts that a statistic, which package analysis measures on the encoders of an arm at the end
// of training, exceeds what it is compared with by more than a margin.
type Observation struct {
	Arm       string  `json:"arm"`
	Statistic string  `json:"statistic"` // an id of analysis.All
	Margin    float64 `json:"margin"`    // in the statistic's unit
	// Beyond is an arm whose value the statistic must exceed; empty means the value that its null gives.
	Beyond string `json:"beyond,omitempty"`
}

// Trend asserts that accuracy falls along a line of a sweep, from all negatives on, the more of them the line leaves
// out.
type Trend struct {
	Sweep string    `json:"sweep"`
	Line  SweepLine `json:"line"`
	// Margin is the smallest mean rank correlation, over seeds, of interest.
	Margin float64 `json:"margin"`
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
	// Thesis names the statement of the paper of which claims are variants (other cut, other temperature).
	Thesis string
	// Statement is the paper's, in its own words as far as they are known.
	Statement string
	// Plain are the outcomes in plain words; needed where the claim answers a statement of the paper.
	Plain Plain
	// Target is what the paper reports that bears on the statement.
	Target string
	Source Source
	// Contrasts, Observations and Trends must all hold for the claim to be supported; one that is refuted refutes it.
	Contrasts    []Contrast
	Observations []Observation
	Trends       []Trend
	// Assay, for claims of no loss, is a loss that is known and that the same runs must show: where they do not, they
	// would not have shown a loss of the claim's either, and support nothing.
	Assay *Contrast
	// Specific is asked of a claim that is supported: whether what supports it is more than a control shows.
	Specific *Contrast
	// Controls are arms that are shown beside the contrasts, and explain them.
	Controls []string
	// MinSeeds is the least number of paired seeds for a verdict.
	MinSeeds int
	// Temperature of InfoNCE; 0 means the tier's.
	Temperature float64
	// Probe is the id of the probe protocol whose accuracy is compared, but see Tier.ProbeOf; empty without contrasts.
	Probe string
	// Tiers in which the claim is tested; none means all.
	Tiers []string
}

// Plain is a claim's outcome in plain words: what is said if it is supported, if it is refuted, and after "whether"
// as long as neither is shown.
type Plain struct {
	Holds   string `json:"holds"`
	Fails   string `json:"fails"`
	Whether string `json:"whether"`
}

// Judged lists the arms that the verdict on the claim rests on, but those of the gain and of sweeps, each once.
func (c *Claim) Judged() []string {
	var ids []string
	for _, x := range c.Observations {
		ids = append(ids, x.Arm)
		if x.Beyond != "" {
			ids = append(ids, x.Beyond)
		}
	}
	for _, x := range c.AllContrasts() {
		ids = append(ids, x.A, x.B)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Arms lists these arms and the controls, each once.
func (c *Claim) Arms() []string {
	ids := append(c.Judged(), c.Controls...)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// AllContrasts are the claim's own and those that qualify it.
func (c *Claim) AllContrasts() []Contrast {
	all := slices.Clone(c.Contrasts)
	for _, x := range []*Contrast{c.Assay, c.Specific} {
		if x != nil {
			all = append(all, *x)
		}
	}
	return all
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
	if len(c.Contrasts)+len(c.Observations)+len(c.Trends) == 0 || c.MinSeeds < 2 {
		fail("a verdict needs a contrast, an observation or a trend, and at least 2 seeds")
	}
	for _, x := range c.Observations {
		definition, known := analysis.Define(x.Statistic)
		if !known {
			fail("it observes %q, which no analysis measures", x.Statistic)
		}
		if across := slices.Contains(analysis.Across, definition); across && x.Beyond == "" || x.Beyond == x.Arm {
			fail("%q of %q is compared with %q: it needs another arm", x.Statistic, x.Arm, x.Beyond)
		}
		if x.Margin < 0 {
			fail("the margin of an observation is 0 or more")
		}
	}
	for _, x := range c.AllContrasts() {
		if x.Relation != NonInferior && x.Relation != Greater && x.Relation != Equivalent {
			fail("relation %q is unknown", x.Relation)
		}
		if !(x.Margin > 0 && x.Margin < 1) || x.A == x.B {
			fail("%s against %s with margin %g says nothing: a margin is a share of the gain, above 0 and below 1", x.A, x.B, x.Margin)
		}
		if x.Relation != Greater && c.Assay == nil {
			fail("%s against %s asks for no loss, so an assay must show that the runs can show one", x.A, x.B)
		}
	}
	for _, x := range c.Trends {
		if !(x.Margin > 0 && x.Margin < 1) {
			fail("the margin of a trend is a rank correlation, above 0 and below 1")
		}
	}
	return errors.Join(errs...)
}

// AtTemperature returns variants of claims at another temperature, with ids that say so. Controls are left
// out, since each costs as much as an arm: those of the tier's own temperature explain both. Claims about trends are
// left out as well, as sweeps are trained at the tier's temperature.
func AtTemperature(temperature float64, claims []*Claim) (variants []*Claim) {
	for _, c := range claims {
		if len(c.Trends) > 0 {
			continue
		}
		v := *c
		v.ID, v.Temperature, v.Controls = fmt.Sprintf("%s-t%g", c.ID, temperature), temperature, nil
		variants = append(variants, &v)
	}
	return variants
}
