// Package study is what a person does with a catalogue of experiments and a registry of runs: select, plan,
// run, look whether the claims are decided, analyse, judge, compare, and save what a verdict rests on.
//
// It prints nothing. What comes out is values; what happens meanwhile is told to an Observer.
package study

import (
	"context"
	"fmt"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/registry"
)

// Study is a selection of experiments with the registry that holds their runs. It is not changed after Open.
type Study struct {
	opts      Options // complete
	catalogue *bench.Catalogue
	choice
	reg     *registry.Registry
	data    *dataset.Dataset
	pinned  bench.Data
	backend bench.Backend
	env     bench.Environment
	cells   []bench.Cell // of the claims or the sweep, up to seeds
}

// Open checks all options before anything costly, then opens the registry. Errors: UsageError; those of
// package registry.
func Open(ctx context.Context, catalogue *bench.Catalogue, o Options) (*Study, error) {
	chosen, err := o.complete(catalogue)
	if err != nil {
		return nil, UsageError{err}
	}
	s := &Study{opts: o, catalogue: catalogue, choice: chosen}
	if s.backend, err = bench.ChooseBackend(o.Backend); err != nil {
		return nil, UsageError{err}
	}
	if s.reg, err = OpenRegistry(ctx, o.Store, o.Access); err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	if s.data, err = dataset.Open(s.tier.Dataset); err != nil {
		return nil, err
	}
	s.pinned = bench.Pin(s.data)
	s.env = bench.Environment{Backend: s.backend.Kind, Code: bench.Code(), Analysis: bench.AnalysisCode()}
	if o.Access == Read {
		if err := s.adopt(ctx); err != nil {
			return nil, err
		}
	}
	s.cells = s.matrix(s.claims, s.seeds)
	return s, nil
}

// adopt takes the environment of the runs that are there.
func (s *Study) adopt(ctx context.Context) error {
	env, err := adopt(ctx, s.reg, s.tier.Dataset, s.env, s.opts.Version)
	if err != nil {
		return err
	}
	if env.Code != s.env.Code || env.Backend != s.env.Backend {
		s.opts.Observer.Say(fmt.Sprintf("judging runs of code %s on backend %s, as the registry holds them; this program is code %s",
			env.Code, env.Backend, s.env.Code))
	}
	s.env = env
	return nil
}

// matrix lists the cells of claims, or those of the sweep.
func (s *Study) matrix(claims []*bench.Claim, seeds int) []bench.Cell {
	if s.sweep != nil {
		return s.catalogue.SweepMatrix(s.tier, s.sweep, seeds, s.pinned, s.env)
	}
	return s.catalogue.Matrix(s.tier, claims, seeds, s.pinned, s.env)
}
