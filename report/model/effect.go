package model

import ()

// Effect is what an arm changes against the baseline, the arm that sees all negatives: the difference of
// accuracy, paired by seed, in points. Only seeds count at which both may be compared.
type Effect struct {
	Arm        string      `json:"arm"`
	Rules      string      `json:"rules"` // in words
	Baseline   string      `json:"baseline"`
	N          int         `json:"n"` // pairs
	Difference *Difference `json:"difference,omitempty"`
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
