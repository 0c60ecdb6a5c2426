package study

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/report/judge"
)

// Each trained cell takes an hour and 10 MB, two at a time on three threads each; an hour of a device costs 2.
func TestPrice(t *testing.T) {
	config := moco.Config{Steps: 100}
	p := &pricing{
		Workers: Workers{Parallel: 2, Threads: 3}, steps: config.Steps,
		held: 2, each: bench.Cost{Wall: time.Hour, Disk: 10e6}, hour: 2,
	}
	cell := func(features bench.Features, seed uint64, state State, step int) CellState {
		return CellState{Cell: bench.Cell{Seed: seed, Spec: bench.Spec{Training: bench.Training{Features: features, Config: config}}}, State: state, Step: step}
	}
	cells := []CellState{
		cell(bench.Pixels, 0, Complete, 0),
		cell(bench.Untrained, 0, Complete, 0), cell(bench.Untrained, 1, Missing, 0), cell(bench.Untrained, 2, Missing, 0),
		cell(bench.Trained, 0, Complete, 0), cell(bench.Trained, 1, Begun, 25), cell(bench.Trained, 2, Missing, 0),
	}
	for _, tc := range []struct {
		seeds int
		want  Cost
	}{
		{1, Cost{}},
		// Three quarters of a training, and floorSteps, half of one, that leave nothing on disk.
		{2, Cost{Cells: 2, WallSeconds: 1.25 / 2 * 3600, CPUHours: 1.25 * 3, DeviceHours: 1.25, Money: 2 * 1.25, DiskBytes: 7.5e6}},
		{3, Cost{Cells: 4, WallSeconds: 2.75 / 2 * 3600, CPUHours: 2.75 * 3, DeviceHours: 2.75, Money: 2 * 2.75, DiskBytes: 17.5e6}},
		{1_002, Cost{Cells: 2_002, WallSeconds: 1_501.25 / 2 * 3600, CPUHours: 1_501.25 * 3, DeviceHours: 1_501.25, Money: 2 * 1_501.25, DiskBytes: 10_007.5e6}},
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
	n := Need{Need: judge.Need{Alpha: 0.05, Spread: judge.ObservedSpread, Seeds: 5, HalfWidth: 1}, Cost: &Cost{}}
	for _, tc := range []struct {
		v    any
		want []string
	}{
		{ClaimPlan{Plan: judge.Plan{Contrasts: make([]judge.ContrastPlan, 1)}, Needs: []Need{n}}, []string{"claim", "contrasts", "minSeeds", "needs", "pairs", "role"}},
		{ClaimPlan{Pilot: &Pilot{}}, []string{"claim", "minSeeds", "pairs", "pilot", "role"}},
		{judge.ContrastPlan{}, []string{"distance", "estimate", "margin", "name", "pairs", "relation", "sd", "sdBound", "toward", "unit"}},
		{n, []string{"alpha", "cost", "halfWidth", "seeds", "spread"}},
		{Need{Need: judge.Need{Reason: "no spread"}}, []string{"alpha", "reason", "seeds", "spread"}},
		{Pilot{}, []string{"command", "cost", "seeds"}},
		{Cost{}, []string{"cells", "cpuHours", "deviceHours", "diskBytes", "wallSeconds"}},
	} {
		if diff := cmp.Diff(tc.want, keys(tc.v)); diff != "" {
			t.Errorf("%T: %s", tc.v, diff)
		}
	}
}
