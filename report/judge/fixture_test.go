package judge_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
)

// The runs of these tests are made up: an accuracy is whatever a test says.

const (
	testImages = 5_000
	classes    = 100
	low, high  = 0.07, 0.2 // temperatures; the tier's is the high one
)

var protocol = probe.Protocol{L2: 0.001, Iterations: 5, Ridge: 0.1, Neighbours: 5}

func tier() *bench.Tier {
	return &bench.Tier{
		ID: "toy", Title: "a made-up scale", Caveat: "Scaled down a thousandfold; says nothing about ImageNet.",
		Dataset: "toys", Seeds: 5, BandEvery: 10, Checkpoints: []float64{0.25, 0.5, 1}, Probe: protocol,
		Train: moco.Config{
			Encoder: encoder.Config{Size: 8, Stem: []int{4}, Stages: []encoder.Stage{{Blocks: 1, Width: 2, Out: 8, Stride: 1}}, Hidden: 8, Dim: 4},
			Augment: augment.Config{MinArea: 0.2},
			Batch:   4, Queue: 64, Steps: 240, Temperature: high, KeyMomentum: 0.99, SGD: nn.SGD{LearningRate: 0.1}, NormGroups: 2,
		},
		Analysis:    analysis.Protocol{Queries: 200, Tail: 0.05, Draws: 1999, Resamples: 99},
		NotTestable: map[string]string{"anticorrelated": "who draws the tree decides"},
	}
}

func arm(id, title string, rules ...negatives.Rule) *bench.Arm {
	return &bench.Arm{ID: id, Title: title, Rules: rules, Features: bench.Trained}
}

