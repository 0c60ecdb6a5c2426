package judge_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/judge"
)

// analyse makes up what the analysis of a cell after a step found: something that grows with training, a
// little more at some seeds.
func analyse(t *testing.T, in judge.Input, cell bench.Cell, step int) judge.AnalysisRun {
	t.Helper()
	x := 0.1 + float64(step)/400 + float64(cell.Seed)/100
	null := func(mean float64) *analysis.Null {
		return &analysis.Null{Mean: mean, SD: 0.01, Draws: 1999, PGreater: 0.0005, PLess: 1}
	}
	m := analysis.Measures{Images: images, Queries: 200, Classes: classes, Statistics: map[string]analysis.Statistic{}, Absent: map[string]string{}}
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
	m.Counts = analysis.Counts{Hard: counts(cell.Seed, 0, step > 0), Easy: counts(cell.Seed, 1, step > 0)}
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

const images = 40

// counts are those of an encoder: chance, and if it has learned what all others have.
func counts(seed, kind uint64, learned bool) (all []uint16) {
	random := rand.New(rand.NewPCG(seed, kind))
	for i := range uint16(images) {
		count := uint16(random.IntN(images))
		if learned {
			count += 2 * i
		}
		all = append(all, count)
	}
	return all
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
