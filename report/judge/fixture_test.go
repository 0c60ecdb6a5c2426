package judge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
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
		Analysis: analysis.Protocol{Queries: 200, Tail: 0.05, Draws: 1999, Resamples: 99},
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
		},
		Claims: []*bench.Claim{
			claim("hardest5", 0, bench.Contrast{A: "hardest5", B: "baseline", Relation: bench.NonInferior, Margin: 2},
				bench.Contrast{A: "hardest5", B: "random5", Relation: bench.Greater, Margin: 0}),
			claim("easiest95", 0, bench.Contrast{A: "baseline", B: "easiest95", Relation: bench.Greater, Margin: 2}),
			claim("unnecessary", 0, bench.Contrast{A: "without-hardest", B: "baseline", Relation: bench.Equivalent, Margin: 1}),
			claim("detrimental", low, bench.Contrast{A: "without-hardest", B: "baseline", Relation: bench.Greater, Margin: 0}),
			controlled(claim("same-class", 0, bench.Contrast{A: "without-class", B: "without-hardest", Relation: bench.Equivalent, Margin: 1}), "baseline", "without-class-in-hardest"),
			claim("same-class-low", low, bench.Contrast{A: "without-class", B: "random5", Relation: bench.Equivalent, Margin: 1}),
			observes("semantic", 0, analysis.SameClassAUC, analysis.SemanticPath),
			observes("semantic-low", low, analysis.SameClassAUC, analysis.SemanticPath),
			observes("anticorrelated", 0, analysis.AnticorrelatedShare, analysis.AnticorrelatedPath),
			observes("consistent", 0, analysis.HardConsistency, analysis.EasyConsistency),
		},
		Sweeps: []*bench.Sweep{{
			ID: "fraction", Title: "Accuracy against the fraction of negatives",
			Lines: []bench.SweepLine{
				{Action: negatives.Keep, Pool: negatives.Hardest}, {Action: negatives.Keep, Pool: negatives.Random}, {Action: negatives.Drop, Pool: negatives.Hardest},
			},
			Fractions: []float64{0.016, 0.05, 0.5}, Reference: "baseline", Seeds: 2,
		}},
	}
}

func controlled(c *bench.Claim, controls ...string) *bench.Claim {
	c.Controls = controls
	return c
}

// observes is a claim about statistics of the baseline, above chance, or by more than 0.01 where there is no
// null. One at the low temperature is a variant of the claim that it is named after.
func observes(id string, temperature float64, statistics ...string) *bench.Claim {
	c := claim(id, temperature)
	c.Family, c.Probe = strings.TrimSuffix(id, "-low"), ""
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
		ID: id, Family: id, Statement: "Some negatives are <more> equal than others.", Target: "67.5 | 67.4 points",
		Source:    bench.Source{Where: "section 0", Verified: id != "detrimental", Ours: "The margin."},
		Contrasts: contrasts, MinSeeds: 3, Temperature: temperature, Probe: protocol.ID(),
	}
}

// scores holds correct test images by seed; fewer scores than seeds leave runs missing.
type scores map[string][]int

// input builds runs for the claims named, all of them if none is. Scores are by arm, or by "arm@low" at
// the low temperature.
func input(t *testing.T, s scores, claims ...string) judge.Input {
	t.Helper()
	return inputOf(t, catalogue(), s, claims...)
}