func catalogue() *bench.Catalogue {
	return &bench.Catalogue{
		Paper: bench.Paper{Title: "Are some negatives more equal?", Authors: "A. Nonymous", Link: "https://paper.example", Summary: "Some are."},
		Tiers: []*bench.Tier{tier()},
		Datasets: []*dataset.Source{{
			Name: "toys", From: "nowhere", Digest: "sha256:70f5",
			Tree: dataset.GlyphTree, Read: dataset.Glyphs(1, 1), // never looked into
		}},
		Floors: []string{"untrained", "pixels"},
		Gain:   bench.Gain{Of: "baseline", Over: "untrained"},
		Plans: []*bench.Plan{{
			Tier: "toy", Primary: []string{"hardest5", "easiest95"}, Secondary: []string{"unnecessary", "stable"},
			FirstSeed: firstSeed, Looks: []int{3, 5}, Alpha: 0.05, Basis: "seeds 0 to 4",
		}},
		Arms: []*bench.Arm{
			{ID: "untrained", Title: "the encoder as initialised", Features: bench.Untrained},
			{ID: "pixels", Title: "the image itself", Features: bench.Pixels},
			arm("baseline", "all negatives"),
			arm("hardest5", "the hardest 5% alone", negatives.Rule{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.05}),
			arm("easiest95", "the easiest 95% alone", negatives.Rule{Action: negatives.Drop, Pool: negatives.Hardest, Fraction: 0.05}),
			arm("random5", "a random 5%, as many as the hardest", negatives.Rule{Action: negatives.Keep, Pool: negatives.Random, Fraction: 0.05}),
			arm("without-hardest", "all but the hardest 0.1%", negatives.Rule{Action: negatives.Drop, Pool: negatives.Hardest, Fraction: 0.001}),
			arm("without-class", "all but the query's own class", negatives.Rule{Action: negatives.Drop, Pool: negatives.SameClass, Fraction: 1}),
			arm("without-class-in-hardest", "all but the query's own class among the hardest 0.1%", negatives.Rule{Action: negatives.Drop, Pool: negatives.SameClass, Fraction: 0.001}),
			{ID: "cold", Title: "all negatives at a low temperature", Features: bench.Trained, Temperature: low},
		},
		Claims: []*bench.Claim{
			specific(assayed(claim("hardest5", 0, bench.Contrast{A: "hardest5", B: "baseline", Relation: bench.NonInferior, Margin: 0.05}))),
			claim("easiest95", 0, loss),
			assayed(claim("harder", 0, bench.Contrast{A: "hardest5", B: "baseline", Relation: bench.NonInferior, Margin: 0.05},
				bench.Contrast{A: "hardest5", B: "random5", Relation: bench.Greater, Margin: 0.025})),
			assayed(claim("unnecessary", 0, bench.Contrast{A: "without-hardest", B: "baseline", Relation: bench.Equivalent, Margin: 0.025})),
			claim("detrimental", low, bench.Contrast{A: "without-hardest", B: "baseline", Relation: bench.Greater, Margin: 0.025}),
			controlled(assayed(claim("same-class", 0, bench.Contrast{A: "without-class", B: "without-hardest", Relation: bench.Equivalent, Margin: 0.025})), "baseline", "without-class-in-hardest"),
			assayed(claim("same-class-low", low, bench.Contrast{A: "without-class", B: "random5", Relation: bench.Equivalent, Margin: 0.025})),
			claim("cold", 0, bench.Contrast{A: "cold", B: "baseline", Relation: bench.Greater, Margin: 0.025}),
			observes("semantic", 0, analysis.SameClassAUC, analysis.SemanticPath),
			observes("semantic-low", low, analysis.SameClassAUC, analysis.SemanticPath),
			observes("anticorrelated", 0, analysis.AnticorrelatedShare, analysis.AnticorrelatedPath),
			observes("consistent", 0, analysis.HardConsistency, analysis.EasyConsistency),
			stable(observes("stable", 0, analysis.HardStability)),
			dose("dose", bench.Trend{Sweep: "fraction", Line: bench.SweepLine{Action: negatives.Drop, Pool: negatives.Hardest}, Margin: 0.5}),
		},
		Sweeps: []*bench.Sweep{{
			ID: "fraction", Title: "Accuracy against the fraction of negatives",
			Lines: []bench.SweepLine{
				{Action: negatives.Keep, Pool: negatives.Hardest}, {Action: negatives.Keep, Pool: negatives.Random}, {Action: negatives.Drop, Pool: negatives.Hardest},
			},
			Fractions: []float64{0.016, 0.05, 0.5}, Reference: "baseline", Seeds: 3,
		}},
	}
}

// loss is what every run that learns from hard negatives shows.
var loss = bench.Contrast{A: "baseline", B: "easiest95", Relation: bench.Greater, Margin: 0.05}

func assayed(c *bench.Claim) *bench.Claim {
	c.Assay = &loss
	return c
}

func specific(c *bench.Claim) *bench.Claim {
	c.Specific = &bench.Contrast{A: "hardest5", B: "random5", Relation: bench.Greater, Margin: 0.05}
	return c
}

func stable(c *bench.Claim) *bench.Claim {
	c.Observations[0].Beyond, c.Observations[0].Margin = "untrained", 0.1
	return c
}

func dose(id string, trend bench.Trend) *bench.Claim {
	c := claim(id, 0)
	c.Trends, c.Probe = []bench.Trend{trend}, ""
	return c
}

func controlled(c *bench.Claim, controls ...string) *bench.Claim {
	c.Controls = controls
	return c
}

// observes is a claim about statistics of the baseline, above chance, or by more than 0.01 where there is no
// null. One at the low temperature is a variant of the claim that it is named after.
func observes(id string, temperature float64, statistics ...string) *bench.Claim {
	c := claim(id, temperature)
	c.Thesis, c.Probe = strings.TrimSuffix(id, "-low"), ""
	for _, s := range statistics {
		x := bench.Observation{Arm: "baseline", Statistic: s}
		if definition, _ := analysis.Define(s); !definition.HasNull {
			x.Margin = 0.01
		}
		c.Observations = append(c.Observations, x)
	}
	return c
}

