// Package mutation holds tests alone: a mistaken method would be caught. Each makes one mistake on purpose, in
// what is trained or in what is analysed, and has the report judge what comes out. What is true must then no
// longer be found supported.
package mutation

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

const (
	side    = 16 // pixels
	classes = 8
	images  = 400
	seeds   = 6
)

// stripes are images that a small encoder learns to tell apart in a second: faint noisy stripes at a random
// phase, whose direction and width are the class.
func stripes(paint func(image []uint8, class int)) *dataset.Dataset {
	tree := &taxonomy.Memory{}
	root := tree.Add("stripes")
	for c := range classes {
		tree.Label(tree.Add(fmt.Sprint("class ", c), root))
	}
	return &dataset.Dataset{
		Name: "stripes", Tree: tree, Classes: taxonomy.Classes(tree),
		Images: dataset.Images{Height: side, Width: side, Train: split(1, paint), Test: split(2, paint)},
	}
}

func split(seed uint64, paint func(image []uint8, class int)) dataset.Split {
	var pixels dataset.Memory
	var labels []int32
	random := rand.New(rand.NewPCG(seed, 1))
	for i := range images {
		class := i % classes
		angle, width := float64(class%4)*math.Pi/4, 1.2*float64(1+class/4)
		phase := random.Float64() * 2 * math.Pi
		var image []uint8
		for y := range side {
			for x := range side {
				wave := math.Sin(width*(math.Cos(angle)*float64(x)+math.Sin(angle)*float64(y)) + phase)
				for range dataset.Channels {
					image = append(image, uint8(min(255, max(0, 128+60*wave+40*random.NormFloat64()))))
				}
			}
		}
		if paint != nil {
			paint(image, class)
		}
		pixels, labels = append(pixels, image...), append(labels, int32(class))
	}
	return dataset.Split{Reader: pixels, Labels: labels, Height: side, Width: side}
}

var protocol = probe.Protocol{L2: 0.001, Iterations: 30, Ridge: 0.01, Neighbours: 5}

// catalogue has claims of the paper's form that hold for the stripes.
func catalogue() *bench.Catalogue {
	third := func(pool negatives.Pool, after float64) []negatives.Rule {
		return []negatives.Rule{{Action: negatives.Keep, Pool: pool, Fraction: 0.3, After: after}}
	}
	claim := func(id string, contrasts ...bench.Contrast) *bench.Claim {
		return &bench.Claim{
			ID: id, Thesis: id, Statement: "s", Target: "t", Source: bench.Source{Where: "w", Ours: "o"},
			Contrasts: contrasts, MinSeeds: 3, Probe: protocol.ID(),
		}
	}
	return &bench.Catalogue{
		Datasets: []*dataset.Source{source(honest)},
		Arms: []*bench.Arm{
			{ID: "all", Title: "all", Features: bench.Trained},
			{ID: "hardest", Title: "hardest", Features: bench.Trained, Rules: third(negatives.Hardest, 0)},
			{ID: "easiest", Title: "easiest", Features: bench.Trained, Rules: third(negatives.Easiest, 0)},
			{ID: "late", Title: "all, then hardest", Features: bench.Trained, Rules: third(negatives.Hardest, 0.5)},
			{ID: "untrained", Title: "untrained", Features: bench.Untrained},
			{ID: "pixels", Title: "pixels", Features: bench.Pixels},
		},
		Claims: []*bench.Claim{
			assayed(claim("sufficient", bench.Contrast{A: "hardest", B: "all", Relation: bench.NonInferior, Margin: 0.2})),
			claim("necessary", bench.Contrast{A: "hardest", B: "easiest", Relation: bench.Greater, Margin: 0.05}),
			claim("insufficient", *loss),
			assayed(claim("late", bench.Contrast{A: "late", B: "hardest", Relation: bench.Equivalent, Margin: 0.3})),
		},
		Tiers: []*bench.Tier{{
			ID: "stripes", Title: "stripes", Caveat: "A test.", Dataset: "stripes",
			Train: moco.Config{
				Encoder: encoder.Config{Size: side, Stem: []int{8}, Stages: []encoder.Stage{{Blocks: 1, Width: 8, Out: 24, Stride: 2}}, Hidden: 32, Dim: 16},
				Augment: augment.Config{MinArea: 0.35, Brightness: 0.3, Contrast: 0.3, Saturation: 0.3, Hue: 0.05, JitterProb: 0.8, GreyProb: 0.1},
				Batch:   32, Queue: 128, Steps: 300, Temperature: 0.2, KeyMomentum: 0.95, NormGroups: 2,
				SGD: nn.SGD{LearningRate: 0.2, WarmupSteps: 10, Momentum: 0.9, WeightDecay: 5e-4},
			},
			Probe: protocol, Checkpoints: []float64{1}, BandEvery: 100, Seeds: seeds,
			Analysis: analysis.Protocol{Queries: 100, Tail: 0.05, Draws: 99, Resamples: 99},
		}},
		Floors: []string{"untrained", "pixels"},
		Gain:   bench.Gain{Of: "all", Over: "untrained"},
	}
}

