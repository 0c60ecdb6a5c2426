package experiments

import "github.com/cidbench/cidbench/bench"

var easiest95 = []*bench.Claim{
	{
		ID: "easiest95-unnecessary", Thesis: "easiest95-unnecessary",
		Statement: "The easiest 95% of negatives are unnecessary: they can be dropped with little loss.",
		Target:    "little loss",
		Source: bench.Source{Where: "abstract of arXiv 2010.06682v2", Verified: true,
			Ours: "dropping them costs less than 1 point against the baseline, and less than 1 point against a random 5%, which is as many"},
		Contrasts: []bench.Contrast{
			{A: "hardest5", B: "all", Relation: bench.NonInferior, Margin: nearlyFull},
			{A: "hardest5", B: "random5", Relation: bench.NonInferior, Margin: nearlyFull},
		},
		MinSeeds: minSeeds, Probe: linearProbe,
	},
	{
		ID: "easiest95-insufficient", Thesis: "easiest95-insufficient",
		Statement: "The easiest 95% of negatives are insufficient: trained on alone they fall clearly short.",
		Target:    "clearly below the hardest 5% alone, which are nineteen times fewer",
		Source:    bench.Source{Where: "abstract of arXiv 2010.06682v2", Verified: true, Ours: "more than 1 point below both the hardest 5% alone and the baseline"},
		Contrasts: []bench.Contrast{
			{A: "hardest5", B: "easiest95", Relation: bench.Greater, Margin: clearly},
			{A: "all", B: "easiest95", Relation: bench.Greater, Margin: clearly},
		},
		Controls: []string{"random5"},
		MinSeeds: minSeeds, Probe: linearProbe,
	},
}
