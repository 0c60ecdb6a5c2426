package experiments

import "github.com/cidbench/cidbench/bench"

// What is confirmed. The looks and their levels are those of Lan and DeMets' spending function of the O'Brien-Fleming
// type (docs/verdicts.md).
var plans = []*bench.Plan{
	{
		Tier:    "default",
		Primary: []string{"hardest5", "without-hardest5"},
		Secondary: []string{
			"hardest01-unnecessary", "hardest01-detrimental-t0.07", "same-class-harmful", "same-class", "consistency",
		},
		FirstSeed: 100, Looks: []int{5, 8, 12}, Alpha: 0.05,
		Basis: "settings, margins and the choice of claims come from seeds 0 to 4",
	},
	{
		Tier:      "icons",
		Primary:   []string{"hardest5", "without-hardest5"},
		Secondary: []string{"semantic-similarity-hardest", "same-class"},
		FirstSeed: 100, Looks: []int{5, 8, 12}, Alpha: 0.05,
		Basis: "settings, and that meaning is looked for in the hardest 1% and 5%, were chosen by a prototype of another program on seeds 0 to 2 and another division into training and test; margins are those of the default tier",
	},
}