func inputOf(t *testing.T, c *bench.Catalogue, s scores, claims ...string) judge.Input {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	selected, err := c.Select("toy", claims)
	if err != nil {
		t.Fatal(err)
	}
	in := judge.Input{
		Catalogue: c, Tier: c.Tiers[0], Claims: selected, Seeds: 5, Runs: map[string]judge.Run{},
		Command: "cidbench verify --tier toy", Picture: picture,
	}
	for i := range classes {
		in.Classes = append(in.Classes, fmt.Sprintf("kind %d", i))
	}
	in.Cells = c.Matrix(in.Tier, selected, in.Seeds, environment)
	for _, sweep := range c.Sweeps {
		in.Sweeps = append(in.Sweeps, judge.SweepInput{
			Sweep: sweep, Seeds: sweep.Seeds, Cells: c.SweepMatrix(in.Tier, sweep, sweep.Seeds, environment),
		})
	}
	for _, cell := range everyCell(in) {
		name := cell.Arm
		if cell.Temperature == low {
			name += "@low"
		}
		if correct := s[name]; int(cell.Seed) < len(correct) {
			put(in, cell, complete(t, cell, correct[cell.Seed]))
		}
	}
	return in
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

// picture is a square of one colour. It is stored as it is, since compression may change with Go.
func picture(index int) []byte {
	square := image.NewPaletted(image.Rect(0, 0, 4, 4), color.Palette{color.RGBA{R: uint8(37 * index), G: uint8(91 * index), B: uint8(53 * index), A: 255}})
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.NoCompression}
	if err := encoder.Encode(&out, square); err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}

// analyse makes up what the analysis of a cell after a step found: something that grows with training, a
// little more at some seeds.
func analyse(t *testing.T, in judge.Input, cell bench.Cell, step int) judge.AnalysisRun {
	t.Helper()
	x := 0.1 + float64(step)/400 + float64(cell.Seed)/100
	null := func(mean float64) *analysis.Null {
		return &analysis.Null{Mean: mean, SD: 0.01, Draws: 1999, PGreater: 0.0005, PLess: 1}
	}
	m := analysis.Measures{Images: 6, Queries: 200, Classes: classes, Statistics: map[string]analysis.Statistic{}, Absent: map[string]string{}}
	for _, d := range analysis.All {
		s := analysis.Statistic{Value: d.NullValue + x/2, Low: d.NullValue + x/2 - 0.02, High: d.NullValue + x/2 + 0.03}
		if d.HasNull {
			s.Null = null(d.NullValue)
		}
		m.Statistics[d.ID] = s
	}
	if step == 0 { // nothing is anti-correlated before training
		delete(m.Statistics, analysis.AnticorrelatedPath)
		m.Absent[analysis.AnticorrelatedPath] = "no negative is anti-correlated with its query"
	}
	stretch := func(from, to float64) analysis.Percentile {
		hard := 1 - (from+to)/2
		p := analysis.Percentile{From: from, To: to, Dot: x*hard - 0.1, SameClass: 0.01 + x*hard/5, SameSuperclass: 0.09, Path: 0.2 + x*hard/8, WuPalmer: 0.5 + x*hard/4}
		other, wuPalmer := p.Path-0.02, p.WuPalmer-0.05
		p.PathOther, p.WuPalmerOther = &other, &wuPalmer
		return p
	}
	for i := range 10 {
		m.Percentiles = append(m.Percentiles, stretch(float64(i)/10, float64(i+1)/10))
	}
	m.Cuts = []analysis.Percentile{stretch(0, 0.05), stretch(0.25, 0.75), stretch(0.95, 1)}
	consistency := func(shift int) analysis.Consistency {
		c := analysis.Consistency{
			Rate: 0.05, Mean: 10, Variance: 9.5 * (1 + x/2), NullVariance: 9.5,
			Upper: analysis.Extreme{Observed: x / 10, Expected: 0.001}, Lower: analysis.Extreme{Observed: x / 20, Expected: 0.0008},
			Classes: []analysis.ClassMean{{Class: shift, Mean: 20}, {Class: shift + 7, Mean: 15.5}},
		}
		for i := range 8 {
			c.Histogram = append(c.Histogram, analysis.Bin{From: 4 * i, To: 4*i + 4, Images: 200 / (1 << i), Expected: 400 / math.Pow(4, float64(i))})
		}
		for i := range 3 {
			c.Most = append(c.Most, analysis.Image{Index: shift + i, Class: int32(shift + i), Count: 30 - i})
		}
		return c
	}
	m.Hard, m.Easy = consistency(1), consistency(20)
	m.Counts = analysis.Counts{Hard: []uint16{30, 12, uint16(cell.Seed), 7, 5, 1}, Easy: []uint16{1, 4, 3, uint16(35 + cell.Seed), 9, 3}}
	for i := range 2 {
		row := analysis.Row{Query: 40 + i, Class: int32(i)}
		for j := range 3 {
			row.Hardest = append(row.Hardest, analysis.Neighbour{Index: 50 + 3*i + j, Class: int32(j), Dot: 0.9 - float32(j)/10})
			row.Easiest = append(row.Easiest, analysis.Neighbour{Index: 60 + 3*i + j, Class: int32(5 + j), Dot: -0.6 + float32(j)/10})
		}
		m.Gallery = append(m.Gallery, row)
	}
	result, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	run := judge.AnalysisRun{Measures: m, Analysis: bench.Analysis{Cell: cell, Step: step, Spec: bench.AnalysisSpec{
		Kind: "analysis", Run: cell.Spec.ID(), Step: step, Protocol: in.Tier.Analysis.ID(), Backend: "go", Scheme: bench.KeyScheme,
	}}}
	run.Manifest = manifest(cell)
	run.Manifest.Run, run.Manifest.Key = run.Spec.ID(), run.Spec.Key()
	run.Manifest.Status, run.Manifest.Result, run.Manifest.ResultDigest = registry.Complete, result, registry.DigestOf(result)
	counts := analysis.EncodeCounts(m.Counts)
	run.Manifest.Artifacts = map[string]registry.Descriptor{
		bench.CountsArtifact: {Digest: registry.DigestOf(counts), Size: int64(len(counts)), MediaType: analysis.CountsType},
	}
	run.Digest = registry.DigestOf(append([]byte(run.Manifest.Run), result...))
	return run
}

