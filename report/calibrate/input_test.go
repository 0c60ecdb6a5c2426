// Package calibrate holds tests alone: how often are verdicts wrong, and how often are there any? Worlds whose truth is
// known are simulated, and the runs that they would leave are judged by package judge under the catalogue's own plan.
// `make calibrate` writes what comes out to docs/error-rates.md.
package calibrate

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/experiments"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// testImages is that of the default tier's data set: accuracies are counts of so many.
const testImages = 5_000

// terse is a method without the settings that all runs share. Judging holds the keys of runs against each other, pair
// by pair, and most of its time goes into that.
type terse struct{ method.Method }

func (m terse) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]float64{"temperature": m.Scale().Temperature})
}

func (m terse) AtTemperature(temperature float64) method.Method {
	return terse{m.Method.AtTemperature(temperature)}
}

func (m terse) Scale() method.Scale {
	s := m.Method.Scale()
	s.Encoder = encoder.Config{}
	return s
}

// study is the plan with all that does not differ between replications.
type study struct {
	catalogue  *bench.Catalogue
	tier       *bench.Tier
	plan       *bench.Plan
	claims     []*bench.Claim
	levels     map[string][]float64 // of the looks, by claim
	cells      []bench.Cell
	ids        []string             // of their runs
	runs       map[string]judge.Run // by id, without accuracies
	registered bench.Registration
	noise      map[agreed]float64 // that was found
}

func newStudy() (*study, error) {
	catalogue := *experiments.All
	catalogue.Sweeps = nil // no claim of a plan rests on one
	tier := *catalogue.Tier("default")
	tier.Train, tier.Checkpoints = terse{tier.Train}, []float64{1}
	s := &study{
		catalogue: &catalogue, tier: &tier, plan: catalogue.Plan(tier.ID), levels: map[string][]float64{}, runs: map[string]judge.Run{}, noise: map[agreed]float64{},
		registered: bench.Registration{At: time.Date(2020, 10, 13, 12, 0, 0, 0, time.UTC)},
	}
	for _, id := range s.plan.Claims() {
		s.claims = append(s.claims, catalogue.Claim(id))
		var err error
		if s.levels[id], err = stats.OBrienFleming(s.plan.Share(id), s.plan.Looks); err != nil {
			return nil, err
		}
	}
	s.cells = catalogue.Confirming(&tier, s.claims, s.plan.LastSeeds(), bench.Environment{Backend: "go"})
	for _, cell := range s.cells {
		id := cell.Spec.ID()
		run := judge.Run{Manifest: registry.Manifest{Run: id, Key: cell.Spec.Key(), Status: registry.Complete}}
		run.Manifest.Provenance.Started = s.registered.At.Add(time.Hour)
		if cell.Spec.Training.Features == bench.Trained {
			run.Result.Progress = []bench.ProgressPoint{{Step: 1, Alignment: 1}}
		}
		s.ids, s.runs[id] = append(s.ids, id), run
	}
	return s, nil
}

// seeds is the number of them at the last look.
func (s *study) seeds() int { return s.plan.LastSeeds().N }

// series names the runs of an arm at a temperature, one a seed.
func (s *study) series(arm string, temperature float64) string {
	if s.catalogue.Arm(arm).Features == bench.Trained && temperature != s.tier.Train.Scale().Temperature {
		return fmt.Sprintf("%s-t%g", arm, temperature)
	}
	return arm
}

// judge has the plan's claims judged by the runs of a sample.
func (s *study) judge(x *sample) ([]model.Claim, error) {
	in := judge.Input{
		Catalogue: s.catalogue, Tier: s.tier, Claims: s.claims, Seeds: s.tier.Seeds, Cells: s.cells,
		Plan: s.plan, PlanID: "plan", Registered: &s.registered, Runs: maps.Clone(s.runs),
	}
	for k, cell := range s.cells {
		id, i := s.ids[k], int(cell.Seed-s.plan.FirstSeed)
		if cell.Spec.Training.Features == bench.Pixels {
			i = 0
		}
		series := s.series(cell.Arm, cell.Temperature)
		if i >= len(x.correct[series]) {
			delete(in.Runs, id)
			continue
		}
		run := in.Runs[id]
		n := x.correct[series][i]
		run.Result.Accuracy = probe.Accuracy{Linear: n, Ridge: n, KNN: n, N: testImages}
		in.Runs[id] = run
		if counts, ok := x.counts[series]; ok {
			step := cell.Spec.Training.Steps()
			spec := bench.AnalysisSpec{Run: id, Step: step}
			in.Analyses = append(in.Analyses, judge.AnalysisRun{
				Analysis: bench.Analysis{Cell: cell, Step: step, Spec: spec}, Measures: analysis.Measures{Counts: counts[i]},
			})
		}
	}
	r, err := judge.Build(in)
	if err != nil {
		return nil, err
	}
	for _, c := range r.Claims {
		if !c.Confirms() {
			return nil, fmt.Errorf("claim %s does not confirm: %s", c.ID, c.Registration)
		}
	}
	return r.Claims, nil
}
