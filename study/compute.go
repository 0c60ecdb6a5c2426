package study

import (
	"cmp"
	"context"
	"slices"

	"github.com/cidbench/cidbench/bench"
)

// A cell without training only probes, which takes seconds: what it counts for in training steps. An analysis
// is much the same.
const (
	floorSteps    = 50
	analysisSteps = 50
)

// weight is the cost of a cell in training steps.
func weight(c bench.Cell) int {
	if c.Spec.Training.Features != bench.Trained {
		return floorSteps
	}
	return c.Spec.Training.Steps()
}

// Run runs what is missing: cells, and then the analyses of what the claims observe.
func (s *Study) Run(ctx context.Context) error { return s.compute(ctx, s.cells) }

func (s *Study) compute(ctx context.Context, cells []bench.Cell) error {
	if s.backend.Note != "" {
		s.opts.Observer.Say(s.backend.Note)
	}
	if s.backend.Kind == "go" && !bench.SIMD {
		s.opts.Observer.Say("this binary was built without GOEXPERIMENT=simd: training takes several times longer; `make` sets it")
	}
	weights := map[string]int{}
	for _, cell := range cells {
		weights[cell.Spec.ID()] = weight(cell)
	}
	err := s.work("cells", weights, func(r *bench.Runner) error { return r.Run(ctx, cells) })
	if err != nil {
		return err
	}
	return s.analyze(ctx, s.observed(cells))
}

// analyze analyses what is stored of the cells and was not analysed yet.
func (s *Study) analyze(ctx context.Context, cells []bench.Cell) error {
	analyses, err := bench.Analyses(ctx, s.reg, cells, s.tier.Analysis, s.source.Tree(), s.env)
	if err != nil || len(analyses) == 0 {
		return err
	}
	weights := map[string]int{}
	for _, a := range analyses {
		weights[a.Spec.ID()] = analysisSteps
	}
	return s.work("analyses", weights, func(r *bench.Runner) error { return r.Analyze(ctx, s.tier.Analysis, analyses) })
}

// work does work before the eyes of the observer.
func (s *Study) work(what string, weights map[string]int, do func(*bench.Runner) error) error {
	data, err := s.data()
	if err != nil {
		return err
	}
	progress := s.opts.Observer.Begin(what, weights)
	defer progress.End()
	return do(&bench.Runner{
		Registry: s.reg, Data: data, Probe: s.tier.Probe, Backend: s.backend,
		Parallel: s.opts.Parallel, Threads: s.opts.Threads, Lease: s.opts.Lease,
		Command: s.opts.Command, Observe: progress.Observe,
	})
}

// observed picks the cells that claims observe, and untrained encoders beside them.
func (s *Study) observed(cells []bench.Cell) (picked []bench.Cell) {
	for _, cell := range cells {
		observes := func(c *bench.Claim) bool {
			return slices.ContainsFunc(c.Observations, func(x bench.Observation) bool {
				at := cmp.Or(c.Temperature, s.tier.Train.Scale().Temperature)
				return cell.Spec.Training.Features == bench.Untrained || x.Arm == cell.Arm && at == cell.Temperature
			})
		}
		if slices.ContainsFunc(s.claims, observes) {
			picked = append(picked, cell)
		}
	}
	return picked
}
