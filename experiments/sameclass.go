package experiments

import "github.com/cidbench/cidbench/bench"

var sameClass = []*bench.Claim{
	{
		ID: "same-class-harmful", Thesis: "same-class-harmful",
		Statement: "Negatives of the query's own class are harmful: dropping them improves on all negatives.",
		Plain:     bench.Plain{Holds: "negatives of the query's own class did harm", Fails: "negatives of the query's own class did no harm worth the name", Whether: "negatives of the query's own class do harm"},
		Target:    `Figure 1 says "Harmful to performance"`,
		Source: bench.Source{Where: "Figure 1 of arXiv 2010.06682", Verified: true,
			Ours: "dropping them adds more than 5% of the gain; an oracle drops them, as no label is known in training"},
		Contrasts: []bench.Contrast{{A: "without-same-class", B: "all", Relation: bench.Greater, Margin: interest}},
		Controls:  []string{"without-same-class-in-hardest-prior", "without-random-prior"},
		MinSeeds:  minSeeds, Probe: linearProbe,
	},
	{
		ID: "same-class", Thesis: "same-class",
		Statement: "Dropping the negatives of the query's own class acts about like dropping the hardest 0.1% (read as the class prior, 1/C).",
		Plain:     bench.Plain{Holds: "dropping the query's own class acted about like dropping the hardest 1/C", Fails: "dropping the query's own class acted otherwise than dropping the hardest 1/C", Whether: "dropping the query's own class acts about like dropping the hardest 1/C"},
		Target:    "about the same accuracy",
		Source: bench.Source{Where: "other people's notes on the paper (one source)", Verified: false,
			Ours: "the hardest 0.1% is read as the class prior 1/C, since that is how many same-class negatives there are; equal within 5% of the gain"},
		Contrasts: []bench.Contrast{{A: "without-same-class", B: "without-hardest-prior", Relation: bench.Equivalent, Margin: interest}},
		Assay:     knownLoss,
		Controls:  []string{"without-same-class-in-hardest-prior", "without-random-prior"},
		MinSeeds:  minSeeds, Probe: linearProbe,
	},
}