var loss = &bench.Contrast{A: "all", B: "easiest", Relation: bench.Greater, Margin: 0.05}

func assayed(c *bench.Claim) *bench.Claim {
	c.Assay = loss
	return c
}

// honest are the images as they should be, leaky the same with their class in two corner pixels.
var (
	honest = sync.OnceValue(func() *dataset.Dataset { return stripes(nil) })
	leaky  = sync.OnceValue(func() *dataset.Dataset {
		return stripes(func(image []uint8, class int) {
			for c := range classes {
				for _, pixel := range []int{2 * c, 2*c + 1, side + 2*c, side + 2*c + 1} {
					for channel := range dataset.Channels {
						image[pixel*dataset.Channels+channel] = 0
						if c == class {
							image[pixel*dataset.Channels+channel] = 255
						}
					}
				}
			}
		})
	})
)

// source is a data set that is in memory.
func source(open func() *dataset.Dataset) *dataset.Source {
	digest, err := open().Digest()
	if err != nil {
		panic(err) // in memory
	}
	return &dataset.Source{
		Name: "stripes", From: "a test", Digest: digest,
		Tree: func() taxonomy.Tree { return open().Tree },
		Read: func(string) (dataset.Images, error) { return open().Images, nil },
	}
}

// matrix lists the cells of the claims as they should be computed.
func matrix(c *bench.Catalogue) []bench.Cell {
	return c.Matrix(c.Tiers[0], c.Claims, bench.Explored(seeds), bench.Environment{Backend: "go"})
}