func claim(id string, temperature float64, contrasts ...bench.Contrast) *bench.Claim {
	return &bench.Claim{
		ID: id, Thesis: id, Statement: "Some negatives are <more> equal than others.", Target: "67.5 | 67.4 points",
		Source:    bench.Source{Where: "section 0", Verified: id != "detrimental", Ours: "The margin."},
		Contrasts: contrasts, MinSeeds: 3, Temperature: temperature, Probe: protocol.ID(),
	}
}

// scores holds correct test images by seed, of the seeds from 0 and from firstSeed alike; fewer scores than seeds leave
// runs missing. Untrained encoders score as unlearned where a test does not say otherwise.
type scores map[string][]int

var unlearned = []int{1_010, 1_020, 990, 1_000, 1_015}

const firstSeed = 100

// input builds runs for the claims named, all of them if none is, to be explored. Scores are by arm, or by "arm@low" at
// the low temperature.
func input(t *testing.T, s scores, claims ...string) judge.Input {
	t.Helper()
	return inputOf(t, catalogue(), s, claims...)
}

func inputOf(t *testing.T, c *bench.Catalogue, s scores, claims ...string) judge.Input {
	t.Helper()
	in := selected(t, c, claims...)
	fill(t, in, s)
	return in
}

// planned is an input as well, whose plan was registered before its runs.
func planned(t *testing.T, s scores, claims ...string) judge.Input {
	t.Helper()
	return plannedOf(t, catalogue(), s, claims...)
}

func plannedOf(t *testing.T, c *bench.Catalogue, s scores, claims ...string) judge.Input {
	t.Helper()
	in := selected(t, c, claims...)
	in.Plan = c.Plans[0]
	in.PlanID = c.PlanSpec(in.Plan, environment).ID()
	in.Registered = &bench.Registration{Plan: in.PlanID, Manifest: registry.DigestOf([]byte("a plan")), At: started.Add(-time.Hour)}
	confirmed := in.Plan.Primary
	for _, x := range in.Claims {
		if in.Plan.Role(x.ID) == bench.Secondary {
			confirmed = append(slices.Clone(confirmed), x.ID)
		}
	}
	var claimed []*bench.Claim
	for _, id := range confirmed {
		claimed = append(claimed, c.Claim(id))
	}
	for _, cell := range c.Confirming(in.Tier, claimed, in.Plan.LastSeeds(), environment) {
		if cell.Arm != "pixels" { // which has one seed
			in.Cells = append(in.Cells, cell)
		}
	}
	fill(t, in, s)
	return in
}

// selected has no runs yet.
func selected(t *testing.T, c *bench.Catalogue, claims ...string) judge.Input {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	asked, err := c.Select("toy", claims)
	if err != nil {
		t.Fatal(err)
	}
	in := judge.Input{
		Catalogue: c, Tier: c.Tiers[0], Claims: asked, Seeds: 5, Runs: map[string]judge.Run{},
		Command: "cidbench verify --tier toy", Picture: picture,
	}
	for i := range classes {
		in.Classes = append(in.Classes, fmt.Sprintf("kind %d", i))
	}
	in.Cells = c.Matrix(in.Tier, asked, bench.Explored(in.Seeds), environment)
	for _, sweep := range c.Sweeps {
		in.Sweeps = append(in.Sweeps, judge.SweepInput{
			Sweep: sweep, Seeds: sweep.Seeds, Cells: c.SweepMatrix(in.Tier, sweep, bench.Explored(sweep.Seeds), environment),
		})
	}
	return in
}

// twin is the arm with the same runs.
var twin = map[string]string{"cold": "baseline", "keep-hardest-0.05": "hardest5", "keep-random-0.05": "random5", "drop-hardest-0.05": "easiest95"}

