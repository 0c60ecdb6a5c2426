package study

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

// held is what a registry holds, by its overview. Judging starts from it: what a key says is what was computed,
// whatever the catalogue asks for. Of single runs little is kept, since there may be very many.
type held struct {
	runs    *registry.Overview
	others  map[string]bool // runs that are begun, most likely, or damaged
	groups  []*heldGroup
	foreign map[string]commits // how many cannot be what the catalogue asks for, by the reason
}

// A heldGroup is runs whose keys differ in the seed alone.
type heldGroup struct {
	bench.Stored                   // of one of them
	sample       *registry.Summary // the same
	foreign      string            // why its runs cannot be what the catalogue asks for; empty if they can
	commits      commits
	seeds        []heldSeed // of the data set that is judged on; in order
}

// A heldSeed is one run of a group.
type heldSeed struct {
	seed uint64
	run  [16]byte // its id, raw
}

// bySeed finds the run with a seed.
func (g *heldGroup) bySeed(seed uint64) (run string, ok bool) {
	at, ok := slices.BinarySearchFunc(g.seeds, seed, func(x heldSeed, seed uint64) int { return cmp.Compare(x.seed, seed) })
	if ok {
		run = hex.EncodeToString(g.seeds[at].run[:])
	}
	return run, ok
}

// key is that of the run with a seed.
func (g *heldGroup) key(seed uint64) json.RawMessage {
	if seed == g.Seed {
		return g.sample.Key()
	}
	return g.sample.KeyWith("seed", strconv.FormatUint(seed, 10))
}

// commits are how many runs there are of those that made them; of the empty one where that is not known.
type commits map[string]int

func (c commits) add(more commits) {
	for commit, n := range more {
		c[commit] += n
	}
}

// String reads like "12 runs, commit a4c86a9".
func (c commits) String() string {
	runs := 0
	var known []string
	for _, commit := range slices.Sorted(maps.Keys(c)) {
		if runs += c[commit]; commit != "" {
			known = append(known, commit)
		}
	}
	text := fmt.Sprintf("%d runs", runs)
	if len(known) > 0 {
		text += ", commit " + strings.Join(known, ", ")
	}
	return text
}

// hold looks at all that a registry holds, to judge on a data set. A damaged run is said and passed over: whoever asks
// for it is told again.
func hold(ctx context.Context, reg *registry.Registry, catalogue *bench.Catalogue, dataset string, say func(string)) (*held, error) {
	h := &held{foreign: map[string]commits{}}
	methods := map[string]bool{"": true, "untrained": true}
	for _, t := range catalogue.Tiers {
		methods[t.Train.ID().Name] = true
	}
	groups := map[*registry.Family]*heldGroup{}
	damaged := map[string]error{}
	var err error
	h.runs, err = reg.Overview(ctx, func(run *registry.Summary) bool {
		err := run.Err
		if err == nil {
			err = h.add(run, groups, catalogue, methods, dataset)
		}
		if err != nil {
			damaged[run.Run] = err
		}
		return false
	})
	if err != nil {
		return nil, err
	}
	h.others = maps.Clone(h.runs.Others)
	for _, run := range slices.Sorted(maps.Keys(damaged)) {
		h.others[run] = true // whoever asks for it reads it again
		say(store.Printable(fmt.Sprintf("run %s is left out: %v", run, damaged[run])))
	}
	for _, g := range h.groups {
		slices.SortFunc(g.seeds, func(a, b heldSeed) int { return cmp.Compare(a.seed, b.seed) })
	}
	return h, nil
}

// add sorts a run into its group. Keys are read once for each group, if only the seed differs.
func (h *held) add(run *registry.Summary, groups map[*registry.Family]*heldGroup, catalogue *bench.Catalogue, methods map[string]bool, dataset string) error {
	text, onlySeed := run.Member("seed")
	seed, err := strconv.ParseUint(text, 10, 64)
	group := groups[run.Family]
	if group == nil || !group.IsAnalysis() && !group.IsPlan() && (!onlySeed || err != nil) {
		stored, err := bench.ReadKey(run.Key())
		if err != nil {
			return err
		}
		group = &heldGroup{Stored: stored, sample: run, commits: commits{}}
		group.foreign = foreign(stored, catalogue, methods)
		if onlySeed && seed == stored.Seed || stored.IsAnalysis() || stored.IsPlan() {
			groups[run.Family] = group
		}
		seed = stored.Seed
		h.groups = append(h.groups, group)
	}
	if group.foreign != "" {
		if h.foreign[group.foreign] == nil {
			h.foreign[group.foreign] = commits{}
		}
		h.foreign[group.foreign][run.Commit]++
	}
	if group.IsAnalysis() || group.IsPlan() {
		return nil
	}
	group.commits[run.Commit]++
	if group.Dataset.Name == dataset {
		x := heldSeed{seed: seed}
		_, err = hex.Decode(x.run[:], []byte(run.Run))
		group.seeds = append(group.seeds, x)
	}
	return err
}

