// Package experiments holds the definitions: arms, claims, tiers and the plan, as data. Adding an arm or a claim is
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
		Summary: "Of the negatives of MoCo v2 the hardest 5% are necessary and sufficient, and the hardest 0.1% unnecessary and sometimes detrimental.",
		Statements: []bench.Statement{
			{Text: "The hardest 5% of negatives are necessary and sufficient.", Theses: []string{"hardest5", "without-hardest5"}},
			{Text: "The hardest 0.1% are unnecessary, and sometimes detrimental.", Theses: []string{"hardest01-unnecessary", "hardest01-detrimental"}},
			{Text: "Negatives of the query's own class are harmful (Figure 1).", Theses: []string{"same-class-harmful", "same-class"}},
			{Text: "Hard negatives are more semantically similar to the query.", Theses: []string{"semantic-similarity", "easy-anticorrelated"}},
			{Text: "Some negatives are more consistently easy or hard than by chance.", Theses: []string{"consistency"}},
			{Text: "More intelligent treatment of negatives may help.", Theses: theses(treatments), Many: "treatments"},
		},
	},
	Datasets: datasets,
	Arms:     arms,
	Claims: slices.Concat(
		hardest5, hardest01, sameClass, semantics, consistency,
		bench.AtTemperature(lowTemperature, slices.Concat(hardest5, hardest01, semantics, consistency)),
		treatments, doses,
	),
	Sweeps: sweeps,
	Tiers:  tiers,
	Floors: []string{"pixels", "untrained"},
	Gain:   bench.Gain{Of: "all", Over: "untrained"},
	Plans:  plans,
}

// lowTemperature is MoCo v1's, at which the paper is said to see the hardest 0.1% hurt.
const lowTemperature = 0.07

func theses(claims []*bench.Claim) (all []string) {
	for _, claim := range claims {
		all = append(all, claim.Thesis)
	}
	return all
}
