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

// A version is what computed some of a registry's runs: a state of the code, on a backend.
type version struct {
	backend, code string
}

// holding is what a registry holds of a version.
type holding struct {
	version
	runs     int
	commits  map[string]bool // that the runs were made from
	analyses map[string]int  // by the code that made them
}

// holdings looks through the registry for runs on a data set, by version.
func holdings(ctx context.Context, reg *registry.Registry, data string) ([]*holding, error) {
	found, ranBy, analysed := map[version]*holding{}, map[string]*holding{}, map[string][]string{}
	for m, err := range reg.Manifests(ctx) {
		if err != nil {
			return nil, err
		}
		var a bench.AnalysisSpec
		if json.Unmarshal(m.Key, &a) == nil && a.Run != "" {
			analysed[a.Run] = append(analysed[a.Run], a.Code)
			continue
		}
		var spec bench.Spec
		if json.Unmarshal(m.Key, &spec) != nil || spec.Dataset.Name != data {
			continue
		}
		v := version{backend: spec.Backend, code: spec.Code}
		if found[v] == nil {
			found[v] = &holding{version: v, commits: map[string]bool{}, analyses: map[string]int{}}
		}
		found[v].runs++
		found[v].commits[m.Provenance.Commit] = true
		ranBy[m.Run] = found[v]
	}
	for run, codes := range analysed {
		if h := ranBy[run]; h != nil {
			for _, code := range codes {
				h.analyses[code]++
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b *holding) int {
		return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.backend, b.backend))
	}), nil
}

func (h *holding) String() string {
	commits := slices.DeleteFunc(slices.Sorted(maps.Keys(h.commits)), func(c string) bool { return c == "" })
	from := ""
	if len(commits) > 0 {
		from = ", commit " + strings.Join(commits, ", ")
	}
	return fmt.Sprintf("%s (%s, %d runs%s)", h.code, h.backend, h.runs, from)
}

// is says whether a selector names the version: the start of a code digest or of a commit, a backend, or
// several of these with commas between, all of which must hold.
func (h *holding) is(selector string) bool {
	for part := range strings.SplitSeq(selector, ",") {
		commit := func(c string) bool { return strings.HasPrefix(c, part) }
		digest := strings.HasPrefix(h.code, part) || strings.HasPrefix(strings.TrimPrefix(h.code, "sha256:"), part)
		if !digest && part != h.backend && !slices.ContainsFunc(slices.Collect(maps.Keys(h.commits)), commit) {
			return false
		}
	}
	return true
}

// analysis is the code of the analyses to judge by: this program's if there are any, else that of most.
func (h *holding) analysis(own string) string {
	if h.analyses[own] > 0 || len(h.analyses) == 0 {
		return own
	}
	return slices.MinFunc(slices.Collect(maps.Keys(h.analyses)), func(a, b string) int {
		return cmp.Or(h.analyses[b]-h.analyses[a], cmp.Compare(a, b))
	})
}

// adopt looks for runs on a data set by another version of the code, or another backend, when the registry has
// none of this program's own: a registry can be judged anywhere. With a selector it takes what that names.
func adopt(ctx context.Context, reg *registry.Registry, data string, own bench.Environment, selector string) (bench.Environment, error) {
	held, err := holdings(ctx, reg, data)
	if err != nil {
		return own, err
	}
	ours := version{backend: own.Backend, code: own.Code}
	matching := slices.DeleteFunc(slices.Clone(held), func(h *holding) bool { return selector != "" && !h.is(selector) })
	if i := slices.IndexFunc(matching, func(h *holding) bool { return h.version == ours }); i >= 0 && selector == "" {
		matching = matching[i : i+1] // this program's own runs need no choosing
	}
	switch {
	case len(held) == 0:
		return own, nil
	case len(matching) != 1:
		var names []string
		for _, h := range held {
			names = append(names, h.String())
		}
		return own, UsageError{fmt.Errorf("%s holds runs of %d versions of the code; choose one with --code (or @ when comparing): %s", reg, len(held), strings.Join(names, "; "))}
	}
	h := matching[0]
	return bench.Environment{Backend: h.backend, Code: h.code, Analysis: h.analysis(own.Analysis)}, nil
}

// storedSeeds is the number of seeds, counted from 0, of which the registry may hold runs of an environment.
func storedSeeds(ctx context.Context, reg *registry.Registry, data string, env bench.Environment) (seeds int, err error) {
	for m, err := range reg.Manifests(ctx) {
		if err != nil {
			return 0, err
		}
		var spec bench.Spec
		if json.Unmarshal(m.Key, &spec) == nil && spec.Backend == env.Backend && spec.Code == env.Code && spec.Dataset.Name == data {
			seeds = max(seeds, int(spec.Seed)+1)
		}
	}
	return seeds, nil
}