// analyseAll analyses every complete run of the baseline after each checkpoint, and encoders as initialised.
func analyseAll(t *testing.T, in judge.Input) (all []judge.AnalysisRun) {
	t.Helper()
	for _, cell := range in.Cells {
		if run, ok := in.Runs[cell.Spec.ID()]; !ok || run.Manifest.Status != registry.Complete {
			continue
		}
		switch cell.Arm {
		case "untrained":
			all = append(all, analyse(t, in, cell, 0))
		case "baseline":
			for _, step := range cell.Spec.Training.Checkpoints {
				all = append(all, analyse(t, in, cell, step))
			}
		}
	}
	return all
}

func failed(cell bench.Cell, reason string) judge.Run {
	run := judge.Run{Manifest: manifest(cell), Digest: registry.DigestOf([]byte(reason))}
	run.Manifest.Status, run.Manifest.Reason = registry.Failed, reason
	run.Manifest.ResultDigest = registry.DigestOf([]byte(reason))
	return run
}

func manifest(cell bench.Cell) registry.Manifest {
	start := time.Date(2020, 10, 13, 12, 0, 0, 0, time.UTC)
	return registry.Manifest{
		Run: cell.Spec.ID(), Key: cell.Spec.Key(),
		Provenance: registry.Provenance{
			Tool: "cidbench 0.1.0", Commit: "0123456789abcdef0123456789abcdef01234567", GoVersion: "go1.26.0", OS: "linux", Arch: "amd64",
			CPU: "A Processor", Cores: 2, Backend: "go, SIMD", Started: start, Finished: start.Add(time.Minute), WallSeconds: 90,
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

// showcase has every verdict, a failed and a missing run, and something to note.
func showcase(t *testing.T) judge.Input {
	t.Helper()
	in := input(t, scores{
		"untrained":          {1_010, 1_020, 990, 1_000, 1_015},
		"pixels":             {1_210},
		"baseline":           {3_005, 3_020, 2_990, 3_000, 3_015},
		"hardest5":           {2_985, 2_998, 2_976, 2_981, 2_992},
		"random5":            {2_700, 2_733, 2_690, 2_702, 2_721},
		"easiest95":          {2_510, 2_533, 2_490, 2_502, 2_521},
		"without-hardest":    {3_002, 3_061, 2_950, 3_040, 3_001},
		"without-class":      {3_012, 3_050, 2_970},
		"keep-hardest-0.016": {2_880, 2_901},
		"keep-hardest-0.5":   {3_001, 3_012},
		"drop-hardest-0.5":   {1_604},

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
