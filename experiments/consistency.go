package experiments

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
)

// That counts vary more than chance lets them within one encoder is a test that nothing fails: an untrained encoder
// exceeds that null more than a trained one does. So it is asked of independently trained encoders whether they find
// the same images hard, and easy.
var consistency = []*bench.Claim{
	{
		ID: "consistency", Thesis: "consistency",
		Statement: "Some negatives are more consistently easy, and some more consistently hard, across queries than chance.",
		Plain:     bench.Plain{Holds: "some negatives were consistently hard, and some consistently easy", Fails: "negatives were not consistently hard and easy", Whether: "some negatives are consistently hard, and some consistently easy"},
		Target:    "more than by chance",
		Source: bench.Source{Where: "abstract of arXiv 2010.06682v2", Verified: true,
			Ours: "independently trained encoders agree on which images are among the hardest (easiest) 5% for many queries: Spearman's correlation of these counts, mean over pairs of encoders, exceeds that of untrained encoders by more than 0.1"},
		Observations: []bench.Observation{
			{Arm: "all", Statistic: analysis.HardStability, Beyond: "untrained", Margin: 0.1},
			{Arm: "all", Statistic: analysis.EasyStability, Beyond: "untrained", Margin: 0.1},
		},
		MinSeeds: minSeeds,
	},
}
