// Package study is what a person does with a catalogue of experiments and a registry of runs: select, plan,
// run, look whether the claims are decided, analyse, judge, compare, and save what a verdict rests on.
//
// It prints nothing. What comes out is values; what happens meanwhile is told to an Observer.
package study

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/registry"
)

// Study is a selection of experiments with the registry that holds their runs. After Open, work changes what it knows of them.
type Study struct {
	opts      Options // complete
	catalogue *bench.Catalogue
	choice
	reg     *registry.Registry
	held    *held
	ran     []string // runs that there was work on since
	damage  *damage
	source  *dataset.Source
	data    func() (*dataset.Dataset, error) // opened once, when it is needed
	backend backend.Backend
	env     bench.Environment
	cells   []bench.Cell // of the claims or the sweep: what is explored, and of the plan up to its chosen look
}

// Open checks all options before anything costly, then opens the registry. Errors: UsageError; those of
// package registry.
func Open(ctx context.Context, catalogue *bench.Catalogue, o Options) (*Study, error) {
	chosen, err := o.complete(catalogue)
	if err != nil {
		return nil, UsageError{err}
	}
	s := &Study{opts: o, choice: chosen}
	stated := o.StepTime > 0
	if o.Backend != "auto" && !stated {
		if s.backend, err = backend.Choose(ctx, o.Backend); err != nil {
			return nil, UsageError{err}
		}
	}
	if o.Access == Write {
		if err := o.Share.Spread(ctx); err != nil {
			return nil, err
		}
	}
	if s.reg, err = OpenRegistry(ctx, o.Store, o.Base, o.Access); err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	s.catalogue = catalogue
	s.source, err = catalogue.Dataset(s.tier.Dataset).Pin(o.DataDir)
	switch {
	case err == nil:
		s.catalogue = catalogue.With(s.source)
	case stated && errors.Is(err, fs.ErrNotExist):
		s.source = catalogue.Dataset(s.tier.Dataset)
		s.opts.Observer.Say(fmt.Sprintf("data set %s is not here: what is said of it is what its publication says, and run ids are those of no data", s.source.Name))
	default:
		return nil, s.needs(err)
	}
	s.data = sync.OnceValues(func() (*dataset.Dataset, error) { return s.source.Open(o.DataDir) })
	s.damage = &damage{observer: s.opts.Observer}
	if s.held, err = hold(ctx, s.reg, catalogue, s.tier, s.opts.Observer.Say); err != nil {
		return nil, err
	}
	if stated {
		if s.backend, err = s.statedBackend(); err != nil {
			return nil, UsageError{err}
		}
		s.opts.Parallel = cmp.Or(o.Parallel, len(o.Devices), 1)
	} else {
		if o.Backend == "auto" {
			if s.backend, err = s.autoBackend(ctx); err != nil {
				return nil, UsageError{err}
			}
		}
		if s.backend, s.opts.Parallel, err = s.backend.On(o.Devices, o.Parallel); err != nil {
			return nil, UsageError{err}
		}
	}
	s.env = bench.Environment{Backend: s.backend.Kind, Method: s.tier.Train.ID().Version}
	for _, note := range s.held.notes() {
		s.opts.Observer.Say(note)
	}
	if o.Access == Read {
		if err := s.adopt(); err != nil {
			return nil, err
		}
	}
	s.cells = s.matrix(s.opts.Look - 1)
	return s, nil
}

// backends are the kinds that the tier's trainings were made on or, where none is finished, that cells of this study were
// begun on. A floor, which takes minutes, tells whoever reads what is going on, and binds no training.
func (s *Study) backends() []string {
	if kinds := s.held.backends(s.tier); len(kinds) > 0 {
		return kinds
	}
	defer func(env bench.Environment) { s.env = env }(s.env)
	return pick([]string{"go", "xla"}, func(kind string) bool {
		s.env = bench.Environment{Backend: kind, Method: s.tier.Train.ID().Version}
		return slices.ContainsFunc(s.matrix(s.opts.Look-1), func(c bench.Cell) bool {
			tells := s.opts.Access == Read || c.Spec.Training.Features == bench.Trained
			return tells && (s.held.has(c) || s.held.others[c.Spec.ID()])
		})
	})
}

// autoBackend goes on with the backend of the tier's runs that are there, if it is one; who only reads needs no plugin.
func (s *Study) autoBackend(ctx context.Context) (backend.Backend, error) {
	kinds := s.backends()
	switch {
	case len(kinds) == 1 && s.opts.Access != Read:
		b, err := backend.Choose(ctx, kinds[0])
		if err != nil {
			return b, fmt.Errorf("the registry's runs of this tier were made on %s, and auto goes on with that (--backend go trains anew): %w", kinds[0], err)
		}
		b.Note = strings.TrimPrefix(b.Note+"; the registry's runs of this tier were made on "+kinds[0]+", and auto goes on with that", "; ")
		if card := backend.NVIDIA(); card != "" && b.Kind == "go" {
			b.Note += fmt.Sprintf(", not on the NVIDIA card that this machine has (%s); --backend xla:cuda trains anew", card)
		}
		return b, nil
	case len(kinds) == 1:
		return backend.Backend{Kind: kinds[0]}, nil
	case s.opts.Access == Read:
		return backend.Backend{Kind: "go"}, nil
	}
	return backend.Choose(ctx, "auto")
}

