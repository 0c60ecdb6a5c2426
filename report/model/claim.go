package model

import (
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/stats"
)

// NothingToJudge is the verdict on a claim of which not a single pair of runs exists.
const NothingToJudge stats.Verdict = "nothing to judge"

// NotAsAsked is the verdict on a claim of which not a single pair of the runs that the catalogue asks for exists,
// where others are stored that differ from them in some setting: the reason names it.
const NotAsAsked stats.Verdict = "not run as asked"

// NotTestable is the verdict on a claim that the tier declares no verdict could mean anything for. What was measured is
// shown all the same.
const NotTestable stats.Verdict = "not testable here"

// Claim is one claim and the verdict on it.
type Claim struct {
	ID          string       `json:"id"`
	Thesis      string       `json:"thesis"`
	Statement   string       `json:"statement"`
	Plain       bench.Plain  `json:"plain"` // the outcome, as the catalogue words it
	Target      string       `json:"target"`
	Source      bench.Source `json:"source"`
	Temperature float64      `json:"temperature"` // of InfoNCE
	Probe       string       `json:"probe"`
	MinSeeds    int          `json:"minSeeds"`
	// Role is the claim's place in the tier's plan. Registration says whether the runs that confirm came after the
	// plan; if not, the claim counts as exploratory.
	Role         bench.Role   `json:"role"`
	Registration Registration `json:"registration,omitempty"`
	// NotTestable is the reason for that verdict.
	NotTestable string     `json:"notTestable,omitempty"`
	Contrasts   []Contrast `json:"contrasts"`
	// Assay is a known loss that the same runs must show for a claim of no loss to be supported.
	Assay *Contrast `json:"assay,omitempty"`
	// Specific is what a claim that is supported is asked further: its verdict is whether what supports the claim is
	// more than a control shows. It is nil where it was not asked.
	Specific *Contrast `json:"specific,omitempty"`
	Controls []string  `json:"controls,omitempty"`
	// Beside are the effects of the claim's arms, if it has controls, and Explained what they say together.
	Beside    []Effect    `json:"beside,omitempty"`
	Explained []Explained `json:"explained,omitempty"`
	Places    []Place     `json:"places,omitempty"` // where its arms stand in sweeps at the same temperature
	// P combines the contrasts; the verdict compares it with Alpha. A claim that cannot be measured has p values of 1.
	P stats.Evidence `json:"p"`
	// Alpha is the one-sided level at which the claim was judged, in either direction: that of its look. Spent is what
	// was spent of Share, its part of the plan's alpha, up to that look. An exploratory claim has a level of its own.
	Alpha float64 `json:"alpha"`
	Spent float64 `json:"spent"`
	Share float64 `json:"share"`
	// Verdict is what counts. Own is the claim's own where a gate holds it back: Reference does, and a secondary claim
	// counts only once all primaries are decided, and Gate names those that are not.
	Verdict stats.Verdict `json:"verdict"`
	Own     stats.Verdict `json:"own,omitempty"`
	Gate    []string      `json:"gate,omitempty"`
	// Reference says which published figures the tier's runs do not repeat, if there are some: no claim is decided then.
	Reference string `json:"reference,omitempty"`
	// Look is that of the plan that verdict and numbers are of, from 1; 0 if runs are missing for the first, or for an
	// exploratory claim. Seeds are those of the look.
	Look  int         `json:"look,omitempty"`
	Looks int         `json:"looks,omitempty"` // of the plan
	Seeds bench.Seeds `json:"seeds"`
	// Need is what it would take, where all looks are taken and nothing is decided.
	Need      *Need    `json:"need,omitempty"`
	Machinery bool     `json:"machinery"` // the tier's flag: the verdict means nothing for science
	Reason    string   `json:"reason"`
	Reproduce string   `json:"reproduce"` // the command that gives this verdict
	Runs      []RunRef `json:"runs"`
	Notes     []int    `json:"notes,omitempty"`
}

// Registration says how the runs of a claim of a plan stand to its registration.
type Registration string

// The registrations; exploratory claims have none.
const (
	Registered Registration = "registered"     // every run began after the plan was registered
	Early      Registration = "before plan"    // some run began before
	Missing    Registration = "not registered" // the registry holds no record of the plan as it is
)

// Confirms says whether the claim is one of a plan that was registered before its runs.
func (c *Claim) Confirms() bool { return c.Role != bench.Exploratory && c.Registration == Registered }

// Open says that more seeds may decide the claim: it is not decided, and not for a run that failed.
func (c *Claim) Open() bool {
	own := c.Verdict
	if c.Own != "" {
		own = c.Own
	}
	return own == stats.Inconclusive && slices.ContainsFunc(c.Contrasts, func(x Contrast) bool { return x.N > 0 && !x.Final })
}

// Need is what a verdict that was not reached would take.
type Need struct {
	// Seeds decide with the chance Power if the true effect is the one observed; 0 if no number that anyone trains
	// would, for the Reason given.
	Seeds  int     `json:"seeds,omitempty"`
	Power  float64 `json:"power"`
	Reason string  `json:"reason,omitempty"`
	// Bound is what the effect was shown to be smaller than, either way, in the unit of the margin.
	Bound float64 `json:"bound"`
}

// StandsIn says whether an arm of the claim has a place in a sweep.
func (c *Claim) StandsIn(s *Sweep) bool {
	return slices.ContainsFunc(c.Places, func(p Place) bool { return p.Sweep == s.ID })
}

