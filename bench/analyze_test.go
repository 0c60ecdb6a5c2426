package bench

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/registry"
)

// TestAnalysesComeFromStoredCheckpoints trains two cells, and analyses them with a runner that knows
// nothing but the registry: twice, for the bytes.
func TestAnalysesComeFromStoredCheckpoints(t *testing.T) {
	if testing.Short() {
		t.Skip("trains and analyses for half a minute under the race detector; package analysis is there itself")
	}
	cells := slices.DeleteFunc(cellsOf(1), func(c Cell) bool { return c.Arm == "random" })
	r := runner(t, t.TempDir())
	if err := r.Run(t.Context(), cells); err != nil {
		t.Fatal(err)
	}
	protocol := small().Tiers[0].Analysis
	env := Environment{Backend: "go"}
	analyses, err := Analyses(t.Context(), r.Registry.Run, cells, protocol, smallData().Tree, env)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range analyses {
		names = append(names, a.Name())
	}
	slices.Sort(names)
	want := []string{
		"again T 0.2 seed 0, step 12", "again T 0.2 seed 0, step 6",
		"hard T 0.2 seed 0, step 12", "hard T 0.2 seed 0, step 6", "untrained T 0.2 seed 0, step 0",
	}
	if got := strings.ReplaceAll(strings.Join(names, "; "), "all T", "again T"); got != strings.Join(want, "; ") {
		t.Fatalf("analyses %s, want %s", got, strings.Join(want, "; "))
	}

	results := func(r *Runner) map[string]registry.Digest {
		t.Helper()
		done := 0
		r.Observe = func(e Event) {
			if e.Done && !e.Cached {
				done++
			}
		}
		r.Parallel = 1
		if err := r.Analyze(t.Context(), protocol, analyses); err != nil {
			t.Fatal(err)
		}
		if done != len(analyses) {
			t.Errorf("%d of %d analyses were computed", done, len(analyses))
		}
		digests, distinct := map[string]registry.Digest{}, map[registry.Digest]bool{}
		for _, a := range analyses {
			m, _, err := r.Registry.Run(t.Context(), a.Spec.ID())
			if err != nil {
				t.Fatal(err)
			}
			var measures analysis.Measures
			if err := json.Unmarshal(m.Result, &measures); err != nil || measures.Queries != 100 || measures.Images != 1000 {
				t.Errorf("%s: %d queries, %d images, %v", a.Name(), measures.Queries, measures.Images, err)
			}
			text, err := r.Registry.Blob(t.Context(), m.Artifacts[CountsArtifact])
			if err != nil {
				t.Fatal(err)
			}
			if counts, err := analysis.DecodeCounts(text); err != nil || len(counts.Hard) != 1000 {
				t.Errorf("%s: counts of %d images, %v", a.Name(), len(counts.Hard), err)
			}
			digests[a.Name()], distinct[m.ResultDigest] = m.ResultDigest, true
		}
		if len(distinct) != len(analyses) {
			t.Errorf("%d analyses gave %d different results", len(analyses), len(distinct))
		}
		return digests
	}
	copied := runner(t, t.TempDir())
	if err := registry.Copy(t.Context(), r.Registry, copied.Registry, nil); err != nil {
		t.Fatal(err)
	}
	first, second := results(r), results(copied)
	for name, d := range first {
		if second[name] != d {
			t.Errorf("%s: %s here and %s on a copy", name, d, second[name])
		}
	}

	// Once more, nothing is left to do.
	r.Observe = func(e Event) {
		if !e.Cached {
			t.Errorf("%s is computed again", e.Name)
		}
	}
	if err := r.Analyze(t.Context(), protocol, analyses); err != nil {
		t.Fatal(err)
	}

	// A checkpoint that is damaged is not analysed.
	r.Observe = nil
	hurt := analyses[slices.IndexFunc(analyses, func(a Analysis) bool { return a.Step == 12 })]
	hurt.Spec.Protocol = "another"
	hurt.state.Digest = registry.DigestOf([]byte("not there"))
	if err := r.Analyze(t.Context(), protocol, []Analysis{hurt}); err == nil || !strings.Contains(err.Error(), hurt.Name()) {
		t.Errorf("a checkpoint that is not there: %v", err)
	}
}
