package judge_test

import (
	"testing"

	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/stats"
)

// A tier that evaluates as is published judges claims by that accuracy, and shows no probe that it does not have.
func TestTierThatEvaluatesAsIsPublished(t *testing.T) {
	c := catalogue()
	other := tier()
	other.ID = "other"
	published := c.Tiers[0]
	published.Probe = probe.Protocol{SGD: probe.Evaluation{LearningRate: 30, Momentum: 0.9, Batch: 8, Epochs: 2, MinArea: 0.08}}
	c.Tiers = append(c.Tiers, other) // which has the probe that the claims name
	clear := scores{"baseline": base, "easiest95": around(-500)}
	in := inputOf(t, c, clear, "easiest95")
	for id, run := range in.Runs {
		run.Result.Accuracy.Ridge, run.Result.Accuracy.KNN = 0, 0
		in.Runs[id] = run
	}
	claim := one(t, in)
	if want := one(t, input(t, clear, "easiest95")).Verdict; claim.Verdict != want || claim.Verdict == stats.Inconclusive {
		t.Errorf("%s (%s), want %s", claim.Verdict, why(claim), want)
	}
	if claim.Probe != published.Probe.ID() {
		t.Errorf("by probe %s, want %s", claim.Probe, published.Probe.ID())
	}
	r, err := judge.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, arm := range r.Arms {
		if arm.N == 0 {
			continue
		}
		if arm.Mean == nil || arm.Ridge != nil || arm.KNN != nil || arm.Runs[0].Ridge != nil {
			t.Errorf("%s: mean %v, ridge %v, neighbours %v", arm.ID, arm.Mean, arm.Ridge, arm.KNN)
		}
	}
}
