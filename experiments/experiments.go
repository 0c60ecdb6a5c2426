// Package experiments holds the definitions: arms, claims and tiers, as data. Adding an arm or a claim is
// one literal here; `cidbench list`, the help texts, the plan and the report follow.
//
// Only 5%, 95% and 0.1% are numbers that the paper states for its cuts. Margins, seeds and scales are
// ours, and each claim says so.
package experiments

import "github.com/cidbench/cidbench/bench"

// All is the catalogue.
var All = &bench.Catalogue{
	Arms:   arms,
	Claims: concat(hardest5, easiest95, hardest01, sameClass),
	Tiers:  tiers,
	Floors: []string{"pixels", "untrained"},
}

func concat(families ...[]*bench.Claim) (all []*bench.Claim) {
	for _, f := range families {
		all = append(all, f...)
	}
	return all
}
