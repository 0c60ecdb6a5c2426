package study

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/judge"
)

// near finds the runs that are nearest to cells that were not run, by the id of what was asked for. It looks at all runs
// once more, since they matter to nothing else.
func (s *Study) near(ctx context.Context, cells []bench.Cell, runs map[string]judge.Run) (map[string]judge.Near, error) {
	missing := pick(cells, func(cell bench.Cell) bool {
		_, there := runs[cell.Spec.ID()]
		return !there
	})
	if len(missing) == 0 {
		return nil, nil
	}
	asked := map[string]bool{}
	all := s.exploring(s.catalogue.Claims, s.heldSeeds())
	if p := s.catalogue.Plan(s.tier.ID); p != nil {
		all = union(all, s.catalogue.Confirming(s.tier, s.catalogue.Planned(p), p.LastSeeds(), s.env))
	}
	for _, cell := range s.everyCell(all) {
		asked[cell.Spec.ID()] = true
	}
	groups, err := s.candidates(ctx, missing)
	if err != nil {
		return nil, err
	}
	found := map[string]judge.Near{}
	for _, cell := range missing {
		if run, differences, ok := nearest(groups, cell.Spec, asked); ok {
			found[cell.Spec.ID()] = judge.Near{Run: run, Differences: differences}
		}
	}
	return found, nil
}

// A candidate is runs whose keys differ in the seed alone, of the data set, features and rules of a cell that is missing.
type candidate struct {
	bench.Stored                   // of one of them
	sample       *registry.Summary // the same
	foreign      bool              // they cannot be what the catalogue asks for
	runs         map[uint64]string // ids, by seed
}

// key is that of the run with a seed.
func (c *candidate) key(seed uint64) json.RawMessage {
	if seed == c.Seed {
		return c.sample.Key()
	}
	return c.sample.KeyWith("seed", strconv.FormatUint(seed, 10))
}

// like says whether a run is of the data set, features and rules of a key.
func (c *candidate) like(key bench.Stored) bool {
	return c.IsRun() && c.Dataset.Name == key.Dataset.Name && c.Training.Features == key.Training.Features &&
		len(bench.Differences(c.Training.Rules, key.Training.Rules)) == 0
}

func (s *Study) candidates(ctx context.Context, missing []bench.Cell) (found []*candidate, err error) {
	seeds, wanted := map[uint64]bool{}, map[string]bench.Stored{}
	for _, cell := range missing {
		seeds[cell.Seed] = true
		name := fmt.Sprintf("%v %+v", cell.Spec.Training.Features, cell.Spec.Training.Rules)
		if _, there := wanted[name]; !there { // the data set is the same for all
			wanted[name] = readOwn(cell.Spec)
		}
	}
	methods := methodsOf(s.catalogue)
	all := kinds[*candidate]{map[*registry.Family]*candidate{}, func(run *registry.Summary, stored bench.Stored) *candidate {
		c := &candidate{Stored: stored, sample: run, foreign: foreign(stored, s.catalogue, methods) != "", runs: map[uint64]string{}}
		for _, key := range wanted {
			if c.like(key) {
				found = append(found, c)
				return c
			}
		}
		return nil
	}}
	_, err = s.reg.Overview(ctx, func(run *registry.Summary) bool {
		if run.Err != nil {
			return false
		}
		if c, seed, err := all.of(run); err == nil && c != nil && seeds[seed] {
			c.runs[seed] = run.Run
		}
		return false
	})
	return found, err
}

// readOwn reads a key that this program has made.
func readOwn(spec bench.Spec) bench.Stored {
	stored, err := bench.ReadKey(spec.Key())
	if err != nil {
		panic(err)
	}
	return stored
}

// nearest finds the run that is nearest to one that is missing: of the same data set, features, rules and seed, not asked
// for by any other cell, and with the fewest differences. None: ok is false.
func nearest(all []*candidate, want bench.Spec, asked map[string]bool) (run string, differences []bench.Difference, ok bool) {
	key, stored := want.Key(), readOwn(want)
	foreign := false
	for _, c := range all {
		have := c.runs[want.Seed]
		if have == "" || asked[have] || !c.like(stored) {
			continue
		}
		d := bench.Differences(c.key(want.Seed), key)
		nearer := cmp.Or(cmp.Compare(len(d), len(differences)), compareBool(c.foreign, foreign), strings.Compare(have, run)) < 0
		if !ok || nearer {
			run, differences, foreign, ok = have, d, c.foreign, true
		}
	}
	// What makes a key unreadable comes first.
	slices.SortStableFunc(differences, func(a, b bench.Difference) int {
		return strings.Compare(strings.TrimPrefix(a.Path, "scheme"), strings.TrimPrefix(b.Path, "scheme"))
	})
	return run, differences, ok
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
