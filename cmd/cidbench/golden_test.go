package main

import (
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/machine"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/experiments"
	"github.com/cidbench/cidbench/registry"
)

// TestPublishedRunsComeAgain trains the first steps of a published run, up to its first checkpoint, whose digest the
// evidence has: on a processor of the kind that made the results, the same key still gives the same bytes.
func TestPublishedRunsComeAgain(t *testing.T) {
	reg, err := registry.OpenExisting(t.Context(), results)
	if err != nil {
		t.Fatal(err)
	}
	tier := experiments.All.Tier("default")
	env := bench.Environment{Backend: "go"}
	cell := tier.Spec(experiments.All.Arm("hardest5"), 0, 0, experiments.All.Dataset(tier.Dataset), env)
	m, _, err := reg.Run(t.Context(), cell.ID())
	if err != nil {
		t.Fatal(err)
	}
	if _, vectors, _ := strings.Cut(m.Provenance.CPU, ", "); vectors != machine.Vectors() {
		t.Skipf("NOT CHECKED: the published runs were made with %s, and this processor has %q", vectors, machine.Vectors())
	}
	if testing.Short() {
		t.Skip("this trains for a tenth of a run")
	}
	data, err := experiments.All.Dataset(tier.Dataset).Open("")
	if err != nil {
		t.Fatal(err)
	}
	device := backendtest.Go(t)
	trainer, err := cell.Training.Config.New(method.Start{Device: device, Rules: cell.Training.Rules, Data: data, Seed: cell.Seed, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	first := cell.Training.Checkpoints[0]
	for trainer.Step() < first {
		if _, err := trainer.Advance(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	state, err := trainer.Save()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := registry.DigestOf(state), m.Artifacts[bench.CheckpointName(first)].Digest; got != want {
		t.Errorf("step %d of hardest5, seed 0: the state is %s and was %s: numbers changed under an unchanged key. "+
			"Raise the version of what computes them, or undo", first, got, want)
	}
}
