package study

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/report/diff"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
)

// Judge judges the claims, after running what is missing if run is set. With Looks it runs no more than it
// takes to decide them.
func (s *Study) Judge(ctx context.Context, run bool) (*model.Report, error) {
	if s.looks != nil {
		return s.look(ctx, run)
	}
	if run {
		if err := s.Run(ctx); err != nil {
			return nil, err
		}
	}
	return s.report(ctx, s.whole())
}

var errBudget = errors.New("the budget is spent")

// look judges at each planned number of seeds, running what is missing, until the claims are decided. It
// reads what is stored before it runs anything, so the budget has no say in the verdict on stored runs.
func (s *Study) look(ctx context.Context, run bool) (*model.Report, error) {
	budget := cmp.Or(s.opts.Looks.Budget, time.Duration(math.MaxInt64))
	limited, cancel := context.WithTimeoutCause(ctx, budget, errBudget)
	defer cancel()
	at := s.whole()
	for ran := 0; ; {
		r, err := s.report(ctx, at)
		if err != nil {
			return nil, err
		}
		next := r.Looks.Next()
		if next == 0 || at.stopped != "" {
			return r, nil
		}
		open := func(c *bench.Claim) bool { return slices.Contains(r.Looks.Open, c.ID) }
		before := len(at.cells)
		at.cells = union(at.cells, s.matrix(pick(s.claims, open), next))
		if len(at.cells) > before {
			continue // its runs may be there already
		}
		if !run || ran == next { // what was run and is gone again is not run twice
			at.stopped = "stored runs end"
			continue
		}
		ran = next
		s.opts.Observer.Say(fmt.Sprintf("look %d of %d: %d seeds for %s", r.Looks.Taken+1, len(s.looks), next, strings.Join(r.Looks.Open, ", ")))
		err = s.compute(limited, at.cells)
		if errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(limited), errBudget) {
			at.stopped = fmt.Sprintf("budget of %s spent", budget)
		} else if err != nil {
			return nil, err
		}
	}
}

func pick[T any](all []T, want func(T) bool) (picked []T) {
	for _, x := range all {
		if want(x) {
			picked = append(picked, x)
		}
	}
	return picked
}

// extent is how far a report reaches.
type extent struct {
	seeds int
	cells []bench.Cell
	// looks are the planned ones, and stopped says why the last of them were left out.
	looks   []int
	stopped string
}

func (s *Study) whole() extent { return extent{seeds: s.seeds, cells: s.cells, looks: s.looks} }

// report judges what the registry holds.
func (s *Study) report(ctx context.Context, to extent) (*model.Report, error) {
	in, err := s.input(ctx, to)
	if err != nil {
		return nil, err
	}
	return judge.Build(in)
}

// Input reads what a report is built from.
func (s *Study) Input(ctx context.Context) (judge.Input, error) { return s.input(ctx, s.whole()) }

func (s *Study) input(ctx context.Context, to extent) (judge.Input, error) {
	cells := s.everyCell(to.cells)
	runs, err := Load(ctx, s.reg, cells)
	if err != nil {
		return judge.Input{}, err
	}
	stored, err := bench.Analyses(ctx, s.reg, cells, s.tier.Analysis, s.source.Tree(), s.env)
	if err != nil {
		return judge.Input{}, err
	}
	analyses, err := LoadAnalyses(ctx, s.reg, stored)
	if err != nil {
		return judge.Input{}, err
	}
	return judge.Input{
		Catalogue: s.catalogue, Tier: s.tier, Claims: s.claims, Seeds: to.seeds, Cells: to.cells, Runs: runs, Near: s.near(to.cells, runs), Notes: s.held.notes(),
		Looks: to.looks, Stopped: to.stopped,
		Sweeps: s.sweeps(), Analyses: analyses, Classes: taxonomy.Classes(s.source.Tree()), Picture: s.picture,
		Command: s.command(to.seeds), Program: s.opts.Program,
	}, nil
}

// WriteEvidence writes the runs and analyses that a report is built from, as a file that can be opened as a
// registry.
func (s *Study) WriteEvidence(ctx context.Context, w io.Writer, in judge.Input) error {
	ids := slices.Collect(maps.Keys(in.Runs))
	for _, a := range in.Analyses {
		ids = append(ids, a.Spec.ID())
	}
	return s.reg.WriteEvidence(ctx, w, ids, analysis.CountsType)
}

