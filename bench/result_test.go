package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/bench/machine"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/registry"
)

func TestResultAndSeriesAreStored(t *testing.T) {
	cells := cellsOf(1)
	cell := cells[slices.IndexFunc(cells, func(c Cell) bool { return c.Arm == "hard" })]
	r := runner(t, t.TempDir())
	if err := r.Run(t.Context(), []Cell{cell}); err != nil {
		t.Fatal(err)
	}
	m, _, err := r.Registry.Run(t.Context(), cell.Spec.ID())
	if err != nil {
		t.Fatal(err)
	}
	if p := m.Provenance; machine.SIMD && !strings.Contains(p.CPU, "AVX") {
		t.Errorf("processor %q, without the instructions that the bytes depend on", p.CPU)
	}
	var result Result
	if err := json.Unmarshal(m.Result, &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Curve) != 2 || result.Curve[0].Step != 6 || result.Accuracy != result.Curve[1].Accuracy || result.Accuracy.N != 500 {
		t.Errorf("result %+v", result)
	}
	var steps []int
	for i, p := range result.Progress {
		steps = append(steps, p.Step)
		if !(p.Loss > 0) || !(p.Alignment > 0 && p.Alignment < 4) || !(p.Uniformity < 0) {
			t.Errorf("progress %d: %+v", i, p)
		}
	}
	if want := []int{1, 3, 6, 9, 12}; !slices.Equal(steps, want) {
		t.Errorf("progress at steps %v, want %v", steps, want)
	}
	if len(result.Bands) != len(contrast.BandEdges)-1 {
		t.Errorf("%d bands", len(result.Bands))
	}
	text, err := r.Registry.Blob(t.Context(), m.Artifacts[SeriesArtifact])
	if err != nil {
		t.Fatal(err)
	}
	series, err := DecodeSeries(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(series) == 12 {
		mean := (series[1].Loss + series[2].Loss) / 2
		if got := result.Progress[1].Loss; math.Abs(got-mean) > 1e-12 {
			t.Errorf("progress has loss %g for steps 2 and 3, whose mean is %g", got, mean)
		}
	}
	if len(series) != 12 || series[0].Kept != 6 || series[2].Bands == nil || series[3].Bands != nil {
		t.Errorf("series of %d steps, %v kept", len(series), series[0].Kept)
	}
	for _, name := range []string{"checkpoint-00000006", "checkpoint-00000012"} {
		if m.Artifacts[name].MediaType != CheckpointType {
			t.Errorf("artifact %s is %+v", name, m.Artifacts[name])
		}
	}
}

func FuzzDecodeSeries(f *testing.F) {
	f.Add(encodeSeries([]method.Metrics{{Step: 1, Loss: 2}, {Step: 2, Loss: 1, Bands: []contrast.Band{{To: 1}}}}))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		series, err := DecodeSeries(text)
		if err != nil {
			if !errors.Is(err, registry.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		again, err := DecodeSeries(encodeSeries(series))
		if err != nil || !bytes.Equal(encodeSeries(again), encodeSeries(series)) {
			t.Fatalf("decoding what was encoded: %v", err)
		}
	})
}

func TestCodeIsRecorded(t *testing.T) {
	if code := Code(); !strings.HasPrefix(code, "sha256:") || code != Code() {
		t.Errorf("code %q", code)
	}
	for _, path := range []string{"augment/augment.go", "moco/step.go", "nn/convnorm.go", "dataset/glyphs.go", "analysis/semantics.go", "cell.go"} {
		if _, err := source.ReadFile(path); err != nil {
			t.Error(err)
		}
	}
}
