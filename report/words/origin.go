package words

import (
	"slices"

	"github.com/cidbench/cidbench/report/model"
)

// Origin is a fact about where runs come from. It has several values where runs differ in it.
type Origin struct {
	Name   string
	Values []string
}

// Origins are the facts of a provenance that two sets of runs may differ in, always the same ones in the same order.
func Origins(p model.Provenance) []Origin {
	digests := func(analyses bool) []string {
		code := slices.DeleteFunc(slices.Clone(p.Code), func(c model.Code) bool { return c.Analyses != analyses })
		return Distinct(code, func(c model.Code) string { return c.Digest })
	}
	return []Origin{
		{"Code digest", digests(false)},
		{"Code digest of analyses", digests(true)},
		{"Commit", Distinct(p.Sources, Commit)},
		{"Tool", Distinct(p.Sources, func(c model.Commit) string { return c.Tool })},
		{"Machine", Distinct(p.Machines, Machine)},
		{"Go", Distinct(p.Machines, func(m model.Machine) string { return m.Go })},
		{"Backend", Distinct(p.Machines, func(m model.Machine) string { return m.Backend })},
	}
}

// Distinct spells each of the elements once, in their order.
func Distinct[T any](all []T, spell func(T) string) []string {
	out := []string{}
	for _, x := range all {
		if s := spell(x); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