// sweeps lists the sweeps with their cells, as far as their usual seeds.
func (s *Study) sweeps() (all []judge.SweepInput) {
	for _, sweep := range s.catalogue.Sweeps {
		cells := s.catalogue.SweepMatrix(s.tier, sweep, sweep.Seeds, s.env)
		all = append(all, judge.SweepInput{Sweep: sweep, Seeds: sweep.Seeds, Cells: cells})
	}
	return all
}

// everyCell adds the cells of all sweeps, each run once.
func (s *Study) everyCell(cells []bench.Cell) []bench.Cell {
	for _, sweep := range s.sweeps() {
		cells = union(cells, sweep.Cells)
	}
	return cells
}

// union adds cells, each run once.
func union(cells, more []bench.Cell) []bench.Cell {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Concat(cells, more), func(c bench.Cell) bool {
		id := c.Spec.ID()
		again := seen[id]
		seen[id] = true
		return again
	})
}

// picture draws a training image, of which analyses are made, as PNG; nil where the data are not at hand.
func (s *Study) picture(index int) []byte {
	data, err := s.data()
	if err != nil {
		return nil
	}
	pixels := data.Train.Buffer()
	if err := data.Train.Read(index, pixels); err != nil {
		return nil
	}
	picture := image.NewNRGBA(image.Rect(0, 0, data.Width, data.Height))
	for i := range data.Width * data.Height {
		copy(picture.Pix[4*i:], pixels[dataset.Channels*i:][:dataset.Channels])
		picture.Pix[4*i+3] = 0xff
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}

// near finds the runs that are nearest to cells that were not run, by the id of what was asked for.
func (s *Study) near(cells []bench.Cell, runs map[string]judge.Run) map[string]judge.Near {
	missing := slices.DeleteFunc(slices.Clone(cells), func(cell bench.Cell) bool {
		_, there := runs[cell.Spec.ID()]
		return there
	})
	if len(missing) == 0 {
		return nil
	}
	asked := map[string]bool{}
	seeds := s.held.seeds(s.tier, version(s.env))
	for _, cell := range s.everyCell(s.catalogue.Matrix(s.tier, s.catalogue.Claims, seeds, s.env)) {
		asked[cell.Spec.ID()] = true
	}
	found := map[string]judge.Near{}
	for _, cell := range missing {
		if run, differences, ok := s.held.near(cell, asked); ok {
			found[cell.Spec.ID()] = judge.Near{Run: run, Differences: differences}
		}
	}
	return found
}

// command is how to get the same report again.
func (s *Study) command(seeds int) string {
	command := fmt.Sprintf("%s verify --tier %s --seeds ", s.opts.Program, s.tier.ID)
	if s.looks == nil {
		command += fmt.Sprint(seeds)
	} else {
		command += fmt.Sprintf("auto --max-seeds %d", s.opts.Looks.Max)
	}
	for _, claim := range s.opts.Claims {
		command += " --claim " + claim
	}
	return command
}

// versionSuffix is what may follow the store of a side: @ and a version of the method, a backend, or both.
var versionSuffix = regexp.MustCompile(`@((?:v[0-9]+|go|xla)(?:,(?:v[0-9]+|go|xla))*)$`)

// Compare judges the same selection on two sides, each STORE, STORE@VERSION or @VERSION of the Store of the
// options. Errors: NothingError if a side holds no complete run; those of Open.
func Compare(ctx context.Context, catalogue *bench.Catalogue, o Options, a, b string) (*diff.Comparison, error) {
	var names [2]string
	var reports [2]*model.Report
	for i, arg := range []string{a, b} {
		side, store := o, arg
		if at := versionSuffix.FindStringSubmatchIndex(arg); at != nil {
			store, side.Runs = arg[:at[0]], arg[at[2]:]
		}
		side.Store = cmp.Or(store, o.Store)
		s, err := Open(ctx, catalogue, side)
		if err == nil {
			reports[i], err = s.report(ctx, s.whole())
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", arg, err)
		}
		names[i] = s.reg.String()
		if s.opts.Runs != "" {
			names[i] += "@" + s.opts.Runs
		}
		if reports[i].Tier.RunsPresent == 0 {
			return nil, NothingError(fmt.Sprintf("nothing to compare: %s holds no complete run of these claims in tier %s", names[i], s.tier.ID))
		}
	}
	return diff.Compare(names[0], reports[0], names[1], reports[1])
}
