package judge

import (
	"fmt"
	"math"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/report/model"
)

// measurement is one cell of the matrix with its run, and what keeps it from being used.
type measurement struct {
	cell   bench.Cell
	run    Run
	status model.Status
	reason string // why not complete
}

func (o measurement) row() model.RunRow {
	row := model.RunRow{
		Seed: o.cell.Seed, Status: o.status, Reason: o.reason, Run: o.cell.Spec.ID(),
		Manifest: o.run.Digest, Result: o.run.Manifest.ResultDigest,
	}
	if o.status != model.Complete {
		return row
	}
	a := o.run.Result.Accuracy
	row.Linear, row.Ridge, row.KNN = points(a.Linear, a.N), points(a.Ridge, a.N), points(a.KNN, a.N)
	row.Correct = &model.Correct{Linear: a.Linear, Ridge: a.Ridge, KNN: a.KNN, TestImages: a.N}
	if o.cell.Spec.Arm.Features == bench.Trained {
		row.Loss = &o.run.Result.Loss
	}
	return row
}

// linear is the accuracy that claims are about, in points.
func (o measurement) linear() float64 {
	return *points(o.run.Result.Accuracy.Linear, o.run.Result.Accuracy.N)
}

func points(correct, of int) *float64 {
	p := 100 * float64(correct) / float64(of)
	return &p
}

// unusable says which number of a complete run is none.
func unusable(run Run) string {
	a := run.Result.Accuracy
	if a.N < 1 || min(a.Linear, a.Ridge, a.KNN) < 0 || max(a.Linear, a.Ridge, a.KNN) > a.N {
		return fmt.Sprintf("%d (linear), %d (ridge) and %d (neighbours) correct of %d test images are no accuracies", a.Linear, a.Ridge, a.KNN, a.N)
	}
	for _, p := range run.Result.Curve {
		if p.Accuracy.N < 1 {
			return fmt.Sprintf("no accuracy at step %d", p.Step)
		}
	}
	bad := func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
	if bad(run.Result.Loss) || slices.ContainsFunc(run.Result.Progress, func(p bench.ProgressPoint) bool { return bad(p.Loss) }) {
		return "the loss is not a number"
	}
	if slices.ContainsFunc(run.Result.Bands, func(x moco.Band) bool { return bad(x.SameClass) || bad(x.Similarity) }) {
		return "the difficulty bands hold what is not a number"
	}
	return ""
}
