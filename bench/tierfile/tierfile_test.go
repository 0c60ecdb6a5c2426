package tierfile

import (
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/probe"
)

var catalogue = &bench.Catalogue{
	Datasets: []*dataset.Source{{Name: "dots", From: "nowhere", Digest: "sha256:d0", Tree: dataset.GlyphTree, Read: dataset.Glyphs(100, 100)}},
	Tiers: []*bench.Tier{{
		ID: "small", Title: "few dots", Caveat: "Small.", Dataset: "dots", Seeds: 3, Checkpoints: []float64{0.5, 1},
		Train: moco.Config{
			Encoder: encoder.Config{Size: 32, Stem: []int{4}, Stages: []encoder.Stage{{Blocks: 1, Width: 2, Out: 4, Stride: 2}}, Hidden: 4, Dim: 4},
			Augment: augment.Config{MinArea: 1}, Steps: 4, Batch: 8, Queue: 16, Temperature: 0.2, NormGroups: 1, SGD: nn.SGD{LearningRate: 0.1},
		},
		Probe: probe.Protocol{L2: 0.1, Iterations: 2, Ridge: 0.1, Neighbours: 2}, BandEvery: 1,
		Analysis:    analysis.Protocol{Queries: 10, Tail: 0.05, Draws: 19, Resamples: 19},
		NotTestable: map[string]string{"meaning": "dots have none", "colour": "dots are grey"},
	}},
}

func TestOverrides(t *testing.T) {
	base := catalogue.Tiers[0]
	for text, check := range map[string]func(*bench.Tier) bool{
		"from: small": func(t *bench.Tier) bool { return t == base },
		"from: small\nid: mine\nseeds: 5\ntrain:\n  batch: 16\n  encoder:\n    dim: 8\n": func(t *bench.Tier) bool {
			c := t.Train.(moco.Config)
			return t.Seeds == 5 && c.Batch == 16 && c.Encoder.Dim == 8 && c.Encoder.Hidden == 4 && c.Steps == 4 && t.Title == base.Title && len(t.NotTestable) == 2
		},
		"from: small\nid: mine\ncheckpoints: [1]\ntrain: {sgd: {momentum: 0.9}}": func(t *bench.Tier) bool {
			c := t.Train.(moco.Config)
			return slices.Equal(t.Checkpoints, []float64{1}) && c.SGD.Momentum == 0.9 && c.SGD.LearningRate == 0.1
		},
		"from: small\nid: mine\nnot_testable: {shape: dots are round}": func(t *bench.Tier) bool { return len(t.NotTestable) == 1 },
		"from: small\nid: mine\ndataset: photos\ntitle: photos\ncaveat: Mine.": func(t *bench.Tier) bool {
			return t.Dataset == "photos" && t.NotTestable == nil && t.Caveat == "Mine."
		},
	} {
		if got, err := Read([]byte(text), catalogue); err != nil || !check(got) {
			t.Errorf("%s\ngives %+v, %v", text, got, err)
		}
	}
	if c := base.Train.(moco.Config); c.Batch != 8 || c.Encoder.Dim != 4 || base.Checkpoints[0] != 0.5 || len(base.NotTestable) != 2 {
		t.Errorf("the tier that they come from has changed: %+v", base)
	}
}

