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

// Claim is one claim and the verdict on it.
type Claim struct {
	ID          string       `json:"id"`
	Thesis      string       `json:"family"`
	Statement   string       `json:"statement"`
	Target      string       `json:"target"`
	Source      bench.Source `json:"source"`
	Temperature float64      `json:"temperature"` // of InfoNCE
	Probe       string       `json:"probe"`
	MinSeeds    int          `json:"minSeeds"`
	// Exploratory claims stand outside that family: each is corrected as if it were one more of it.
	Exploratory bool `json:"exploratory,omitempty"`
	// FamilySize is the number of claims that the p values are corrected for together: those of this report
	// at the same temperature.
	FamilySize int        `json:"familySize"`
	Contrasts  []Contrast `json:"contrasts"`
	Controls   []string   `json:"controls,omitempty"`
	// Beside are the effects of the claim's arms, if it has controls, and Explained what they say together.
	Beside    []Effect    `json:"beside,omitempty"`
	Explained []Explained `json:"explained,omitempty"`
	Places    []Place     `json:"places,omitempty"` // where its arms stand in sweeps at the same temperature
	// Raw combines the contrasts; Corrected is what the verdict rests on. A claim that cannot be
	// measured has p values of 1.
	Raw       stats.Evidence `json:"pRaw"`
	Corrected stats.Evidence `json:"pCorrected"`
	Verdict   stats.Verdict  `json:"verdict"`
	Look      int            `json:"look"`      // that verdict and numbers are of, from 1; 0 if runs are missing for the first
	Machinery bool           `json:"machinery"` // the tier's flag: the verdict means nothing for science
	Reason    string         `json:"reason"`
	Reproduce string         `json:"reproduce"` // the command that judges this claim alone
	Runs      []RunRef       `json:"runs"`
	Notes     []int          `json:"notes,omitempty"`
}

// Open says that more seeds may decide the claim: it is open, and not for a run that failed.
func (c *Claim) Open() bool {
	return c.Verdict == stats.Inconclusive && slices.ContainsFunc(c.Contrasts, func(x Contrast) bool { return x.P != nil })
}

// StandsIn says whether an arm of the claim has a place in a sweep.
func (c *Claim) StandsIn(s *Sweep) bool {
	return slices.ContainsFunc(c.Places, func(p Place) bool { return p.Sweep == s.ID })
}

// AccuracyContrasts are those of what a claim rests on that compare accuracies.
func (c *Claim) AccuracyContrasts() []Contrast {
	return slices.DeleteFunc(slices.Clone(c.Contrasts), func(x Contrast) bool { return x.Statistic != "" })
}

// Observations are those that compare a statistic with chance.
func (c *Claim) Observations() []Contrast {
	return slices.DeleteFunc(slices.Clone(c.Contrasts), func(x Contrast) bool { return x.Statistic == "" })
}

// Contrast is accuracy(A) - accuracy(B), paired by seed, in points; or, if Statistic is given, that
// statistic of A's encoders less what chance gives, in the statistic's unit, and B is Chance.
type Contrast struct {
	A         string         `json:"a"`
	B         string         `json:"b"`
	Statistic string         `json:"statistic,omitempty"` // an id of analysis.All
	Title     string         `json:"title,omitempty"`     // of the statistic
	Unit      string         `json:"unit,omitempty"`      // of the statistic
	HasNull   bool           `json:"hasNull,omitempty"`   // compared with what chance gives; otherwise with 0
	Relation  bench.Relation `json:"relation"`
	Margin    float64        `json:"margin"` // as declared
	Bounds    []float64      `json:"bounds"` // the differences that the relation is about: one, or two for equivalence
	Pairs     []Pair         `json:"pairs"`
	N         int            `json:"n"` // pairs
	// MeanA and MeanB are means over the pairs; nil without any.
	MeanA      *float64              `json:"meanA,omitempty"`
	MeanB      *float64              `json:"meanB,omitempty"`
	Difference *stats.MeanDifference `json:"difference,omitempty"` // nil with fewer than two pairs
	// P is nil if the contrast may not be judged; Obstacles say why.
	P         *stats.Evidence `json:"p,omitempty"`
	Obstacles []string        `json:"obstacles,omitempty"`
	Alone     stats.Verdict   `json:"alone"` // the verdict before the correction for the other claims
}

// Chance stands for the second arm where a statistic is compared with its null.
const Chance = "chance"

// Pair is one seed of a contrast.
type Pair struct {
	Seed        uint64          `json:"seed"`
	A           float64         `json:"a"`
	B           float64         `json:"b"`
	Difference  float64         `json:"difference"`
	Permutation *stats.Evidence `json:"permutation,omitempty"` // of a statistic's permutation null at this seed; nil if it has none
}

// Across is one statement at all temperatures at which it is tested.
type Across struct {
	Claim  string          `json:"claim"` // the first, at the tier's temperature if it is tested there
	Thesis string          `json:"family"`
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