// AccuracyContrasts are those of what a claim rests on that compare accuracies.
func (c *Claim) AccuracyContrasts() []Contrast {
	return slices.DeleteFunc(slices.Clone(c.Contrasts), func(x Contrast) bool { return x.Statistic != "" })
}

// Observations are those that compare a statistic with chance, or with another arm's.
func (c *Claim) Observations() []Contrast {
	return slices.DeleteFunc(slices.Clone(c.Contrasts), func(x Contrast) bool { return x.Statistic == "" })
}

// Contrast is accuracy(A) - accuracy(B), paired by seed; or, if Statistic is given, that statistic of A's encoders less
// what chance gives (B is Chance) or what the encoders of B have.
type Contrast struct {
	A         string         `json:"a"`
	B         string         `json:"b"`
	Statistic string         `json:"statistic,omitempty"` // an id of analysis.All or analysis.Across, or Trend
	Title     string         `json:"title,omitempty"`     // of the statistic
	Unit      string         `json:"unit,omitempty"`      // of the statistic
	HasNull   bool           `json:"hasNull,omitempty"`   // compared with what chance gives; otherwise with 0 or with B
	Relation  bench.Relation `json:"relation"`
	Margin    float64        `json:"margin"` // as declared: a share of the gain, or in the statistic's unit
	Bounds    []float64      `json:"bounds"` // what the relation is about, in that unit: one, or two for equivalence
	Pairs     []Pair         `json:"pairs"`
	N         int            `json:"n"` // pairs
	// MeanA, MeanB and MeanGain are means over the pairs; nil without any. Accuracies are in points.
	MeanA    *float64 `json:"meanA,omitempty"`
	MeanB    *float64 `json:"meanB,omitempty"`
	MeanGain *float64 `json:"meanGain,omitempty"` // accuracy of the baseline over the untrained encoder
	// Found is what decides, in the unit of the margin: the difference as a share of the gain, with Fieller's interval,
	// or the statistic's. The interval has the level at which the contrast is judged. Nil if there are too few pairs.
	Found *Estimate `json:"found,omitempty"`
	// Difference is in points, or in the statistic's unit, with a t interval of the same level.
	Difference *stats.MeanDifference `json:"difference,omitempty"`
	// P is nil if the contrast may not be judged; Obstacles say why.
	P         *stats.Evidence `json:"p,omitempty"`
	Obstacles []string        `json:"obstacles,omitempty"`
	Final     bool            `json:"final,omitempty"` // among them is one that more seeds do not remove
	Alone     stats.Verdict   `json:"alone"`           // the verdict on this contrast
}

// Estimate is a number with the interval that decides.
type Estimate struct {
	Value float64 `json:"value"`
	stats.Interval
}

// What stands in the place of a second arm, or of a statistic.
const (
	Chance = "chance" // where a statistic is compared with its null
	Trend  = "trend"  // the rank correlation of dose and accuracy at a seed, along a line of a sweep
)

// Pair is one seed of a contrast.
type Pair struct {
	Seed        uint64          `json:"seed"`
	A           float64         `json:"a"`
	B           float64         `json:"b"`
	Difference  float64         `json:"difference"`
	Gain        float64         `json:"gain,omitempty"`        // points, of accuracies
	Permutation *stats.Evidence `json:"permutation,omitempty"` // of a statistic's permutation null at this seed; nil if it has none
}

// Across is one statement at all temperatures at which it is tested.
type Across struct {
	Claim  string          `json:"claim"` // the first, at the tier's temperature if it is tested there
	Thesis string          `json:"thesis"`
	At     []AtTemperature `json:"at"` // temperatures in the order of the claims
	// Differs: not all verdicts are the same. Sentence then says what follows from that.
	Differs  bool   `json:"differs"`
	Sentence string `json:"sentence,omitempty"`
}

// AtTemperature is the verdict on a claim at a temperature.
type AtTemperature struct {
	Temperature float64       `json:"temperature"`
	Claim       string        `json:"claim"`
	Verdict     stats.Verdict `json:"verdict"`
}

// Effect is what an arm changes against the baseline, the arm that sees all negatives: the difference of
// accuracy, paired by seed, in points. Only seeds count at which both may be compared.
type Effect struct {
	Arm        string                `json:"arm"`
	Rules      string                `json:"rules"` // in words
	Baseline   string                `json:"baseline"`
	N          int                   `json:"n"` // pairs
	Difference *stats.MeanDifference `json:"difference,omitempty"`
}

// Explained says how much of what dropping the hardest negatives does is done by dropping those of the
// query's own class among them.
type Explained struct {
	Whole string `json:"whole"` // the arm without the hardest
	Part  string `json:"part"`  // the arm without those of them that are of the query's class
	// Share is the part's mean effect over the whole's. It is nil, and Why says so, if either was not measured
	// or the whole's interval includes 0: a share of what may be nothing is nothing to quote.
	Share *Share `json:"share,omitempty"`
	Why   string `json:"why,omitempty"`
}

// Share is a ratio of mean effects with Fieller's interval of the report's level.
type Share struct {
	Estimate float64 `json:"estimate"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// Place is a fraction of a sweep's axis.
type Place struct {
	Sweep    string  `json:"sweep"`
	Line     string  `json:"line"`
	Arm      string  `json:"arm"`
	Fraction float64 `json:"fraction"`
}

// RunRef points to the evidence.
type RunRef struct {
	Arm      string          `json:"arm"`
	Seed     uint64          `json:"seed"`
	Run      string          `json:"run"`
	Manifest registry.Digest `json:"manifest"`
}
