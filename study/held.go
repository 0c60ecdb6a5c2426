package study

import (
	"cmp"
	"context"
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
// whatever the catalogue asks for.
type held struct {
	all      []*registry.Summary          // of what can be read
	finished map[string]*registry.Summary // trainings and floors that this program keys as it does, by id
	others   map[string]bool              // runs that are begun, most likely, or damaged
	groups   []*heldGroup
	foreign  map[string]commits // how many cannot be what the catalogue asks for, by the reason
}

// A heldGroup is runs whose keys differ in the seed alone.
type heldGroup struct {
	bench.Stored        // but for the seed
	foreign      string // why its runs cannot be what the catalogue asks for; empty if they can
	commits      commits
	bySeed       map[uint64]*registry.Summary
}

// commits are those that made some runs: one for each run, empty where it is not known.
type commits []string

// String reads like "12 runs, commit a4c86a9".
func (c commits) String() string {
	text := fmt.Sprintf("%d runs", len(c))
	known := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(c))), func(commit string) bool { return commit == "" })
	if len(known) > 0 {
		text += ", commit " + strings.Join(known, ", ")
	}
	return text
}

// hold looks at all that a registry holds. A damaged run is said and passed over: whoever asks for it is told again.
func hold(ctx context.Context, reg *registry.Registry, catalogue *bench.Catalogue, say func(string)) (*held, error) {
	o, err := reg.Overview(ctx)
	if err != nil {
		return nil, err
	}
	h := &held{finished: map[string]*registry.Summary{}, others: o.Others, foreign: map[string]commits{}}
	methods := map[string]bool{"": true, "untrained": true}
	for _, t := range catalogue.Tiers {
		methods[t.Train.ID().Name] = true
	}
	groups := map[*registry.Family]*heldGroup{}
	for _, run := range o.Finished {
		if err = run.Err; err == nil {
			err = h.add(run, groups, catalogue, methods)
		}
		if err != nil {
			h.others[run.Run] = true // whoever asks for it reads it again
			say(store.Printable(fmt.Sprintf("run %s is left out: %v", run.Run, err)))
			continue
		}
		h.all = append(h.all, run)
	}
	return h, nil
}

// add sorts a run into its group. Keys are read once for each group, if only the seed differs.
func (h *held) add(run *registry.Summary, groups map[*registry.Family]*heldGroup, catalogue *bench.Catalogue, methods map[string]bool) error {
	text, onlySeed := run.Member("seed")
	seed, err := strconv.ParseUint(text, 10, 64)
	group := groups[run.Family]
	if group == nil || group.IsRun() && (!onlySeed || err != nil) {
		stored, err := bench.ReadKey(run.Key())
		if err != nil {
			return err
		}
		group = &heldGroup{Stored: stored, bySeed: map[uint64]*registry.Summary{}}
		group.foreign = foreign(stored, catalogue, methods)
		if onlySeed && seed == stored.Seed || !stored.IsRun() {
			groups[run.Family] = group
		}
		seed = stored.Seed
		h.groups = append(h.groups, group)
	}
	if group.foreign != "" {
		h.foreign[group.foreign] = append(h.foreign[group.foreign], run.Commit)
	}
	if !group.IsRun() {
		return nil
	}
	group.bySeed[seed] = run
	group.commits = append(group.commits, run.Commit)
	if group.foreign == "" {
		h.finished[run.Run] = run
	}
	return nil
}

// foreign says why a run cannot be what the catalogue asks for.
func foreign(s bench.Stored, catalogue *bench.Catalogue, methods map[string]bool) string {
	switch {
	case s.Scheme != bench.KeyScheme:
		return fmt.Sprintf("keys of scheme %d, and this program reads and writes scheme %d", s.Scheme, bench.KeyScheme)
	case !s.IsRun():
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
			found[v] = append(found[v], g.commits...)
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

// heldSeeds is the number of seeds, counted from 0, that may have been explored. Those of plans and nights are none of them.
func (s *Study) heldSeeds() (seeds int) {
	plan := s.catalogue.Plan(s.tier.ID)
	for _, g := range s.held.groups {
		if g.foreign != "" || g.Training.Method.Version != s.env.Method || g.Backend != s.env.Backend || g.Dataset.Name != s.tier.Dataset {
			continue
		}
		for seed := range g.bySeed {
			if seed < bench.FirstNightSeed && (plan == nil || seed < plan.FirstSeed) {
				seeds = max(seeds, int(seed)+1)
			}
		}
	}
	return seeds
}

// has says whether the run of a cell is there.
func (h *held) has(cell bench.Cell) bool { return h.finished[cell.Spec.ID()] != nil }

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
		have := g.bySeed[want.Seed]
		same := have != nil && g.Dataset.Name == want.Dataset.Name && g.Training.Features == want.Training.Features &&
			len(bench.Differences(g.Training.Rules, stored.Training.Rules)) == 0
		if !same || asked[have.Run] {
			continue
		}
		d := bench.Differences(have.Key(), key)
		nearer := cmp.Or(cmp.Compare(len(d), len(differences)), compareBool(g.foreign != "", foreign), strings.Compare(have.Run, run)) < 0
		if !ok || nearer {
			run, differences, foreign, ok = have.Run, d, g.foreign != "", true
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
