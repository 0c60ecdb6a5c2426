package house

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// edit replaces the first place of a text in a file.
type edit struct{ file, from, to string }

// harmless are changes that no stored result may notice: neither a key nor a verdict moves, and no test goes red.
var harmless = []edit{
	// A setting whose zero value means "as before".
	{"bench/moco/trainer.go", "\tnn.SGD\n", "\tnn.SGD\n\tLookahead float64 `json:\"lookahead\"`\n"},
	{"bench/encoder/config.go", "type Config struct {\n", "type Config struct {\n\tDropout float64 `json:\"dropout\"`\n"},
	{"bench/spec.go", "type Training struct {\n", "type Training struct {\n\tNote string `json:\"note\"`\n"},
	// An error in other words, and a parameter by another name.
	{"bench/moco/trainer.go", "must be a multiple of batch", "has to be a multiple of batch"},
	{"bench/nn/sgd.go", "Rate(step, steps int) float64 {\n", "Rate(step, all int) float64 {\n\tsteps := all\n"},
	// A data set, an arm, a claim and a tier.
	{"experiments/datasets.go", "[]*dataset.Source{\n", `[]*dataset.Source{
	{Name: "glyphs-tiny", From: "the very first images of glyphs", Digest: "` + tinyDigest + `", Tree: dataset.GlyphTree, Read: dataset.Glyphs(200, 100),
		Extent: dataset.Extent{Side: 32, Classes: 100, Train: 200, Test: 100, Resident: true}},
`},
	{"experiments/arms.go", "[]*bench.Arm{\n", `[]*bench.Arm{
	{ID: "hardest2", Title: "hardest 2% only", Features: bench.Trained, Rules: []negatives.Rule{{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.02}}},
`},
	{"experiments/hardest5.go", "[]*bench.Claim{\n", `[]*bench.Claim{
	{
		ID: "hardest2", Thesis: "hardest2", Statement: "The hardest 2% of negatives are sufficient.", Target: "unknown",
		Source:    bench.Source{Where: "nowhere", Ours: "all of it"},
		Contrasts: []bench.Contrast{{A: "hardest2", B: "all", Relation: bench.Greater, Margin: interest}},
		MinSeeds:  minSeeds, Probe: linearProbe,
	},
`},
	{"experiments/tiers.go", "[]*bench.Tier{\n", `[]*bench.Tier{
	{
		ID: "smoke-low", Title: "machinery only", Caveat: "Says nothing.", Machinery: true, Dataset: "glyphs-tiny",
		Train: moco.Config{
			Encoder: tiny, Augment: views,
			Batch: 32, Queue: 64, Steps: 20, Temperature: 0.07, KeyMomentum: 0.99, NormGroups: 2,
			SGD: nn.SGD{LearningRate: 0.06, WarmupSteps: 5},
		},
		Probe: probing, Checkpoints: []float64{1}, BandEvery: 5, Seeds: 3,
		Analysis: analysis.Protocol{Queries: 100, Tail: 0.05, Draws: 19, Resamples: 19},
	},
`},
}

// tinyDigest is that of the data set that is added.
const tinyDigest = "sha256:8643818344136cc1a700a07eb9b2a5d2a26a805cb85caf67a1b63f8231d5d767"

// harmful are changes that must not pass: of a key in passing, and of numbers under an unchanged version.
var harmful = map[string]edit{
	"TestGoldenRuns":    {"experiments/tiers.go", "Queue: 4096, Steps: 800, Temperature: 0.2, KeyMomentum: 0.99", "Queue: 4096, Steps: 800, Temperature: 0.2, KeyMomentum: 0.98"},
	"TestGoldenNumbers": {"bench/contrast/contrast.go", "scale := 1 / c.temperature", "scale := 1.0001 / c.temperature"},
}

// TestChangesOnACopy makes harmless and harmful changes to a copy of the repository and runs its own tests there.
func TestChangesOnACopy(t *testing.T) {
	if testing.Short() {
		t.Skip("this builds a copy of everything")
	}
	copied := t.TempDir()
	copyRepository(t, copied)
	for _, e := range harmless {
		apply(t, copied, e)
	}
	const tests = "TestCatalogueIsValid|TestDatasetsAreWhatTheySay|TestGolden|TestResultsComeFromEvidence|TestMistakesOnResults"
	if out, err := runTests(copied, tests, "./experiments", "./cmd/cidbench"); err != nil {
		t.Fatalf("harmless changes are noticed: %v\n%s", err, out)
	}
	for test, e := range harmful {
		apply(t, copied, e)
		if out, err := runTests(copied, "^"+test+"$", "./experiments"); err == nil || !strings.Contains(out, "--- FAIL: "+test) {
			t.Errorf("%s does not notice %q: %v\n%s", test, e.to, err, out)
		}
	}
}

func runTests(dir, tests string, packages ...string) (string, error) {
	cmd := exec.Command("go", append([]string{"test", "-run", tests}, packages...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func apply(t *testing.T, dir string, e edit) {
	t.Helper()
	file := filepath.Join(dir, e.file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), e.from) {
		t.Fatalf("%s has no %q any more: fit this test to it", e.file, e.from)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), e.from, e.to, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// copyRepository copies all but what is built, stored, or none of the program's.
func copyRepository(t *testing.T, to string) {
	t.Helper()
	from := filepath.Join("..", "..")
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir() && (name == "bin" || name == "tools" || name != "." && strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