// statedBackend is that of a plan for another machine: what was asked for, or the tier's runs were made on, or else XLA.
// Nothing is opened.
func (s *Study) statedBackend() (backend.Backend, error) {
	switch kind, _, _ := strings.Cut(s.opts.Backend, ":"); kind {
	case "go", "xla":
		return backend.Backend{Kind: kind}, nil
	case "auto":
		if kinds := s.backends(); len(kinds) == 1 {
			return backend.Backend{Kind: kinds[0]}, nil
		}
		return backend.Backend{Kind: "xla"}, nil
	}
	return backend.Backend{}, fmt.Errorf("--backend %q: want go, xla or auto", s.opts.Backend)
}

// adopt takes the version and backend of the runs that are there.
func (s *Study) adopt() error {
	own := version(s.env)
	found, err := s.held.adopt(s.tier, own, s.opts.Runs)
	if err != nil {
		return err
	}
	if found != own {
		s.opts.Observer.Say(fmt.Sprintf("judging runs of %s %s, as the registry holds them; this program is %s", s.tier.Train.ID().Name, found, own))
	}
	s.env = bench.Environment(found)
	return nil
}

// matrix lists the cells of the sweep, or those of the claims: what is explored, and what confirms, at a look of the
// plan, from 0.
func (s *Study) matrix(look int) []bench.Cell {
	if s.sweep != nil {
		return s.catalogue.SweepMatrix(s.tier, s.sweep, bench.Explored(s.seeds), s.env)
	}
	return union(s.confirming(s.planned(s.catalogue), look), s.exploring(s.explored(), s.seeds))
}

// confirming lists the cells of claims of the plan at a look, from 0.
func (s *Study) confirming(claims []*bench.Claim, look int) []bench.Cell {
	if len(claims) == 0 {
		return nil
	}
	return s.catalogue.Confirming(s.tier, claims, s.plan.SeedsAt(look), s.env)
}

func (s *Study) exploring(claims []*bench.Claim, seeds int) []bench.Cell {
	if len(claims) == 0 {
		return nil
	}
	return s.catalogue.Matrix(s.tier, claims, s.opts.Night.Seeds(seeds), s.env)
}

// Register keeps the tier's plan in the registry. Errors: UsageError if there is none.
func (s *Study) Register(ctx context.Context) (bench.Registration, error) {
	if s.plan == nil {
		return bench.Registration{}, UsageError{fmt.Errorf("tier %q has no plan to register", s.tier.ID)}
	}
	r := &bench.Runner{Registry: s.reg, Backend: s.backend, Command: s.opts.Command}
	return r.Register(ctx, s.catalogue.PlanSpec(s.plan, s.env), s.plan.Basis)
}

// registered finds the plan in the registry; nil if it is not there.
func (s *Study) registered(ctx context.Context, spec bench.PlanSpec) (*bench.Registration, error) {
	found, err := bench.Registered(ctx, s.reg, spec)
	switch {
	case errors.Is(err, registry.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &found, nil
}

// UsageError is a mistake in what was asked for, and no failure in doing it.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// NothingError says that there is nothing to do it with.
type NothingError string

func (e NothingError) Error() string { return string(e) }

// OpenRegistry opens the registry at a URL that registry.Open takes, on top of the one at base if that is given. A
// URL at which there can be none is a UsageError; the other errors are those of package registry.
func OpenRegistry(ctx context.Context, url, base string, access Access) (*registry.Registry, error) {
	var reg *registry.Registry
	var err error
	switch {
	case base != "":
		reg, err = registry.OpenOver(ctx, url, base)
	case access == Write:
		reg, err = registry.Open(ctx, url)
	default:
		reg, err = registry.OpenExisting(ctx, url)
	}
	if access == ReadOrEmpty && errors.Is(err, registry.ErrNotExist) {
		reg, err = registry.Open(ctx, "mem://empty")
	}
	if err == nil {
		reg.Pack(analysis.CountsType)
		return reg, nil
	}
	for _, failure := range []error{registry.ErrNotExist, registry.ErrCorrupt, registry.ErrConflict, registry.ErrUnavailable, ctx.Err()} {
		if failure != nil && errors.Is(err, failure) {
			return nil, err
		}
	}
	return nil, UsageError{err}
}
