package study

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/stats"
)

// Runs are the same by their bytes; others by where one more seed of their arm would lie.
func TestCompareRuns(t *testing.T) {
	run := func(digest registry.Digest, correct int) judge.Run {
		return judge.Run{Manifest: registry.Manifest{ResultDigest: digest}, Result: bench.Result{Accuracy: probe.Accuracy{Linear: correct, N: 100}}}
	}
	var cells []bench.Cell
	for seed := range uint64(6) {
		cells = append(cells, bench.Cell{Arm: "all", Temperature: 0.2, Seed: seed, Spec: bench.Spec{Seed: seed}})
	}
	id := func(i int) string { return cells[i].Spec.ID() }
	published := map[string]judge.Run{id(0): run("a", 50), id(1): run("b", 51), id(2): run("c", 52), id(4): run("e", 50), id(5): run("f", 50)}
	ours := map[string]judge.Run{id(0): run("a", 50), id(1): run("x", 53), id(2): run("y", 60), id(3): run("d", 50), id(4): run("z", 50)}
	r := &Reproduction{Level: 0.95}
	r.compare(cells, ours, published, func(c bench.Cell) (stats.Interval, error) {
		if c.Seed == 4 {
			return stats.Interval{}, errors.New("one seed alone")
		}
		return stats.Interval{Low: 45, High: 55}, nil
	})
	r.Claims = []Verdicts{{"hardest5", 2, stats.Supported, stats.Supported}, {"same-class", 1, stats.Refuted, stats.Inconclusive}}
	want := &Reproduction{Runs: 4, Same: 1, Within: 1, Outside: 2, Absent: 1, Level: 0.95, Claims: r.Claims, Differ: []Differs{
		{"all T 0.2 seed 1", 51, 53, stats.Interval{Low: 45, High: 55}},
		{"all T 0.2 seed 2", 52, 60, stats.Interval{Low: 45, High: 55}},
		{"all T 0.2 seed 4", 50, 50, stats.Interval{}},
	}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	const sentence = "Of 4 runs, 1 have the same bytes as the published evidence and 1 of the other 3, where the processor rounds otherwise, " +
		"lie in the 95% prediction interval of their arm (1 more are not in it); the verdict on 1 of 2 claims is the same."
	if r.String() != sentence {
		t.Error(r)
	}
}
