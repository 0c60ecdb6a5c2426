package experiments

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/negatives"
)

var arms = []*bench.Arm{
	{ID: "all", Title: "all negatives (baseline)", Features: bench.Trained},
	{ID: "hardest5", Title: "the hardest 5% only", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.05}}},
	{ID: "easiest95", Title: "the easiest 95% only (without the hardest 5%)", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Drop, Pool: negatives.Hardest, Fraction: 0.05}}},
	{ID: "random5", Title: "a random 5% only (as many as the hardest 5%)", Features: bench.Trained, Rules: []negatives.Rule{
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

	{ID: "hardest5-without-hardest01", Title: "the hardest 5% without the hardest 0.1%", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.05},
		{Action: negatives.Drop, Pool: negatives.Hardest, Fraction: 0.001}}},
	{ID: "ring", Title: "the ring of ranks 1% to 10%", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.1},
		{Action: negatives.Drop, Pool: negatives.Hardest, Fraction: 0.01}}},
	{ID: "hardest5-late", Title: "all negatives, then the hardest 5% only", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.05, After: 0.5}}},
	{ID: "median5", Title: "the 5% around the median only", Features: bench.Trained, Rules: []negatives.Rule{
		{Action: negatives.Drop, Pool: negatives.Hardest, Fraction: 0.475},
		{Action: negatives.Drop, Pool: negatives.Easiest, Fraction: 0.475}}},
	{ID: "low-temperature", Title: "all negatives at temperature 0.07", Features: bench.Trained, Temperature: lowTemperature},

	{ID: "untrained", Title: "an untrained encoder (floor)", Features: bench.Untrained},
	{ID: "pixels", Title: "raw pixels at half resolution (floor)", Features: bench.Pixels},
}
