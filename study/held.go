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
// whatever the catalogue asks for. Of single runs nothing is kept but what the overview does, since there may be very many.
type held struct {
	runs     *registry.Overview
	others   map[string]bool     // runs that are begun, most likely, or damaged
	foreign  map[string]commits  // how many cannot be what the catalogue asks for, by the reason
	versions map[version]commits // of the trainings of the tier's method on its data set
	seeds    map[version]int     // of that data set: one more than the highest seed that may have been explored
}

// A kind is what the key of a run says that others share.
type kind struct {
	version version
	foreign string  // why its runs cannot be what the catalogue asks for; empty if they can
	commits commits // of the tier's runs, by version
	own     bool    // of the tier's data set
}

// kinds knows T of families of runs, by their keys.
type kinds[T any] struct {
	known map[*registry.Family]T
	read  func(*registry.Summary, bench.Stored) T
}

// of reads the key of a run, once for each family if only the seed differs.
func (k kinds[T]) of(run *registry.Summary) (T, uint64, error) {
	text, onlySeed := run.Member("seed")
	seed, err := strconv.ParseUint(text, 10, 64)
	if known, ok := k.known[run.Family]; ok && (!onlySeed || err == nil) {
		return known, seed, nil
	}
	stored, err := bench.ReadKey(run.Key())
	if err != nil {
		var none T
		return none, 0, err
	}
	it := k.read(run, stored)
	if onlySeed && seed == stored.Seed || !stored.IsRun() {
		k.known[run.Family] = it
	}
	return it, stored.Seed, nil
}

// commits are how many runs there are of those that made them; of the empty one where that is not known.
type commits map[string]int

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
		text += ", commit " + store.Printable(strings.Join(known, ", "))
	}
	return text
}

// hold looks at all that a registry holds, to judge a tier. A damaged run is said and passed over: whoever asks for it is
// told again.
func hold(ctx context.Context, reg *registry.Registry, catalogue *bench.Catalogue, tier *bench.Tier, say func(string)) (*held, error) {
	h := &held{foreign: map[string]commits{}, versions: map[version]commits{}, seeds: map[version]int{}}
	plan := catalogue.Plan(tier.ID)
	methods := methodsOf(catalogue)
	all := kinds[*kind]{map[*registry.Family]*kind{}, func(_ *registry.Summary, s bench.Stored) *kind {
		k := &kind{
			version: version{Backend: s.Backend, Method: s.Training.Method.Version}, foreign: foreign(s, catalogue, methods),
			own: s.IsRun() && s.Dataset.Name == tier.Dataset,
		}
		switch {
		case k.foreign != "":
			k.commits = of(h.foreign, k.foreign)
		case k.own && s.Training.Features == bench.Trained && s.Training.Method.Name == tier.Train.ID().Name:
			k.commits = of(h.versions, k.version)
		}
		return k
	}}
	damaged := map[string]error{}
	var err error
	h.runs, err = reg.Overview(ctx, func(run *registry.Summary) bool {
		if run.Err != nil {
			damaged[run.Run] = run.Err
			return false
		}
		k, seed, err := all.of(run)
		if err != nil {
			damaged[run.Run] = err
			return false
		}
		if k.commits != nil {
			k.commits[run.Commit]++
		}
		if k.own && k.foreign == "" && seed < bench.FirstNightSeed && (plan == nil || seed < plan.FirstSeed) {
			h.seeds[k.version] = max(h.seeds[k.version], int(seed)+1)
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
	return h, nil
}

// of are the commits under a key, which are there from then on.
func of[K comparable](all map[K]commits, key K) commits {
	if all[key] == nil {
		all[key] = commits{}
	}
	return all[key]
}

// methodsOf are the names of the methods that a catalogue's tiers train by.
func methodsOf(catalogue *bench.Catalogue) map[string]bool {
	methods := map[string]bool{"": true, "untrained": true}
	for _, t := range catalogue.Tiers {
		methods[t.Train.ID().Name] = true
	}
	return methods
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

func (v version) String() string {
	return fmt.Sprintf("v%d on backend %s", v.Method, store.Printable(v.Backend))
}

// is says whether a selector names the version: "v1", a backend, or both with a comma between.
func (v version) is(selector string) bool {
	for part := range strings.SplitSeq(selector, ",") {
		if part != v.Backend && part != fmt.Sprintf("v%d", v.Method) {
			return false
		}
	}
	return true
}

// backends are the kinds of those of the tier's trainings that are this program's own.
func (h *held) backends(t *bench.Tier) (kinds []string) {
	for v := range h.versions {
		if v.Method == t.Train.ID().Version {
			kinds = append(kinds, v.Backend)
		}
	}
	return kinds
}

// adopt takes the runs of another version or backend where the registry has none of this program's own: a registry
// can be judged anywhere. With a selector it takes what that names.
func (h *held) adopt(t *bench.Tier, own version, selector string) (version, error) {
	found := h.versions
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
func (s *Study) heldSeeds() int { return s.held.seeds[version(s.env)] }

// has says whether the run of a cell is there.
func (h *held) has(cell bench.Cell) bool { return h.runs.Has(cell.Spec.ID()) }