// verdicts computes what a mistake makes of each cell, files it under the key of what should have been computed,
// and judges the claims, by id. No mistake: nil.
func verdicts(t *testing.T, data func() *dataset.Dataset, mistake func(*bench.Cell)) map[string]model.Claim {
	t.Helper()
	if testing.Short() {
		t.Skip("this trains encoders")
	}
	c := catalogue()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	reg, err := registry.Open(t.Context(), "mem://mutation")
	if err != nil {
		t.Fatal(err)
	}
	right, wrong := matrix(c), matrix(c)
	for i := range wrong {
		wrong[i].Spec.Dataset.Digest = source(data).Digest
		if mistake != nil {
			mistake(&wrong[i])
		}
	}
	r := bench.Runner{
		Registry: reg, Data: data(), Probe: protocol, Backend: backend.Backend{Kind: "go"},
		Parallel: 2, Threads: 1, Lease: time.Minute,
	}
	if err := r.Run(t.Context(), wrong); err != nil {
		t.Fatal(err)
	}
	filed, err := registry.OpenOn(t.Context(), store.NewMemory(t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string]judge.Run{}
	for i, cell := range right {
		file(t, reg, wrong[i].Spec.ID(), filed, cell)
		var run judge.Run
		run.Manifest, run.Digest, err = filed.Run(t.Context(), cell.Spec.ID())
		if err == nil && len(run.Manifest.Result) > 0 {
			err = json.Unmarshal(run.Manifest.Result, &run.Result)
		}
		if err != nil {
			t.Fatal(err)
		}
		runs[cell.Spec.ID()] = run
	}
	out, err := judge.Build(judge.Input{Catalogue: c, Tier: c.Tiers[0], Claims: c.Claims, Seeds: seeds, Cells: right, Runs: runs})
	if err != nil {
		t.Fatal(err)
	}
	for _, arm := range out.Arms {
		t.Logf("%s: %s", arm.ID, accuracies(arm))
	}
	judged := map[string]model.Claim{}
	for _, claim := range out.Claims {
		judged[claim.ID] = claim
		t.Logf("%s: %s: %+v: %s", claim.ID, claim.Verdict, claim.Contrasts[0].Found, why(claim))
	}
	return judged
}

// why joins what keeps the contrasts of a claim from being judged.
func why(c model.Claim) string {
	var text []string
	for _, x := range c.Contrasts {
		text = append(text, x.Obstacles...)
	}
	return strings.Join(text, "; ")
}

// file commits a run with its artifacts under the key of a cell.
func file(t *testing.T, from *registry.Registry, run string, to *registry.Registry, cell bench.Cell) {
	t.Helper()
	m, _, err := from.Run(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Artifacts {
		content, err := from.Blob(t.Context(), d)
		if err == nil {
			_, err = to.PutBlob(t.Context(), d.MediaType, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	again := registry.Manifest{Status: m.Status, Reason: m.Reason, Key: cell.Spec.Key(), Result: m.Result, Artifacts: m.Artifacts, Provenance: m.Provenance}
	if _, err := to.Commit(t.Context(), again); err != nil {
		t.Fatal(err)
	}
}

func accuracies(a model.Arm) string {
	var all []string
	for _, row := range a.Runs {
		if row.Linear != nil {
			all = append(all, fmt.Sprintf("%.1f", *row.Linear))
		}
	}
	return strings.Join(all, " ")
}

// TestNoMistake: without one, the claims hold.
func TestNoMistake(t *testing.T) {
	for id, c := range verdicts(t, honest, nil) {
		if c.Verdict != stats.Supported {
			t.Errorf("%s is %s", id, c.Verdict)
		}
	}
}

// TestSwappedOrder takes the easiest for the hardest, as with the sign of the dot products turned around.
func TestSwappedOrder(t *testing.T) {
	r := verdicts(t, honest, func(c *bench.Cell) {
		c.Spec.Training.Rules = slices.Clone(c.Spec.Training.Rules)
		for i, rule := range c.Spec.Training.Rules {
			switch rule.Pool {
			case negatives.Hardest:
				c.Spec.Training.Rules[i].Pool = negatives.Easiest
			case negatives.Easiest:
				c.Spec.Training.Rules[i].Pool = negatives.Hardest
			}
		}
	})
	for id, c := range r {
		if c.Verdict == stats.Supported || id == "necessary" && c.Verdict != stats.Refuted {
			t.Errorf("%s is %s", id, c.Verdict)
		}
	}
}

// caught demands that a mistake leaves no verdict, and that the report says why.
func caught(t *testing.T, r map[string]model.Claim, what string) {
	t.Helper()
	for _, c := range r {
		if c.Verdict != stats.Inconclusive || !strings.Contains(why(c), what) {
			t.Errorf("%s: %s: %s\nwant inconclusive: %s", c.ID, c.Verdict, why(c), what)
		}
	}
}

// TestNoQueue drops all negatives in every arm: what is left is weight decay.
func TestNoQueue(t *testing.T) {
	r := verdicts(t, honest, func(c *bench.Cell) {
		if brief(c); c.Spec.Training.Features == bench.Trained {
			c.Spec.Training.Rules = []negatives.Rule{{Action: negatives.Drop, Pool: negatives.Hardest, Fraction: 1}}
		}
	})
	caught(t, r, "training went exactly the same way in both arms at every seed")
}

// TestRulesIgnored trains every arm with all negatives.
func TestRulesIgnored(t *testing.T) {
	r := verdicts(t, honest, func(c *bench.Cell) { c.Spec.Training.Rules = nil })
	caught(t, r, "training went exactly the same way in both arms at every seed")
}

// brief shortens the training of a cell, where what is learned is not the question.
func brief(c *bench.Cell) {
	if c.Spec.Training.Features == bench.Trained {
		configure(c, func(config *moco.Config) { config.Steps = 40 })
		c.Spec.Training.Checkpoints, c.Spec.Training.BandEvery = []int{40}, 10
	}
}

// configure changes the settings of a cell.
func configure(c *bench.Cell, change func(*moco.Config)) {
	config := c.Spec.Training.Config.(moco.Config)
	change(&config)
	c.Spec.Training.Config = config
}

// TestLeakedLabels paints the class into the images.
func TestLeakedLabels(t *testing.T) {
	caught(t, verdicts(t, leaky, brief), `above the floor "pixels" (100.00 points)`)
}

// TestShuffledSeeds files the runs of one arm under the seeds of others.
func TestShuffledSeeds(t *testing.T) {
	for _, arm := range []string{"all", "hardest"} {
		r := verdicts(t, honest, func(c *bench.Cell) {
			if c.Arm == arm {
				c.Spec.Seed = (c.Spec.Seed + 1) % seeds
			}
		})
		c := catalogue()
		for _, claim := range c.Claims {
			judged := r[claim.ID]
			if slices.Contains(append(claim.Arms(), c.Gain.Of), arm) && (judged.Verdict != stats.Inconclusive || !strings.Contains(why(judged), "do not begin alike")) {
				t.Errorf("%s with the seeds of %s shuffled: %s: %s", claim.ID, arm, judged.Verdict, why(judged))
			}
		}
	}
}

// TestNothingLearned trains at a rate at which next to nothing is learned.
func TestNothingLearned(t *testing.T) {
	r := verdicts(t, honest, func(c *bench.Cell) {
		if brief(c); c.Spec.Training.Features == bench.Trained {
			configure(c, func(config *moco.Config) { config.LearningRate = 1e-4 })
		}
	})
	caught(t, r, `above the floor "untrained"`)
}

// TestTrainedForUntrained files a trained encoder as the untrained one, so that nothing is gained.
func TestTrainedForUntrained(t *testing.T) {
	tier, all := catalogue().Tiers[0], catalogue().Arm("all")
	caught(t, verdicts(t, honest, func(c *bench.Cell) {
		if c.Arm == "untrained" {
			c.Spec = tier.Spec(all, 0, c.Seed, source(honest), bench.Environment{Backend: "go"})
		}
		brief(c)
	}), "the gain, all over untrained, is not shown to be so far above 0 that a share of it has bounds")
}

// TestAfterIgnored applies from the first step on what is to be applied later.
func TestAfterIgnored(t *testing.T) {
	r := verdicts(t, honest, func(c *bench.Cell) {
		c.Spec.Training.Rules = slices.Clone(c.Spec.Training.Rules)
		for i := range c.Spec.Training.Rules {
			c.Spec.Training.Rules[i].After = 0
		}
		brief(c)
	})
	caught(t, map[string]model.Claim{"late": r["late"]}, "training went exactly the same way in both arms at every seed")
}
