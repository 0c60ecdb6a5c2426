package mutation

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/experiments"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/stats"
)

const (
	families = 6
	perClass = 10 // images
	planted  = families * 4 * perClass
)

// similarities are what an encoder would think of images in 24 classes of six families: [n][n], symmetric.
// To one that has learned, images of a class are alike, classes of a family a little, and some images, the same to all
// encoders, are near to everything.
func similarities(random *rand.Rand, in *analysis.Input, learned bool) [][]float64 {
	s := make([][]float64, planted)
	near, same := make([]float64, planted), rand.New(rand.NewPCG(1, 1))
	for i := range s {
		s[i], near[i] = make([]float64, planted), same.NormFloat64()
	}
	for i := range s {
		for j := range i {
			a, b := in.Labels[i], in.Labels[j]
			v := random.NormFloat64()
			if learned {
				v += near[i] + near[j] + 2*in.Path[a][b]
			}
			if learned && a == b {
				v += 3
			}
			s[i][j], s[j][i] = v, v
		}
	}
	return s
}

// embed makes unit vectors whose dot products are small multiples of the similarities, whatever these are: the
// rows of the Cholesky factor of the identity plus so much of them.
func embed(t *testing.T, s [][]float64) (dim int, embeddings []float32) {
	t.Helper()
	gram := mat.NewSymDense(planted, nil)
	for i := range s {
		gram.SetSym(i, i, 1)
		for j := range i {
			gram.SetSym(i, j, s[i][j]/1000)
		}
	}
	var factor mat.Cholesky
	if !factor.Factorize(gram) {
		t.Fatal("no such vectors")
	}
	var rows mat.TriDense
	factor.LTo(&rows)
	for i := range planted {
		for j := range planted {
			embeddings = append(embeddings, float32(rows.At(i, j)))
		}
	}
	return planted, embeddings
}

// scene is an input without embeddings.
func scene() *analysis.Input {
	tree := &taxonomy.Memory{}
	root := tree.Add("root")
	in := &analysis.Input{}
	for range families {
		family := tree.Add("family", root)
		for range 4 {
			tree.Label(tree.Add("class", family))
		}
	}
	table := taxonomy.NewTable(tree, families*4)
	in.Superclass, in.Path, in.WuPalmer = table.Superclass, table.Path, table.WuPalmer
	for i := range planted {
		in.Labels = append(in.Labels, int32(i%(families*4)))
	}
	return in
}

// analysed judges the repository's claims on meaning and consistency, of planted encoders that an analysis with a
// mistake looks at, or that are confused with others.
func analysed(t *testing.T, confused func(*bench.Cell), mistake func(*rand.Rand, *analysis.Input, [][]float64)) map[string]stats.Verdict {
	t.Helper()
	tier := *experiments.All.Tier("smoke")
	tier.NotTestable = nil // of images: these encoders are drawn
	claims, err := experiments.All.Select(tier.ID, []string{"semantic-similarity", "consistency"})
	if err != nil {
		t.Fatal(err)
	}
	cells := experiments.All.Matrix(&tier, claims, bench.Explored(3), bench.Environment{Backend: "go"})
	in := judge.Input{Catalogue: experiments.All, Tier: &tier, Claims: claims, Seeds: 3, Cells: cells, Runs: map[string]judge.Run{}}
	for _, cell := range cells {
		run := judge.Run{Manifest: registry.Manifest{Run: cell.Spec.ID(), Key: cell.Spec.Key(), Status: registry.Complete}}
		run.Result.Accuracy = probe.Accuracy{Linear: 100, Ridge: 100, KNN: 100, N: 1000}
		if cell.Spec.Training.Features == bench.Trained {
			run.Result.Accuracy.Linear = 500
		}
		if cell.Arm == "all" || cell.Arm == "untrained" {
			encoder := cell
			if confused != nil {
				confused(&encoder)
			}
			in.Analyses = append(in.Analyses, analyse(t, cell, encoder, mistake))
		}
		in.Runs[cell.Spec.ID()] = run
	}
	r, err := judge.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]stats.Verdict{}
	for _, c := range r.Claims {
		t.Logf("%s: %s: %s", c.ID, c.Verdict, why(c))
		verdicts[c.ID] = c.Verdict
	}
	return verdicts
}

