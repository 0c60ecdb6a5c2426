package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// provenancePairs lists where the runs of two reports come from, whether it differs or not.
func provenancePairs(a, b *model.Report) (pairs []ProvenancePair) {
	for _, fact := range []struct {
		name string
		of   func(*model.Report) []string
	}{
		{"Evidence digest", func(r *model.Report) []string { return []string{string(r.Provenance.Evidence)} }},
		{"Code digest", func(r *model.Report) []string { return digests(r, false) }},
		{"Code digest of analyses", func(r *model.Report) []string { return digests(r, true) }},
		{"Commit", func(r *model.Report) []string {
			return distinct(r.Provenance.Sources, func(c model.Commit) string {
				if c.Dirty {
					return words.OrNone(c.Commit) + ", source changed since"
				}
				return words.OrNone(c.Commit)
			})
		}},
		{"Tool", func(r *model.Report) []string {
			return distinct(r.Provenance.Sources, func(c model.Commit) string { return c.Tool })
		}},
		{"Machine", func(r *model.Report) []string {
			return distinct(r.Provenance.Machines, func(m model.Machine) string {
				return fmt.Sprintf("%s, %s, %s/%s", words.Processor(m.CPU), words.Count(m.Cores, "core"), m.OS, m.Arch)
			})
		}},
		{"Go", func(r *model.Report) []string {
			return distinct(r.Provenance.Machines, func(m model.Machine) string { return m.Go })
		}},
		{"Backend", func(r *model.Report) []string {
			return distinct(r.Provenance.Machines, func(m model.Machine) string { return m.Backend })
		}},
		{"Seeds complete", func(r *model.Report) []string {
			var seeds []uint64
			for at := range rows(r) {
				seeds = append(seeds, at.seed)
			}
			slices.Sort(seeds)
			return distinct(slices.Compact(seeds), func(seed uint64) string { return fmt.Sprint(seed) })
		}},
	} {
		left, right := fact.of(a), fact.of(b)
		pairs = append(pairs, ProvenancePair{Name: fact.name, A: left, B: right, Same: slices.Equal(left, right)})
	}
	return pairs
}

// digests lists the code that computed runs or, instead, analyses.
func digests(r *model.Report, analyses bool) (all []string) {
	for _, c := range r.Provenance.Code {
		if c.Analyses == analyses {
			all = append(all, c.Digest)
		}
	}
	return all
}

// distinct spells each of the elements once, in their order.
func distinct[T any](all []T, spell func(T) string) []string {
	out := []string{}
	for _, x := range all {
		if s := spell(x); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// cellKey is where a cell stands in the matrix.
type cellKey struct {
	arm         string
	temperature float64
	seed        uint64
}

// rows yields the complete cells of a report by their place in the matrix.
func rows(r *model.Report) map[cellKey]model.RunRow {
	all := map[cellKey]model.RunRow{}
	for _, arm := range r.Arms {
		for _, row := range arm.Runs {
			if row.Status == model.Complete {
				all[cellKey{arm.ID, arm.Temperature, row.Seed}] = row
			}
		}
	}
	return all
}

// onlyIn lists what a report has and the other lacks.
func onlyIn(r, other *model.Report) []string {
	out := []string{}
	has := rows(other)
	for _, arm := range r.Arms {
		var seeds []string
		for _, row := range arm.Runs {
			if _, both := has[cellKey{arm.ID, arm.Temperature, row.Seed}]; row.Status == model.Complete && !both {
				seeds = append(seeds, fmt.Sprint(row.Seed))
			}
		}
		if len(seeds) > 0 {
			out = append(out, fmt.Sprintf("runs of %s at temperature %g, seeds %s", arm.ID, arm.Temperature, strings.Join(seeds, ", ")))
		}
	}
	for _, x := range r.Analyses {
		same := func(y model.Analysis) bool {
			return y.Arm == x.Arm && y.Temperature == x.Temperature && y.Step == x.Step
		}
		if !slices.ContainsFunc(other.Analyses, same) {
			out = append(out, fmt.Sprintf("analyses of %s at temperature %g after step %d", x.Arm, x.Temperature, x.Step))
		}
	}
	for _, x := range r.Sweeps {
		if !slices.ContainsFunc(other.Sweeps, func(y model.Sweep) bool { return y.ID == x.ID }) {
			out = append(out, fmt.Sprintf("the sweep %s", x.ID))
		}
	}
	return out
}
