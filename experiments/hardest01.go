package experiments

import "github.com/cidbench/cidbench/bench"

// On ImageNet 0.1% of the queue is also the share of the query's own class (1 of 1,000 classes). With
// another number of classes the two part, so the cut of 1/C stands beside the literal one.
var hardest01 = []*bench.Claim{
	{
		ID: "hardest01-unnecessary", Thesis: "hardest01-unnecessary",
		Statement: "The hardest 0.1% of negatives are unnecessary: dropping them costs nothing.",
		Plain:     bench.Plain{Holds: "the hardest 0.1% were not needed", Fails: "the hardest 0.1% were needed", Whether: "the hardest 0.1% are needed"},
		Target:    "no loss of accuracy",
		Source:    bench.Source{Where: "abstract of arXiv 2010.06682v2", Verified: true, Ours: "less than 5% of the gain is lost"},
		Contrasts: []bench.Contrast{{A: "without-hardest01", B: "all", Relation: bench.NonInferior, Margin: interest}},
		Assay:     knownLoss,
		MinSeeds:  minSeeds, Probe: linearProbe,
	},
	{
		ID: "hardest01-unnecessary-prior", Thesis: "hardest01-unnecessary",
		Statement: "The hardest 0.1% of negatives are unnecessary: dropping them costs nothing (read as the class prior, 1/C).",
		Plain:     bench.Plain{Holds: "the hardest 1/C were not needed", Fails: "the hardest 1/C were needed", Whether: "the hardest 1/C are needed"},
		Target:    "no loss of accuracy",
		Source:    bench.Source{Where: "abstract of arXiv 2010.06682v2", Verified: true, Ours: "0.1% is ImageNet's class prior; here the cut is 1/C; less than 5% of the gain is lost"},
		Contrasts: []bench.Contrast{{A: "without-hardest-prior", B: "all", Relation: bench.NonInferior, Margin: interest}},
		Assay:     knownLoss,
		Controls:  []string{"without-random-prior"},
		MinSeeds:  minSeeds, Probe: linearProbe,
	},
	{
		ID: "hardest01-detrimental", Thesis: "hardest01-detrimental",
		Statement: "The hardest 0.1% of negatives are sometimes detrimental: dropping them helps slightly.",
		Plain:     bench.Plain{Holds: "the hardest 0.1% did harm", Fails: "the hardest 0.1% did no harm worth the name", Whether: "the hardest 0.1% do harm"},
		Target:    "sometimes a slight gain; other people's notes say at the lower temperature",
		Source:    bench.Source{Where: "abstract of arXiv 2010.06682v2", Verified: true, Ours: "dropping them adds more than 5% of the gain"},
		Contrasts: []bench.Contrast{{A: "without-hardest01", B: "all", Relation: bench.Greater, Margin: interest}},
		MinSeeds:  minSeeds, Probe: linearProbe,
	},
	{
		ID: "hardest01-detrimental-prior", Thesis: "hardest01-detrimental",
		Statement: "The hardest 0.1% of negatives are sometimes detrimental: dropping them helps slightly (read as the class prior, 1/C).",
		Plain:     bench.Plain{Holds: "the hardest 1/C did harm", Fails: "the hardest 1/C did no harm worth the name", Whether: "the hardest 1/C do harm"},
		Target:    "sometimes a slight gain; other people's notes say at the lower temperature",
		Source:    bench.Source{Where: "abstract of arXiv 2010.06682v2", Verified: true, Ours: "0.1% is ImageNet's class prior; here the cut is 1/C; dropping them adds more than 5% of the gain"},
		Contrasts: []bench.Contrast{{A: "without-hardest-prior", B: "all", Relation: bench.Greater, Margin: interest}},
		Controls:  []string{"without-random-prior"},
		MinSeeds:  minSeeds, Probe: linearProbe,
	},
}
