package experiments

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/negatives"
)

// Half decades around the paper's cut of 5%.
var sweeps = []*bench.Sweep{
	{
		ID: "fraction", Title: "Accuracy against the fraction of negatives",
		Lines: []bench.SweepLine{
			{Action: negatives.Keep, Pool: negatives.Hardest},
			{Action: negatives.Keep, Pool: negatives.Random},
			{Action: negatives.Keep, Pool: negatives.Easiest},
			{Action: negatives.Drop, Pool: negatives.Hardest},
		},
		Fractions: []float64{0.005, 0.016, 0.05, 0.16, 0.5},
		Reference: "all", Seeds: 3,
	},
}
