package experiments

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
)

var consistency = []*bench.Claim{
	{
		ID: "consistency", Thesis: "consistency",
		Statement: "Some negatives are more consistently easy, and some more consistently hard, across queries than chance.",
		Target:    "more than by chance",
		Source: bench.Source{Where: "abstract of arXiv 2010.06682v2", Verified: true,
			Ours: "the number of queries for which an image is among the hardest (easiest) 5% varies more between images than the binomial null of negatives permuted within each query"},
		Observations: []bench.Observation{
			{Arm: "all", Statistic: analysis.HardConsistency},
			{Arm: "all", Statistic: analysis.EasyConsistency},
		},
		MinSeeds: minSeeds,
	},
}
