package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
)

// Result is what a run measured, the same bytes for the same spec on the go backend.
type Result struct {
	// Accuracy is that of the last probe.
	Accuracy probe.Accuracy `json:"accuracy"`
	// Curve holds the probes at the checkpoints, in order.
	Curve []CurvePoint `json:"curve,omitempty"`
	// Progress starts with the first step, in which seed and data alone decide the alignment: arms that are
	// paired by seed must agree there.
	Progress []ProgressPoint `json:"progress,omitempty"`
	// Loss is the mean InfoNCE of the last tenth of training, in nats.
	Loss float64 `json:"loss,omitempty"`
	// Bands is the same-class share by difficulty, mean over the last quarter of training.
	Bands []contrast.Band `json:"bands,omitempty"`
}

// CurvePoint is a probe during training.
type CurvePoint struct {
	Step     int            `json:"step"`
	Accuracy probe.Accuracy `json:"accuracy"`
}

// ProgressPoint sums up the steps since the point before.
type ProgressPoint struct {
	Step      int     `json:"step"`
	Loss      float64 `json:"loss"`      // InfoNCE in nats, mean
	Alignment float64 `json:"alignment"` // squared distance of query and key, mean
	// Uniformity of the queries against the queue, at Step (Wang & Isola 2020); lower is more uniform.
	Uniformity float64 `json:"uniformity"`
}

// The artifacts of a run, by name, and their media types. The number is the version of the format.
const (
	SeriesArtifact = "series" // one JSON object a line and step: method.Metrics
	SeriesType     = "application/vnd.cidbench.series.v1+jsonl"
	CheckpointType = "application/vnd.cidbench.checkpoint.v1+safetensors"
)

// CheckpointName is that of the artifact that holds the state after a step.
func CheckpointName(step int) string { return fmt.Sprintf("checkpoint-%08d", step) }

// progressOf thins a series to the steps at which difficulty was measured, the first among them.
func progressOf(series []method.Metrics) (points []ProgressPoint) {
	var sum ProgressPoint
	n := 0.0
	for _, m := range series {
		sum.Loss += m.Loss
		sum.Alignment += m.Alignment()
		n++
		if m.Bands != nil {
			points = append(points, ProgressPoint{Step: m.Step, Loss: sum.Loss / n, Alignment: sum.Alignment / n, Uniformity: m.Uniformity})
			sum, n = ProgressPoint{}, 0
		}
	}
	return points
}

func finalLoss(series []method.Metrics) float64 {
	last := series[len(series)-max(1, len(series)/10):]
	sum := 0.0
	for _, m := range last {
		sum += m.Loss
	}
	return sum / float64(len(last))
}

// lateBands is the mean of the bands measured in the last quarter of training; nil if there are none.
func lateBands(series []method.Metrics) []contrast.Band {
	var sum []contrast.Band
	n := 0.0
	for _, m := range series[len(series)*3/4:] {
		if m.Bands == nil {
			continue
		}
		n++
		if sum == nil {
			sum = slices.Clone(m.Bands)
			continue
		}
		for i, b := range m.Bands {
			sum[i].SameClass += b.SameClass
			sum[i].Similarity += b.Similarity
		}
	}
	for i := range sum {
		sum[i].SameClass /= n
		sum[i].Similarity /= n
	}
	return sum
}

func encodeSeries(series []method.Metrics) []byte {
	var text bytes.Buffer
	lines := json.NewEncoder(&text)
	for _, m := range series {
		if err := lines.Encode(m); err != nil {
			panic(err) // plain numbers, and never NaN: Advance refuses it
		}
	}
	return text.Bytes()
}

// DecodeSeries reads a series artifact. Every error wraps registry.ErrCorrupt.
func DecodeSeries(text []byte) ([]method.Metrics, error) {
	var series []method.Metrics
	for line := range bytes.Lines(text) {
		var m method.Metrics
		if err := json.Unmarshal(line, &m); err != nil {
			return nil, fmt.Errorf("%w: series, line %d: %w", registry.ErrCorrupt, len(series)+1, err)
		}
		if m.Step != len(series)+1 || math.IsNaN(m.Loss) {
			return nil, fmt.Errorf("%w: series, line %d is of step %d", registry.ErrCorrupt, len(series)+1, m.Step)
		}
		series = append(series, m)
	}
	return series, nil
}