// fill makes up the runs of an input.
func fill(t *testing.T, in judge.Input, s scores) {
	t.Helper()
	for _, cell := range everyCell(in) {
		name := cmp.Or(twin[cell.Arm], cell.Arm)
		if cell.Temperature == low {
			name += "@low"
		}
		correct, ok := s[name]
		if name == "untrained" && !ok && len(s) > 0 {
			correct = unlearned
		}
		if i := int(cell.Seed % firstSeed); i < len(correct) {
			put(in, cell, complete(t, cell, correct[i]))
		}
	}
}

var environment = bench.Environment{Backend: "go"}

// everyCell lists the cells of the claims and those of the sweeps, which may be the same runs.
func everyCell(in judge.Input) []bench.Cell {
	all := slices.Clone(in.Cells)
	for _, sweep := range in.Sweeps {
		all = append(all, sweep.Cells...)
	}
	return all
}

func put(in judge.Input, cell bench.Cell, run judge.Run) { in.Runs[cell.Spec.ID()] = run }

// complete makes up a run with so many correct test images.
func complete(t *testing.T, cell bench.Cell, correct int) judge.Run {
	t.Helper()
	run := judge.Run{Result: bench.Result{Accuracy: probe.Accuracy{Linear: correct, Ridge: correct * 19 / 20, KNN: correct * 9 / 10, N: testImages}}}
	if training := cell.Spec.Training; training.Features == bench.Trained {
		steps := []int{1} // in which nothing was learned yet: the seed alone decides the alignment
		for step := training.BandEvery; step <= training.Steps(); step += training.BandEvery {
			steps = append(steps, step)
		}
		for _, step := range steps {
			learned := float64(step-1) / float64(training.Steps()) * float64(correct) / testImages
			run.Result.Progress = append(run.Result.Progress, bench.ProgressPoint{
				Step: step, Loss: 4 - 2*learned, Alignment: 1.2 + float64(cell.Seed)/100 - learned, Uniformity: -1 - 3*learned,
			})
		}
		for i, step := range training.Checkpoints {
			run.Result.Curve = append(run.Result.Curve, bench.CurvePoint{Step: step,
				Accuracy: probe.Accuracy{Linear: correct * (i + 2) / (len(training.Checkpoints) + 1), N: testImages}})
		}
		run.Result.Loss = run.Result.Progress[len(run.Result.Progress)-1].Loss
		for i, from := range contrast.BandEdges[:len(contrast.BandEdges)-1] {
			run.Result.Bands = append(run.Result.Bands, contrast.Band{From: from, To: contrast.BandEdges[i+1], SameClass: 0.16 / float64(int(1)<<i), Similarity: 0.9 - float64(i)/5})
		}
	}
	embedded(cell, &run.Result)
	result, err := json.Marshal(run.Result)
	if err != nil {
		t.Fatal(err)
	}
	run.Manifest = manifest(cell)
	run.Manifest.Status, run.Manifest.Result = registry.Complete, result
	run.Manifest.ResultDigest = registry.DigestOf(result)
	run.Digest = registry.DigestOf(append([]byte(run.Manifest.Run), result...))
	return run
}

func failed(cell bench.Cell, reason string) judge.Run {
	run := judge.Run{Manifest: manifest(cell), Digest: registry.DigestOf([]byte(reason))}
	run.Manifest.Status, run.Manifest.Reason = registry.Failed, reason
	run.Manifest.ResultDigest = registry.DigestOf([]byte(reason))
	return run
}

var started = time.Date(2020, 10, 13, 12, 0, 0, 0, time.UTC)

func manifest(cell bench.Cell) registry.Manifest {
	return registry.Manifest{
		Run: cell.Spec.ID(), Key: cell.Spec.Key(),
		Provenance: registry.Provenance{
			Tool: "cidbench 0.1.0", Commit: "0123456789abcdef0123456789abcdef01234567", GoVersion: "go1.26.0", OS: "linux", Arch: "amd64",
			CPU: "A Processor", Cores: 2, Backend: "go, SIMD", Started: started, Finished: started.Add(time.Minute), WallSeconds: 90,
		},
	}
}