// foreign says why a run cannot be what the catalogue asks for.
func foreign(s bench.Stored, catalogue *bench.Catalogue, methods map[string]bool) string {
	switch {
	case s.Scheme != bench.KeyScheme:
		return fmt.Sprintf("keys of scheme %d, and this program reads and writes scheme %d", s.Scheme, bench.KeyScheme)
	case s.IsAnalysis(), s.IsPlan():
	case catalogue.Dataset(s.Dataset.Name) == nil:
		return fmt.Sprintf("data set %q, which this program does not know", s.Dataset.Name)
	case !methods[s.Training.Method.Name]:
		return fmt.Sprintf("method %q, which no tier of this program trains by", s.Training.Method.Name)
	}
	return ""
}

// notes are sentences about what cannot be judged here.
func (h *held) notes() (all []string) {
	for _, what := range slices.Sorted(maps.Keys(h.foreign)) {
		all = append(all, fmt.Sprintf("The registry also holds runs of %s (%s). They are left as they are: the program that made them judges them.", what, h.foreign[what]))
	}
	return all
}

// A version is what computed some of a registry's runs: a version of the tier's method, on a backend.
type version bench.Environment

func (v version) String() string { return fmt.Sprintf("v%d on backend %s", v.Method, v.Backend) }

// is says whether a selector names the version: "v1", a backend, or both with a comma between.
func (v version) is(selector string) bool {
	for part := range strings.SplitSeq(selector, ",") {
		if part != v.Backend && part != fmt.Sprintf("v%d", v.Method) {
			return false
		}
	}
	return true
}

// versions are those of the trainings of a tier's method on its data set.
func (h *held) versions(t *bench.Tier) map[version]commits {
	found := map[version]commits{}
	for _, g := range h.groups {
		if g.foreign == "" && g.Training.Features == bench.Trained && g.Dataset.Name == t.Dataset && g.Training.Method.Name == t.Train.ID().Name {
			v := version{Backend: g.Backend, Method: g.Training.Method.Version}
			if found[v] == nil {
				found[v] = commits{}
			}
			found[v].add(g.commits)
		}
	}
	return found
}

// backends are the kinds of those of the tier's trainings that are this program's own.
func (h *held) backends(t *bench.Tier) (kinds []string) {
	for v := range h.versions(t) {
		if v.Method == t.Train.ID().Version {
			kinds = append(kinds, v.Backend)
		}
	}
	return kinds
}

// adopt takes the runs of another version or backend where the registry has none of this program's own: a registry
// can be judged anywhere. With a selector it takes what that names.
func (h *held) adopt(t *bench.Tier, own version, selector string) (version, error) {
	found := h.versions(t)
	if found[own] != nil && selector == "" {
		return own, nil // this program's own runs need no choosing
	}
	all := slices.SortedFunc(maps.Keys(found), func(a, b version) int {
		return cmp.Or(cmp.Compare(a.Backend, b.Backend), cmp.Compare(a.Method, b.Method))
	})
	matching := slices.DeleteFunc(slices.Clone(all), func(v version) bool { return selector != "" && !v.is(selector) })
	switch {
	case len(matching) == 1:
		return matching[0], nil
	case len(found) == 0 && selector == "":
		return own, nil
	}
	var names []string
	for _, v := range all {
		names = append(names, fmt.Sprintf("%s %s (%s)", t.Train.ID().Name, v, found[v]))
	}
	if len(names) == 0 {
		names = []string{"none of this tier"}
	}
	return own, UsageError{fmt.Errorf("choose one version of the runs with --runs (or @ when comparing), such as v1,go; there are: %s", strings.Join(names, "; "))}
}

// heldSeeds is the number of seeds, counted from 0, that may have been explored. Those of a plan are none of them.
func (s *Study) heldSeeds() (seeds int) {
	plan := s.catalogue.Plan(s.tier.ID)
	for _, g := range s.held.groups {
		if g.foreign != "" || g.Training.Method.Version != s.env.Method || g.Backend != s.env.Backend || g.Dataset.Name != s.tier.Dataset {
			continue
		}
		for _, x := range g.seeds {
			if plan == nil || x.seed < plan.FirstSeed {
				seeds = max(seeds, int(x.seed)+1)
			}
		}
	}
	return seeds
}

// has says whether the run of a cell is there.
func (h *held) has(cell bench.Cell) bool { return h.runs.Has(cell.Spec.ID()) }

// near finds for a cell that was not run the run that is nearest to it: of the same data set, features, rules and
// seed, not asked for by any other cell, and with the fewest differences. None: ok is false.
func (h *held) near(cell bench.Cell, asked map[string]bool) (run string, differences []bench.Difference, ok bool) {
	want := cell.Spec
	key := want.Key()
	stored, err := bench.ReadKey(key)
	if err != nil {
		panic(err) // this program's own
	}
	foreign := false
	for _, g := range h.groups {
		have, there := g.bySeed(want.Seed)
		same := there && g.Dataset.Name == want.Dataset.Name && g.Training.Features == want.Training.Features &&
			len(bench.Differences(g.Training.Rules, stored.Training.Rules)) == 0
		if !same || asked[have] {
			continue
		}
		d := bench.Differences(g.key(want.Seed), key)
		nearer := cmp.Or(cmp.Compare(len(d), len(differences)), compareBool(g.foreign != "", foreign), strings.Compare(have, run)) < 0
		if !ok || nearer {
			run, differences, foreign, ok = have, d, g.foreign != "", true
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
