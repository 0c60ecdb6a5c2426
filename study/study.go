// Package study is what a person does with a catalogue of experiments and a registry of runs: select, plan,
// run, look whether the claims are decided, analyse, judge, compare, and save what a verdict rests on.
//
// It prints nothing. What comes out is values; what happens meanwhile is told to an Observer.
package study

import (
	"context"
	"fmt"
	"sync"

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
	held    *held
	source  *dataset.Source
	data    func() (*dataset.Dataset, error) // opened once, when it is needed
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
	if s.reg, err = OpenRegistry(ctx, o.Store, o.Base, o.Access); err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	s.source = catalogue.Dataset(s.tier.Dataset)
	s.data = sync.OnceValues(s.source.Open)
	s.env = bench.Environment{Backend: s.backend.Kind, Method: s.tier.Train.ID().Version}
	if s.held, err = hold(ctx, s.reg, catalogue); err != nil {
		return nil, err
	}
	for _, note := range s.held.notes() {
		s.opts.Observer.Say(note)
	}
	if o.Access == Read {
		if err := s.adopt(); err != nil {
			return nil, err
		}
	}
	s.cells = s.matrix(s.claims, s.seeds)
	return s, nil
}

// adopt takes the version and backend of the runs that are there.
func (s *Study) adopt() error {
	own := version{s.env.Backend, s.env.Method}
	found, err := s.held.adopt(s.tier, own, s.opts.Runs)
	if err != nil {
		return err
	}
	if found != own {
		s.opts.Observer.Say(fmt.Sprintf("judging runs of %s %s, as the registry holds them; this program is %s", s.tier.Train.ID().Name, found, own))
	}
	s.env = bench.Environment{Backend: found.backend, Method: found.method}
	return nil
}

// matrix lists the cells of claims, or those of the sweep.
func (s *Study) matrix(claims []*bench.Claim, seeds int) []bench.Cell {
	if s.sweep != nil {
		return s.catalogue.SweepMatrix(s.tier, s.sweep, seeds, s.env)
	}
	return s.catalogue.Matrix(s.tier, claims, seeds, s.env)
}
