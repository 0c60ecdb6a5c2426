package experiments

import "github.com/cidbench/cidbench/bench"

var sameClass = []*bench.Claim{
	{
		ID: "same-class", Thesis: "same-class",
		Statement: "Dropping the negatives of the query's own class acts about like dropping the hardest 0.1%.",
		Target:    "about the same accuracy",
		Source: bench.Source{Where: "other people's notes on the paper (one source)", Verified: false,
			Ours: "the hardest 0.1% is read as the class prior 1/C, since that is how many same-class negatives there are; equivalent within 1 point"},
		Contrasts: []bench.Contrast{{A: "without-same-class", B: "without-hardest-prior", Relation: bench.Equivalent, Margin: nearlyFull}},
		Controls:  []string{"all", "without-same-class-in-hardest-prior", "without-random-prior"},
		MinSeeds:  minSeeds, Probe: linearProbe,
	},
}
