package moco_test

import (
	"context"
	"math"
	"testing"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/method/methodtest"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/experiments"
)

// TestViewsInGraphTrainTheSame: a run whose graph makes the views follows the run whose host makes them.
func TestViewsInGraphTrainTheSame(t *testing.T) {
	backend, err := backend.Backend{Kind: "go"}.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	start := func() *moco.Trainer {
		tr, err := moco.New(experiments.All.Tier("smoke").Train.(moco.Config), method.Start{Backend: backend, Data: methodtest.Data(), Seed: 1, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tr.Close)
		return tr
	}
	host, graph := start(), start()
	graph.ViewsInGraph()
	for range 5 { // rounding grows: a ReLU or a negative at the cut falls on the other side
		want, err := host.Advance(context.Background(), false)
		if err != nil {
			t.Fatal(err)
		}
		got, err := graph.Advance(context.Background(), false)
		if err != nil {
			t.Fatal(err)
		}
		if !(math.Abs(got.Loss-want.Loss) < 1e-4 && math.Abs(got.Positive-want.Positive) < 1e-4) {
			t.Errorf("views of the graph give %+v, the host's %+v", got, want)
		}
	}
}
