package main

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/report/judge"
)

// Each trained cell takes an hour and 10 MB, two at a time on three threads each.
func TestPrice(t *testing.T) {
	config := &moco.Config{Steps: 100}
	p := &pricing{
		session: &session{options: &options{parallel: 2, threads: 3}, tier: &bench.Tier{Train: *config}},
		held:    2, each: bench.Cost{Wall: time.Hour, Disk: 10e6},
	}
	cell := func(features bench.Features, seed uint64, state string, step int) cellState {
		return cellState{Cell: bench.Cell{Seed: seed, Spec: bench.Spec{Arm: bench.Training{Features: features, Config: config}}}, State: state, Step: step}
	}
	cells := []cellState{
		cell(bench.Pixels, 0, "complete", 0),
		cell(bench.Untrained, 0, "complete", 0), cell(bench.Untrained, 1, "missing", 0), cell(bench.Untrained, 2, "missing", 0),
		cell(bench.Trained, 0, "complete", 0), cell(bench.Trained, 1, "begun", 25), cell(bench.Trained, 2, "missing", 0),
	}
	for _, tc := range []struct {
		seeds int
		want  cost
	}{
		{1, cost{}},
		// Three quarters of a training, and floorSteps, half of one, that leave nothing on disk.
		{2, cost{Cells: 2, WallSeconds: 1.25 / 2 * 3600, CPUHours: 1.25 * 3, DiskBytes: 7.5e6}},
		{3, cost{Cells: 4, WallSeconds: 2.75 / 2 * 3600, CPUHours: 2.75 * 3, DiskBytes: 17.5e6}},
		{1_002, cost{Cells: 2_002, WallSeconds: 1_501.25 / 2 * 3600, CPUHours: 1_501.25 * 3, DiskBytes: 10_007.5e6}},
	} {
		if diff := cmp.Diff(tc.want, p.price(cells, tc.seeds)); diff != "" {
			t.Errorf("%d seeds: %s", tc.seeds, diff)
		}
	}
}

func TestClaimPlanJSON(t *testing.T) {
	keys := func(v any) (names []string) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		for name := range fields {
			names = append(names, name)
		}
		slices.Sort(names)
		return names
	}
	n := need{Need: judge.Need{Family: 1, Alpha: 0.05, Spread: judge.ObservedSpread, Seeds: 5, HalfWidth: 1}, Cost: &cost{}}
	for _, tc := range []struct {
		v    any
		want []string
	}{
		{claimPlan{Plan: judge.Plan{Contrasts: make([]judge.ContrastPlan, 1)}, Needs: []need{n}}, []string{"claim", "contrasts", "minSeeds", "needs", "pairs"}},
		{claimPlan{Pilot: &pilot{}}, []string{"claim", "minSeeds", "pairs", "pilot"}},
		{judge.ContrastPlan{}, []string{"distance", "estimate", "margin", "name", "pairs", "relation", "sd", "sdBound", "toward", "unit"}},
		{n, []string{"alpha", "cost", "family", "halfWidth", "seeds", "spread"}},
		{need{Need: judge.Need{Reason: "no spread"}}, []string{"alpha", "family", "reason", "seeds", "spread"}},
		{pilot{}, []string{"command", "cost", "seeds"}},
		{cost{}, []string{"cells", "cpuHours", "diskBytes", "wallSeconds"}},
	} {
		if diff := cmp.Diff(tc.want, keys(tc.v)); diff != "" {
			t.Errorf("%T: %s", tc.v, diff)
		}
	}
}