// analyse files the analysis of an encoder as that of a cell, which it should be.
func analyse(t *testing.T, cell, encoder bench.Cell, mistake func(*rand.Rand, *analysis.Input, [][]float64)) judge.AnalysisRun {
	t.Helper()
	random, in := rand.New(rand.NewPCG(encoder.Spec.Seed, 7)), scene()
	s := similarities(random, in, encoder.Arm == "all")
	if mistake != nil {
		mistake(random, in, s)
	}
	in.Dim, in.Embeddings = embed(t, s)
	measures, err := analysis.Protocol{Queries: planted, Tail: 0.05, Draws: 499, Resamples: 99}.Run(t.Context(), *in, 1)
	if err != nil {
		t.Fatal(err)
	}
	result, err := json.Marshal(measures)
	if err != nil {
		t.Fatal(err)
	}
	step := cell.Spec.Training.Steps()
	spec := bench.AnalysisSpec{Kind: "analysis", Run: cell.Spec.ID(), Step: step}
	return judge.AnalysisRun{
		Analysis: bench.Analysis{Cell: cell, Step: step, Spec: spec},
		Manifest: registry.Manifest{Run: spec.ID(), Key: spec.Key(), Status: registry.Complete, Result: result},
		Measures: *measures,
	}
}

// TestMistakenAnalyses: what the planted encoders show is found, and not found by analyses with a mistake.
func TestMistakenAnalyses(t *testing.T) {
	const semantic, consistent = "semantic-similarity", "consistency"
	for name, tc := range map[string]struct {
		confused func(*bench.Cell)
		mistake  func(*rand.Rand, *analysis.Input, [][]float64)
		holds    []string // that are supported nevertheless, since the mistake does not touch them
	}{
		"none":                      {nil, nil, []string{semantic, consistent}},
		"one encoder at every seed": {func(c *bench.Cell) { c.Spec.Seed = 0 }, nil, []string{semantic}},
		"one untrained encoder at every seed": {func(c *bench.Cell) {
			if c.Arm == "untrained" {
				c.Spec.Seed = 0
			}
		}, nil, []string{semantic}},
		"trained for untrained": {func(c *bench.Cell) { c.Arm = "all" }, nil, []string{semantic}},
		"untrained for trained": {func(c *bench.Cell) { c.Arm = "untrained" }, nil, nil},
		"labels shuffled over the images": {nil, func(random *rand.Rand, in *analysis.Input, _ [][]float64) {
			random.Shuffle(planted, func(i, j int) { in.Labels[i], in.Labels[j] = in.Labels[j], in.Labels[i] })
		}, []string{consistent}},
		"classes shuffled over the tree": {nil, func(random *rand.Rand, in *analysis.Input, _ [][]float64) {
			order := random.Perm(len(in.Superclass))
			path, wuPalmer := in.Path, in.WuPalmer
			in.Path, in.WuPalmer = nil, nil
			for _, c := range order {
				var p, w []float64
				for _, d := range order {
					p, w = append(p, path[c][d]), append(w, wuPalmer[c][d])
				}
				in.Path, in.WuPalmer = append(in.Path, p), append(in.WuPalmer, w)
			}
		}, []string{consistent}},
		"easiest taken for hardest": {nil, func(_ *rand.Rand, _ *analysis.Input, s [][]float64) {
			for _, row := range s {
				for j := range row {
					row[j] = -row[j]
				}
			}
		}, []string{consistent}},
		// All pairs change places, so that each query meets its negatives in an order of its own.
		"negatives permuted": {nil, func(random *rand.Rand, _ *analysis.Input, s [][]float64) {
			var all []float64
			for i, row := range s {
				all = append(all, row[:i]...)
			}
			random.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
			for i := range s {
				for j := range i {
					s[i][j], s[j][i] = all[0], all[0]
					all = all[1:]
				}
			}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for id, verdict := range analysed(t, tc.confused, tc.mistake) {
				if holds := slices.Contains(tc.holds, id); holds != (verdict == stats.Supported) {
					t.Errorf("%s is %s", id, verdict)
				}
			}
		})
	}
}
