package experiments

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/negatives"
)

var arms = []*bench.Arm{
	{ID: "all", Title: "all negatives (baseline)", Features: bench.Trained},
	{ID: "hardest5", Title: "hardest 5% only", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.05}}},
	{ID: "easiest95", Title: "easiest 95% only (without the hardest 5%)", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Drop, Pool: negatives.Hardest, Fraction: 0.05}}},
	{ID: "random5", Title: "random 5% only (as many as hardest 5%)", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Keep, Pool: negatives.Random, Fraction: 0.05}}},
	{ID: "without-hardest01", Title: "without the hardest 0.1%", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Drop, Pool: negatives.Hardest, Fraction: 0.001}}},
	{ID: "without-hardest-prior", Title: "without the hardest 1/C", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Drop, Pool: negatives.Hardest, ClassPrior: true}}},
	{ID: "without-random-prior", Title: "without a random 1/C (as many)", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Drop, Pool: negatives.Random, ClassPrior: true}}},
	{ID: "without-same-class", Title: "without same-class negatives", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Drop, Pool: negatives.SameClass, Fraction: 1}}},
	{ID: "without-same-class-in-hardest-prior", Title: "without same-class negatives among the hardest 1/C", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Drop, Pool: negatives.SameClass, ClassPrior: true}}},

	{ID: "untrained", Title: "untrained encoder (floor)", Features: bench.Untrained},
	{ID: "pixels", Title: "raw pixels at half resolution (floor)", Features: bench.Pixels},
}
