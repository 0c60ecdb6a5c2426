package study

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
)

// held is what a registry holds, by one walk through its manifests. Judging starts from it: what a key says is what
// was computed, whatever the catalogue asks for.
type held struct {
	runs []heldRun       // trainings and floors, keyed as this program keys them
	ids  map[string]bool // of those
	// others cannot be what the catalogue asks for: foreign says of how many why.
	others  []heldRun
	foreign map[string]commits
}

type heldRun struct {
	bench.Stored
	id     string
	key    json.RawMessage
	commit string
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

// hold reads the manifests; after an error, what it had read is there.
func hold(ctx context.Context, reg *registry.Registry, catalogue *bench.Catalogue) (*held, error) {
	h := &held{ids: map[string]bool{}, foreign: map[string]commits{}}
	methods := map[string]bool{"": true, "untrained": true}
	for _, t := range catalogue.Tiers {
		methods[t.Train.ID().Name] = true
	}
	for m, err := range reg.Manifests(ctx) {
		if err != nil {
			return h, err
		}
		run := heldRun{id: m.Run, key: m.Key, commit: m.Provenance.Commit}
		if run.Stored, err = bench.ReadKey(m.Key); err != nil {
			return h, fmt.Errorf("%w: run %s: %w", registry.ErrCorrupt, m.Run, err)
		}
		foreign := ""
		switch {
		case run.Scheme != bench.KeyScheme:
			foreign = fmt.Sprintf("keys of scheme %d, and this program reads and writes scheme %d", run.Scheme, bench.KeyScheme)
		case run.IsAnalysis(), run.IsPlan():
			continue
		case catalogue.Dataset(run.Dataset.Name) == nil:
			foreign = fmt.Sprintf("data set %q, which this program does not know", run.Dataset.Name)
		case !methods[run.Training.Method.Name]:
			foreign = fmt.Sprintf("method %q, which no tier of this program trains by", run.Training.Method.Name)
		}
		if foreign == "" {
			h.runs, h.ids[run.id] = append(h.runs, run), true
			continue
		}
		h.foreign[foreign] = append(h.foreign[foreign], run.commit)
		if !run.IsAnalysis() && !run.IsPlan() {
			h.others = append(h.others, run)
		}
	}
	return h, nil
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
	for _, run := range h.runs {
		if run.Training.Features == bench.Trained && run.Dataset.Name == t.Dataset && run.Training.Method.Name == t.Train.ID().Name {
			v := version{Backend: run.Backend, Method: run.Training.Method.Version}
			found[v] = append(found[v], run.commit)
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
	for _, run := range s.held.runs {
		explored := plan == nil || run.Seed < plan.FirstSeed
		if explored && run.Training.Method.Version == s.env.Method && run.Backend == s.env.Backend && run.Dataset.Name == s.tier.Dataset {
			seeds = max(seeds, int(run.Seed)+1)
		}
	}
	return seeds
}

// has says whether the run of a cell is there.
func (h *held) has(cell bench.Cell) bool { return h.ids[cell.Spec.ID()] }

// near finds for a cell that was not run the run that is nearest to it: of the same data set, features, rules and
// seed, not asked for by any other cell, and with the fewest differences. None: ok is false.
func (h *held) near(cell bench.Cell, asked map[string]bool) (run string, differences []bench.Difference, ok bool) {
	want := cell.Spec
	key := want.Key()
	stored, err := bench.ReadKey(key)
	if err != nil {
		panic(err) // this program's own
	}
	for _, have := range slices.Concat(h.runs, h.others) {
		same := have.Dataset.Name == want.Dataset.Name && have.Seed == want.Seed && have.Training.Features == want.Training.Features &&
			len(bench.Differences(have.Training.Rules, stored.Training.Rules)) == 0
		if !same || asked[have.id] {
			continue
		}
		if d := bench.Differences(have.key, key); !ok || len(d) < len(differences) {
			run, differences, ok = have.id, d, true
		}
	}
	// What makes a key unreadable comes first.
	slices.SortStableFunc(differences, func(a, b bench.Difference) int {
		return strings.Compare(strings.TrimPrefix(a.Path, "scheme"), strings.TrimPrefix(b.Path, "scheme"))
	})
	return run, differences, ok
}