// TestTargetsAreOfOneRecipe: a tier keeps the published figures of the one that it comes from as long as they are figures
// of what it trains, unless it has its own.
func TestTargetsAreOfOneRecipe(t *testing.T) {
	c, tier := *catalogue, *catalogue.Tiers[0]
	tier.Targets = []bench.Target{{Arm: "all", Measure: bench.Linear, At: 1, Figures: []float64{60}, SD: 1, Source: "a paper", Spread: "of others"}}
	c.Tiers, c.Arms = []*bench.Tier{&tier}, []*bench.Arm{{ID: "all", Title: "all", Features: bench.Trained}}
	for text, want := range map[string]int{
		"seeds: 9":               1,
		"title: mine":            1,
		"train: {batch: 16}":     0,
		"checkpoints: [1]":       0,
		"probe: {neighbours: 3}": 0,
		"dataset: photos\ntitle: photos\ncaveat: Mine.": 0,
		"targets: []": 0,
		"train: {batch: 16}\ntargets:\n- {arm: all, measure: linear, at: 0.5, figures: [50, 51], sd: 0, source: mine, spread: ''}": 1,
	} {
		got, err := Read([]byte("from: small\nid: mine\n"+text), &c)
		if err != nil || len(got.Targets) != want {
			t.Errorf("%s gives %+v, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{
		"{arm: none, measure: linear, at: 1, figures: [50], sd: 1, source: s, spread: s}":                             `"none" is no arm`,
		"{arm: all, measure: weighted, at: 1, figures: [50], sd: 1, source: s, spread: s}":                            "does not measure",
		"{arm: all, measure: knn, at: 1, figures: [50], sd: 1, source: s, spread: s}":                                 "want linear or weighted",
		"{arm: all, measure: linear, at: 0.3, figures: [50], sd: 1, source: s, spread: s}":                            "none of the checkpoints",
		"{arm: all, measure: linear, at: 1, figures: [], sd: 1, source: s, spread: s}":                                "one or more figures",
		"{arm: all, measure: linear, at: 1, figures: [60], seeds_sd: 1, source: s, spread: s}":                        "seeds_sd must be positive, of seeds_n",
		"{arm: all, measure: linear, at: 1, figures: [60], seeds_sd: 1, seeds_n: 1, source: s, spread: s}":            "seeds_sd must be positive, of seeds_n",
		"{arm: all, measure: linear, at: 1, figures: [60, 61], seeds_sd: 1, seeds_n: 3, sd: 1, source: s, spread: s}": "beside one figure",
		"{arm: all, measure: linear, at: 1, figures: [101], sd: 1, source: s, spread: s}":                             "one or more figures",
		"{arm: all, measure: linear, at: 1, figures: [50], sd: 0, source: s, spread: s}":                              "must be positive",
		"{arm: all, measure: linear, at: 1, figures: [50], sd: 1, source: s, spread: ''}":                             "say where",
		"{arm: all, at: 1, mesure: linear}":                                                                           `unknown field "mesure"`,
	} {
		if _, err := Read([]byte("from: small\nid: mine\ntargets:\n- "+text), &c); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s gives %v, which does not say %q", text, err, says)
		}
	}
}

// Errors say where, and what was expected.
func TestErrors(t *testing.T) {
	for text, says := range map[string]string{
		"":                                   "0 documents",
		"from: small\n---\nfrom: small":      "2 documents",
		"- from":                             "want settings",
		"from: [":                            "[1:7]",
		"from: large":                        `"large": want the tier from which this one comes, one of small`,
		"id: mine":                           "from:",
		"from: small\nseed: 3":               `[2:1] unknown field "seed"`,
		"from: small\ntrain:\n  stepz: 3":    `[3:3] unknown field "stepz"`,
		"from: small\ntrain:\n  steps: many": "[3:10] cannot unmarshal string",
		"from: small\ntrain:\n  steps: 2.5":  "[3:10] 2.5: want a whole number",
		"from: small\ntrain:\n  encoder:\n    stem: [4, 8.5]":           "[4:15] 8.5: want a whole number",
		"from: small\nprobe: 7":                                         "[2:8]",
		"from: small\nid: a\nid: b":                                     `[3:1] mapping key "id" already defined`,
		"from: small\nseeds: &n 3":                                      "[2:8]",
		"from: small\nid: mine\nseeds: -1":                              "seeds and band_every must be positive",
		"from: small\nid: Mine\nseeds: 4":                               "a-z, 0-9",
		"from: small\nseeds: 4":                                         "an id of its own",
		"from: small\nid: mine\ndataset: photos":                        "title and caveat",
		"from: small\nid: mine\ntrain: {encoder: {stages: [{out: 3}]}}": "stride 1 or 2",
	} {
		if _, err := Read([]byte(text), catalogue); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s\ngives %v, which does not say %q", text, err, says)
		}
	}
}

// Whatever the text, there is an error or a valid tier.
func FuzzRead(f *testing.F) {
	text, err := Write(catalogue.Tiers[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("from: small\nid: mine\ntrain:\n  steps: 2.5\n")
	f.Add("from: small\nseeds: &a [*a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		tier, err := Read([]byte(text), catalogue)
		if err == nil {
			err = tier.Validate()
		} else {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}
