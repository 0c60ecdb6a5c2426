package study

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/drift"
)

// oneResult is of a registry whose runs all have it.
type oneResult struct {
	Runs
	result []byte
}

func (r oneResult) Run(context.Context, string) (registry.Manifest, registry.Digest, error) {
	return registry.Manifest{Result: r.result}, "", nil
}

// FuzzResult: whatever a manifest says is a result, of a training, an analysis or a night, it is read in full or is
// ErrCorrupt.
func FuzzResult(f *testing.F) {
	for _, result := range []any{
		bench.Result{Curve: []bench.CurvePoint{{Step: 4}}, Progress: []bench.ProgressPoint{{Step: 1, Loss: 0.5}}, Loss: 2},
		analysis.Measures{Images: 100, Queries: 10}, drift.Night{Tier: "tiny", Night: bench.Night{Name: "2026-11-30"}},
	} {
		text, err := json.Marshal(result)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, empty := range []func() any{
			func() any { return &bench.Result{} }, func() any { return &analysis.Measures{} }, func() any { return &drift.Night{} },
		} {
			result, again := empty(), empty()
			_, _, err := load(context.Background(), oneResult{result: text}, "", result)
			if len(text) == 0 || errors.Is(err, registry.ErrCorrupt) {
				continue
			}
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			once, err := json.Marshal(result)
			if err != nil {
				t.Fatalf("%q is read as what cannot be written: %v", text, err)
			}
			if _, _, err = load(context.Background(), oneResult{result: once}, "", again); err != nil {
				t.Fatalf("%q is written as %q, which is not read: %v", text, once, err)
			}
			if twice, err := json.Marshal(again); err != nil || !bytes.Equal(once, twice) {
				t.Errorf("%q is read as %q, and again as %q, %v", text, once, twice, err)
			}
		}
	})
}
