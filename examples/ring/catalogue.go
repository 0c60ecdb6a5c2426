package main

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/probe"
)

var catalogue = &bench.Catalogue{
	Paper: bench.Paper{
		Title:   "Conditional Negative Sampling for Contrastive Learning of Visual Representations",
		Authors: "Wu, Mosse, Zhuang, Yamins, Goodman",
		Link:    "https://arxiv.org/abs/2010.02037",
		Summary: "Negatives drawn from a ring around each query, difficult but not the most difficult, teach better than all of them.",
	},
	Datasets: []*dataset.Source{{
		Name: "glyphs-small", From: "drawn by cidbench: ten outlines times ten textures, the first images",
		Digest: "sha256:694905712762d37ee3742e7bcea1648670a3003a275d18310eff8f9033de63f6",
		Tree:   dataset.GlyphTree, Read: dataset.Glyphs(1_000, 500),
	}},
	Arms:   arms,
	Claims: claims,
	Tiers:  []*bench.Tier{smoke},
	Floors: []string{"untrained"},
	Gain:   bench.Gain{Of: "all", Over: "untrained"},
	Plans:  plans,
}

// The ring's edges are one choice of ours; the paper has a family of rings, and narrows them while it trains.
var (
	keepHardest10 = negatives.Rule{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.1}
	dropHardest1  = negatives.Rule{Action: negatives.Drop, Pool: negatives.Hardest, Fraction: 0.01}
	keepRandom9   = negatives.Rule{Action: negatives.Keep, Pool: negatives.Random, Fraction: 0.09}
)

var arms = []*bench.Arm{
	{ID: "all", Title: "all negatives (baseline)", Features: bench.Trained},
	{ID: "ring", Title: "the hardest 10% without the hardest 1%", Features: bench.Trained, Rules: []negatives.Rule{keepHardest10, dropHardest1}},
	{ID: "hardest10", Title: "the hardest 10%", Features: bench.Trained, Rules: []negatives.Rule{keepHardest10}},
	{ID: "random9", Title: "a random 9% (as many as the ring)", Features: bench.Trained, Rules: []negatives.Rule{keepRandom9}},
	{ID: "untrained", Title: "untrained encoder (floor)", Features: bench.Untrained},
}

// The statements are told from memory and other people's notes: the paper's own text was not read for them.
var claims = []*bench.Claim{
	{
		ID: "ring", Thesis: "ring",
		Statement: "Negatives from a ring of difficulty teach better than all negatives.",
		Target:    "2 to 5 points of linear evaluation, on top of IR, CMC and MoCo",
		Source: bench.Source{Where: "abstract of arXiv 2010.02037, as others tell it",
			Ours: "the ring lies between ranks of 1% and 10% at every step, its negatives all count instead of a sample of them, and 5% of the gain is the least that will do"},
		Contrasts: []bench.Contrast{{A: "ring", B: "all", Relation: bench.Greater, Margin: 0.05}},
		Controls:  []string{"random9"},
		MinSeeds:  3, Probe: smoke.Probe.ID(),
	},
	{
		ID: "inner-edge", Thesis: "inner-edge",
		Statement: "The ring needs its inner edge: leaving out the very hardest helps.",
		Target:    "no number known to us",
		Source: bench.Source{Where: "the definition of the ring in arXiv 2010.02037, as others tell it",
			Ours: "that the inner edge has an effect of its own; the cut of 1%; any gain will do"},
		Contrasts: []bench.Contrast{{A: "ring", B: "hardest10", Relation: bench.Greater, Margin: 0.05}},
		MinSeeds:  3, Probe: smoke.Probe.ID(),
	},
}

var plans = []*bench.Plan{{
	Tier: "smoke", Primary: []string{"ring"}, Secondary: []string{"inner-edge"},
	FirstSeed: 100, Looks: []int{3, 4}, Alpha: 0.05,
	Basis: "nothing was looked at before",
}}

var smoke = &bench.Tier{
	ID: "smoke", Title: "machinery only: a tiny encoder for a few steps",
	Caveat:    "This tier trains for a few seconds to prove that the harness works. Its verdicts say nothing about the paper.",
	Machinery: true,
	Dataset:   "glyphs-small",
	Train: moco.Config{
		Encoder: encoder.Config{Size: 32, Stem: []int{4, 8}, Stages: []encoder.Stage{{Blocks: 1, Width: 4, Out: 16, Stride: 2}}, Hidden: 16, Dim: 8},
		Augment: augment.Config{MinArea: 0.5, Brightness: 0.2, Contrast: 0.2, Saturation: 0.2, JitterProb: 0.8, FlipProb: 0.5},
		Batch:   16, Queue: 512, Steps: 20, Temperature: 0.2, KeyMomentum: 0.99, NormGroups: 2,
		SGD: nn.SGD{LearningRate: 0.06, WarmupSteps: 5, Momentum: 0.9, WeightDecay: 5e-4},
	},
	Probe:       probe.Protocol{L2: 0.001, Iterations: 10, Ridge: 0.01, Neighbours: 20},
	Checkpoints: []float64{1}, BandEvery: 5, Seeds: 3,
	Analysis: analysis.Protocol{Queries: 100, Tail: 0.05, Draws: 199, Resamples: 99},
}