// at finds a cell of the matrix.
func at(t *testing.T, in judge.Input, arm string, seed uint64) bench.Cell {
	t.Helper()
	for _, cell := range in.Cells {
		if cell.Arm == arm && cell.Seed == seed {
			return cell
		}
	}
	t.Fatalf("no cell of %s with seed %d", arm, seed)
	return bench.Cell{}
}

func build(t *testing.T, in judge.Input) *model.Report {
	t.Helper()
	r, err := judge.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// one judges a claim that is asked for alone.
func one(t *testing.T, in judge.Input) model.Claim {
	t.Helper()
	claims := build(t, in).Claims
	if len(claims) != 1 {
		t.Fatalf("%d claims", len(claims))
	}
	return claims[0]
}

// find is a claim of a report.
func find(t *testing.T, r *model.Report, id string) model.Claim {
	t.Helper()
	i := slices.IndexFunc(r.Claims, func(c model.Claim) bool { return c.ID == id })
	if i < 0 {
		t.Fatalf("no claim %s", id)
	}
	return r.Claims[i]
}

// why joins all that keeps the parts of a claim from being judged.
func why(c model.Claim) string {
	all := c.Contrasts
	for _, x := range []*model.Contrast{c.Assay, c.Specific} {
		if x != nil {
			all = append(slices.Clone(all), *x)
		}
	}
	var text []string
	for _, x := range all {
		text = append(text, x.Obstacles...)
	}
	return strings.Join(text, "; ")
}

// showcase has every role and verdict, a failed and a missing run, and something to note.
func showcase(t *testing.T) judge.Input {
	t.Helper()
	in := planned(t, scores{
		"pixels":             {1_210},
		"baseline":           {3_005, 3_020, 2_990, 3_000, 3_015},
		"hardest5":           {2_985, 2_998, 2_976, 2_981, 2_992},
		"random5":            {2_700, 2_733, 2_690, 2_702, 2_721},
		"easiest95":          {2_510, 2_533, 2_490, 2_502, 2_521},
		"without-hardest":    {3_002, 3_061, 2_950, 3_040, 3_001},
		"without-class":      {3_012, 3_050, 2_970},
		"keep-hardest-0.016": {2_880, 2_901},
		"keep-hardest-0.5":   {3_001, 3_012},
		"keep-random-0.5":    {2_890},
		"drop-hardest-0.016": {2_955, 2_950, 2_961},
		"drop-hardest-0.5":   {1_604, 1_580, 1_622},

		"without-class-in-hardest": {3_004, 3_041, 2_972, 3_020, 3_010},
		"baseline@low":             {3_105, 3_120, 3_090, 3_100, 3_115},
		"without-hardest@low":      {3_025, 3_043, 3_012, 3_015, 3_038},
	})
	put(in, at(t, in, "without-class", 3), failed(at(t, in, "without-class", 3), "the loss is NaN at step 17: training <diverged>"))
	cell := at(t, in, "hardest5", 1)
	run := in.Runs[cell.Spec.ID()]
	run.Manifest.Provenance.CPU, run.Manifest.Provenance.Cores = "Another Processor", 64
	put(in, cell, run)
	in.Analyses = analyseAll(t, in)
	for _, run := range in.Analyses {
		if run.Cell.Temperature == low && run.Step > 0 { // where difficulty has the opposite meaning
			s := run.Measures.Statistics[analysis.SemanticPath]
			run.Measures.Statistics[analysis.SemanticPath] = analysis.Statistic{
				Value: -s.Value, Low: -s.High, High: -s.Low, Null: &analysis.Null{SD: 0.01, Draws: 1999, PGreater: 1, PLess: 0.0005},
			}
		}
	}
	return in
}
