package experiments

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
)

// What is observed of trained encoders is measured on the baseline: the paper looks at negatives there.
var semantics = []*bench.Claim{
	{
		ID: "semantic-similarity", Thesis: "semantic-similarity",
		Statement: "Hard negatives are more semantically similar to the query: more often of its class, and of other classes nearer in meaning.",
		Plain:     bench.Plain{Holds: "hard negatives were nearer in meaning", Fails: "hard negatives were not nearer in meaning", Whether: "hard negatives are nearer in meaning"},
		Target:    "similarity to the query rises with difficulty",
		Source: bench.Source{Where: "abstract of arXiv 2010.06682v2 (the two parts: other people's notes)", Verified: true,
			Ours: "same-class negatives rank above others more often than at random; over negatives of other classes, dot products and path and Wu-Palmer similarity in the class tree are correlated; each beyond a permutation null"},
		Observations: []bench.Observation{
			{Arm: "all", Statistic: analysis.SameClassAUC},
			{Arm: "all", Statistic: analysis.SemanticPath},
			{Arm: "all", Statistic: analysis.SemanticWuPalmer},
		},
		MinSeeds: minSeeds,
	},
	{
		ID: "semantic-similarity-hardest", Thesis: "semantic-similarity",
		Statement: "Hard negatives are more semantically similar to the query: more often of its class, and of other classes nearer in meaning (the hardest 1% and 5%).",
		Plain:     bench.Plain{Holds: "the hardest negatives were nearer in meaning", Fails: "the hardest negatives were not nearer in meaning", Whether: "the hardest negatives are nearer in meaning"},
		Target:    "similarity to the query rises with difficulty",
		Source: bench.Source{Where: "abstract of arXiv 2010.06682v2 (the two parts: other people's notes)", Verified: true,
			Ours: "same-class negatives rank above others more often than at random; of the hardest 1% and 5%, those of other classes are nearer than all of other classes by path and Wu-Palmer similarity; each beyond a permutation null. A prototype on these pictures found the effect there, and hardly any in a correlation over all negatives"},
		Observations: []bench.Observation{
			{Arm: "all", Statistic: analysis.SameClassAUC},
			{Arm: "all", Statistic: analysis.Hardest1Path},
			{Arm: "all", Statistic: analysis.Hardest1WuPalmer},
			{Arm: "all", Statistic: analysis.Hardest5Path},
			{Arm: "all", Statistic: analysis.Hardest5WuPalmer},
		},
		MinSeeds: minSeeds, Tiers: []string{"icons"},
	},
	{
		ID: "easy-anticorrelated", Thesis: "easy-anticorrelated",
		Statement: "Some of the easiest negatives are anti-correlated with the query and yet semantically near to it.",
		Plain:     bench.Plain{Holds: "some of the easiest negatives were opposite to the query and yet near in meaning", Fails: "the easiest negatives were not both opposite to the query and near in meaning", Whether: "some of the easiest negatives are opposite to the query and yet near in meaning"},
		Target:    "some",
		Source: bench.Source{Where: "other people's notes on the paper", Verified: false,
			Ours: "of the easiest 5%, more than 1% have a negative dot product with the query, and these are nearer in the class tree than the middle half of the range (other classes only), beyond a permutation null"},
		Observations: []bench.Observation{
			{Arm: "all", Statistic: analysis.AnticorrelatedShare, Margin: 0.01},
			{Arm: "all", Statistic: analysis.AnticorrelatedPath},
			{Arm: "all", Statistic: analysis.AnticorrelatedWuPalmer},
		},
		MinSeeds: minSeeds,
	},
}
