package study

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/machine"
	"github.com/cidbench/cidbench/report/model"
)

// floorSteps is what a cell without training, which only probes, counts for in training steps. An analysis takes
// much the same, seconds.
const floorSteps = 50

// weight is the cost of a cell in training steps.
func weight(c bench.Cell) int {
	if c.Spec.Training.Features != bench.Trained {
		return floorSteps
	}
	return c.Spec.Training.Steps()
}

// Run runs what is missing: cells, and then the analyses of what the claims observe.
func (s *Study) Run(ctx context.Context) error { return s.damage.note(s.compute(ctx, s.cells)) }

func (s *Study) compute(ctx context.Context, cells []bench.Cell) error {
	if s.backend.Note != "" {
		s.opts.Observer.Say(s.backend.Note)
	}
	if s.backend.Kind == "go" && !machine.SIMD {
		s.opts.Observer.Say("this binary was built without GOEXPERIMENT=simd: training takes several times longer; `make` sets it")
	}
	weights := map[string]int{}
	for _, cell := range cells {
		weights[cell.Spec.ID()] = weight(cell)
	}
	err := s.work(ctx, "cells", weights, func(r *bench.Runner) error { return r.Run(ctx, cells) })
	if s.damage.note(err) != nil {
		return err
	}
	return s.analyze(ctx, s.observed(cells))
}

// lookAgain makes a new overview where there was work on runs that are not in it, and that are about to be read by it.
func (s *Study) lookAgain(ctx context.Context) (err error) {
	ran := s.ran
	s.ran = nil
	if s.reg.Local() || !slices.ContainsFunc(ran, func(run string) bool { return !s.held.runs.Has(run) }) {
		return nil
	}
	if err := s.opts.Share.Settle(ctx); err != nil {
		return err
	}
	s.held, err = hold(ctx, s.reg, s.catalogue, s.tier, func(string) {}) // of damage was told
	return err
}

// analyze analyses what is stored of the cells and was not analysed yet.
func (s *Study) analyze(ctx context.Context, cells []bench.Cell) error {
	if err := s.lookAgain(ctx); err != nil {
		return err
	}
	analyses, err := bench.Analyses(ctx, s.held.runs.Run, cells, s.tier.Analysis, s.source.Tree(), s.env)
	if s.damage.note(err) != nil {
		return err
	}
	analyses = s.analysable(slices.DeleteFunc(analyses, s.unasked))
	if len(analyses) == 0 {
		return nil
	}
	weights := map[string]int{}
	for _, a := range analyses {
		weights[a.Spec.ID()] = floorSteps
	}
	return s.work(ctx, "analyses", weights, func(r *bench.Runner) error { return r.Analyze(ctx, s.tier.Analysis, analyses) })
}

// analysable leaves out what is not analysed and cannot be, and says so: of runs that came from evidence the checkpoints
// are not here. It asks the registry for nothing: a worker looks for a checkpoint when it has taken the analysis.
func (s *Study) analysable(analyses []bench.Analysis) []bench.Analysis {
	kept := pick(analyses, func(a bench.Analysis) bool {
		trained := a.Cell.Spec.Training.Features == bench.Trained
		return !trained || !s.held.runs.FromEvidence(a.Cell.Spec.ID()) || s.held.runs.Has(a.Spec.ID())
	})
	if n := len(analyses) - len(kept); n > 0 {
		s.opts.Observer.Say(fmt.Sprintf("%d of %d analyses are left out: the registry lacks the checkpoints, as evidence does", n, len(analyses)))
	}
	return kept
}

// work does work before the eyes of the observer.
func (s *Study) work(ctx context.Context, what string, weights map[string]int, do func(*bench.Runner) error) error {
	data, err := s.ready(ctx, s.opts.Parallel)
	if err != nil {
		return err
	}
	progress := s.opts.Observer.Begin(what, weights)
	defer progress.End()
	s.ran = slices.AppendSeq(s.ran, maps.Keys(weights))
	return do(&bench.Runner{
		Registry: s.reg, Data: data, Probe: s.tier.Probe, Backend: s.backend,
		Parallel: s.opts.Parallel, Threads: s.opts.Threads, Lease: s.opts.Lease,
		Share: s.opts.Share, NoWait: s.opts.NoWait, SaveEvery: s.opts.SaveEvery,
		Command: s.opts.Command, Observe: progress.Observe, Known: s.known,
	})
}

// known says of a run that its manifest need not be read to see that it is finished: where that is a request to a
// server, the overview will do.
func (s *Study) known(run string) bool { return !s.reg.Local() && s.held.runs.Has(run) }

// observed picks the cells that claims observe, and untrained encoders beside them, on the seeds that each claim is
// judged on.
func (s *Study) observed(cells []bench.Cell) []bench.Cell {
	judged := slices.Concat(s.planned(s.catalogue), s.explored())
	return pick(cells, func(cell bench.Cell) bool {
		return slices.ContainsFunc(judged, func(c *bench.Claim) bool {
			return s.confirms(cell) == (s.plan.Role(c.ID) != bench.Exploratory) && slices.ContainsFunc(c.Observations, func(x bench.Observation) bool {
				return cell.Spec.Training.Features == bench.Untrained || x.Arm == cell.Arm && s.tier.Temperature(c) == cell.Temperature
			})
		})
	})
}

// confirms says whether a cell is one of the plan's.
func (s *Study) confirms(cell bench.Cell) bool { return s.plan != nil && cell.Seed >= s.plan.FirstSeed }

// unasked says that an analysis bears on no verdict and no figure: of what confirms, and of a night, all but the end of
// training.
func (s *Study) unasked(a bench.Analysis) bool {
	return (s.confirms(a.Cell) || s.opts.Night != (bench.Night{})) && a.Step < a.Cell.Spec.Training.Steps()
}

// Analyze analyses what is stored of the selected arms, or of those that the claims observe, and trains nothing.
// Of the report, it is the analyses of these arms that count. Errors: NothingError if no such run is there.
func (s *Study) Analyze(ctx context.Context) (*model.Report, error) {
	cells := s.observed(s.cells)
	if len(s.opts.Arms) > 0 {
		cells = pick(s.everyCell(s.cells), func(c bench.Cell) bool { return slices.Contains(s.opts.Arms, c.Arm) })
	}
	all, _, err := s.states(ctx, cells)
	if err != nil {
		return nil, err
	}
	switch absent := len(pick(all, CellState.unfinished)); absent {
	case len(cells):
		return nil, NothingError(fmt.Sprintf("nothing to analyse: none of these runs is there; `%s run` trains them", s.opts.Program))
	case 0:
	default:
		s.opts.Observer.Say(fmt.Sprintf("%d of %d runs are not there and cannot be analysed; `%s run` trains them", absent, len(cells), s.opts.Program))
	}
	if err := s.damage.note(s.analyze(ctx, cells)); err != nil {
		return nil, err
	}
	r, _, err := s.Report(ctx)
	if err != nil {
		return nil, err
	}
	r.Analyses = slices.DeleteFunc(r.Analyses, func(a model.Analysis) bool {
		return !slices.ContainsFunc(cells, func(c bench.Cell) bool { return c.Arm == a.Arm && c.Temperature == a.Temperature })
	})
	return r, nil
}
