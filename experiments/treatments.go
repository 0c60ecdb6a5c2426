package experiments

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/negatives"
)

// The paper ends on that negatives vary in importance, and that contrastive instance discrimination may benefit from
// more intelligent treatment of them. These are treatments that need no labels; nothing was predicted of any of them
// by the paper.
var treatments = []*bench.Claim{
	treatment("hardest5", "training on the hardest 5% alone"),
	treatment("hardest5-without-hardest01", "training on the hardest 5% without the hardest 0.1%"),
	treatment("ring", "training on the ring of ranks 1% to 10% (Wu et al., arXiv 2010.02037: 2 to 5 points at temperature 0.07)"),
	treatment("hardest5-late", "training on all negatives first, and on the hardest 5% in the second half,"),
	treatment("median5", "training on the 5% around the median alone (Wang et al., 2021)"),
	treatment("low-temperature", "a temperature of 0.07, which weighs hard negatives more,"),
}

func treatment(arm, what string) *bench.Claim {
	return &bench.Claim{
		ID: "treatment-" + arm, Thesis: "treatment-" + arm,
		Statement: "Negatives vary in importance, and more intelligent treatment helps: " + what + " improves on all negatives.",
		Plain:     bench.Plain{Holds: what + " helped", Fails: what + " did not help", Whether: what + " helps"},
		Target:    "contrastive instance discrimination may benefit from more intelligent negative treatment",
		Source: bench.Source{Where: "abstract of arXiv 2010.06682v2, its last sentence", Verified: true,
			Ours: "the treatment; it adds more than 5% of the gain at equal steps, which take equal time within the figures of docs/performance.md"},
		Contrasts: []bench.Contrast{{A: arm, B: "all", Relation: bench.Greater, Margin: interest}},
		MinSeeds:  minSeeds, Probe: linearProbe,
	}
}

// Accuracy by dose: the more of the hardest (or of any) negatives are left out, the less is learned.
var doses = []*bench.Claim{
	dose("hardest", bench.SweepLine{Action: negatives.Drop, Pool: negatives.Hardest}, "dropping the hardest"),
	dose("easiest", bench.SweepLine{Action: negatives.Keep, Pool: negatives.Hardest}, "dropping the easiest"),
}

func dose(id string, line bench.SweepLine, what string) *bench.Claim {
	return &bench.Claim{
		ID: "dose-" + id, Thesis: "dose-" + id,
		Statement: "The more negatives are dropped, the lower the accuracy: " + what + ".",
		Target:    "hard negatives are necessary and easy ones are not, so a fall is expected of dropping the hardest alone",
		Source: bench.Source{Where: "abstract of arXiv 2010.06682v2 (the cut of 5%)", Verified: true,
			Ours: "the doses; Page's trend test over seeds; a mean rank correlation of 0.5 is the smallest trend of interest"},
		Trends:   []bench.Trend{{Sweep: "fraction", Line: line, Margin: 0.5}},
		MinSeeds: minSeeds,
	}
}
