package judge

import (
	"slices"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
)

// A lead has the arms of the primary claims at the seeds that all of them have: those of the plan before the others.
func TestLeads(t *testing.T) {
	arm := func(id string, temperature float64, by map[uint64]float64) model.Arm {
		a := model.Arm{ID: id, Features: bench.Trained, Temperature: temperature}
		for _, seed := range []uint64{0, 1, 100, 101, 102} {
			row := model.RunRow{Seed: seed, Status: model.NotRun}
			if v, there := by[seed]; there {
				row.Linear = &v
				a.N++
			}
			a.Runs = append(a.Runs, row)
		}
		return a
	}
	r := &model.Report{
		Plan: &model.Plan{FirstSeed: 100},
		Claims: []model.Claim{
			{Role: bench.Exploratory, Contrasts: []model.Contrast{{A: "other", B: "all"}}},
			{Role: bench.Primary, Contrasts: []model.Contrast{{A: "hard", B: "all"}}, Specific: &model.Contrast{A: "hard", B: "random"}},
		},
		Arms: []model.Arm{
			arm("all", 0.2, map[uint64]float64{0: 1, 1: 1, 100: 40, 101: 42, 102: 44}),
			arm("hard", 0.2, map[uint64]float64{0: 9, 100: 45, 101: 47}),
			arm("random", 0.2, map[uint64]float64{0: 9, 100: 41, 101: 43}),
			arm("other", 0.2, map[uint64]float64{100: 99, 101: 99}),
			arm("all", 0.07, map[uint64]float64{0: 50, 100: 1}),
			arm("hard", 0.07, map[uint64]float64{0: 51, 101: 1}),
			arm("all", 0.5, map[uint64]float64{0: 50}),
			arm("hard", 0.5, map[uint64]float64{1: 51}),
		},
	}
	got := leads(r)
	if len(got) != 2 {
		t.Fatalf("%d leads: %+v", len(got), got)
	}
	var ids []string
	for _, a := range got[0].Arms {
		ids = append(ids, a.ID)
	}
	if l := got[0]; !slices.Equal(l.Seeds, []uint64{100, 101}) || !slices.Equal(ids, []string{"hard", "random", "all"}) || l.Arms[0].Mean != 46 || l.Arms[2].Mean != 41 {
		t.Errorf("%+v", l)
	}
	if l := got[1]; l.Temperature != 0.07 || !slices.Equal(l.Seeds, []uint64{0}) || l.Arms[0].ID != "hard" || l.Arms[0].Mean != 51 {
		t.Errorf("without shared seeds of the plan: %+v", l)
	}
	r.Plan = nil
	if got := leads(r); len(got) == 0 || got[0].Arms[0].ID != "other" {
		t.Errorf("without a plan the first claim leads: %+v", got)
	}
}
