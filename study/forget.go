package study

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

// Forgetting is a run that is to be forgotten, and what keeps it.
type Forgetting struct {
	Run    string          `json:"run"`
	Status registry.Status `json:"status,omitempty"` // none: it is not finished
	// CitedBy says what would no longer stand on its own: plans, analyses, signatures and evidence.
	CitedBy []string `json:"citedBy"`
}

// Forget deletes the runs whose ids begin with one of some prefixes, and with failed all failed ones; without remove
// it only looks. A run is kept that a plan or analysis rests on which is not forgotten with it, that somebody has
// signed, or that is in one of the evidence registries, which are what reports were saved with: then nothing is
// deleted, and the error is a UsageError. Nor is anything where a manifest cannot be read, so that nobody knows what it
// rests on: ErrCorrupt, beside what was looked at. Other errors: NothingError if no run is selected.
func Forget(ctx context.Context, reg *registry.Registry, prefixes []string, failed bool, evidence []*registry.Registry, remove bool) ([]Forgetting, error) {
	for _, prefix := range prefixes {
		if err := checkPrefix(prefix); err != nil {
			return nil, err
		}
	}
	var chosen []Forgetting
	cited := map[string][]string{} // by what, by run
	by := map[string]string{}      // the run of what cites
	var damage error
	for m, err := range reg.Manifests(ctx) {
		if errors.Is(err, registry.ErrCorrupt) {
			damage = errors.Join(damage, fmt.Errorf("run %s: what it rests on is not known, so that none is forgotten before registry repair: %w", m.Run, err))
			continue
		} else if err != nil {
			return nil, err
		}
		if failed && m.Status == registry.Failed || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(m.Run, p) }) {
			chosen = append(chosen, Forgetting{Run: m.Run, Status: m.Status})
		}
		stored, err := bench.ReadKey(m.Key)
		if err != nil {
			continue
		}
		name := store.Printable(stored.Kind) + " " + m.Run
		by[name] = m.Run
		for _, run := range stored.Cites() {
			cited[run] = append(cited[run], name)
		}
	}
	for _, prefix := range prefixes { // an unfinished run is named in full
		if !slices.ContainsFunc(chosen, func(f Forgetting) bool { return strings.HasPrefix(f.Run, prefix) }) {
			for _, err := range reg.Events(ctx, prefix) {
				if err != nil && !errors.Is(err, registry.ErrCorrupt) {
					return nil, NothingError("no run of the registry has an id that begins with " + prefix)
				}
				chosen = append(chosen, Forgetting{Run: prefix})
				break
			}
		}
	}
	for _, source := range evidence {
		for run, err := range source.Runs(ctx) {
			if err != nil {
				return nil, err
			}
			cited[run] = append(cited[run], "evidence "+source.String())
		}
	}
	kept := 0
	for i := range chosen {
		f := &chosen[i]
		f.CitedBy = slices.DeleteFunc(append([]string{}, cited[f.Run]...), func(name string) bool {
			return slices.ContainsFunc(chosen, func(other Forgetting) bool { return other.Run == by[name] })
		})
		signers, err := reg.Signers(ctx, f.Run)
		if err != nil {
			return nil, err
		}
		for _, key := range signers {
			f.CitedBy = append(f.CitedBy, "signature by key "+key)
		}
		if len(f.CitedBy) > 0 {
			kept++
		}
	}
	switch {
	case len(chosen) == 0:
		return nil, NothingError("no run of the registry is selected")
	case damage != nil || !remove:
		return chosen, damage
	case kept > 0:
		return chosen, UsageError{fmt.Errorf("%d of these %d runs are cited, so that none is forgotten: leave those out, or forget what cites them with them", kept, len(chosen))}
	}
	for _, f := range chosen {
		if err := reg.Forget(ctx, f.Run); err != nil {
			return nil, err
		}
	}
	return chosen, nil
}
