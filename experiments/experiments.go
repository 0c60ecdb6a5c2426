// Package experiments holds the definitions: arms, claims and tiers, as data. Adding an arm or a claim is
// one literal here; `cidbench list`, the help texts, the plan and the report follow.
//
// Only 5%, 95% and 0.1% are numbers that the paper states for its cuts. Margins, seeds and scales are
// ours, and each claim says so.
package experiments

import (
	"slices"

	"github.com/cidbench/cidbench/bench"
)

// All is the catalogue. What bears on temperature in the paper, or in work that followed it, is tested at
// MoCo v1's temperature too.
var All = &bench.Catalogue{
	Paper: bench.Paper{
		Title:   "Are all negatives created equal in contrastive instance discrimination?",
		Authors: "Cai, Frankle, Schwab, Morcos",
		Link:    "https://arxiv.org/abs/2010.06682",
		Summary: "It trains MoCo v2 with negatives restricted by difficulty.",
	},
	Arms: arms,
	Claims: slices.Concat(
		hardest5, easiest95, hardest01, sameClass, semantics, consistency,
		bench.AtTemperature(lowTemperature, slices.Concat(hardest5, easiest95, hardest01, semantics, consistency)),
	),
	Sweeps: sweeps,
	Tiers:  tiers,
	Floors: []string{"pixels", "untrained"},
}

// lowTemperature is MoCo v1's, at which the paper is said to see the hardest 0.1% hurt.
const lowTemperature = 0.07
