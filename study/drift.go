package study

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/drift"
	"github.com/cidbench/cidbench/report/judge"
)

// KeepNight judges the runs of the night that was opened, and keeps what was found in the registry, once and for all.
// Errors: NothingError if a run or analysis is missing, and UsageError if the night is kept already with other runs.
func (s *Study) KeepNight(ctx context.Context) error {
	night := s.opts.Night
	if night == (bench.Night{}) {
		return UsageError{errors.New("--night must name the night to keep")}
	}
	if len(s.opts.Claims) > 0 {
		return UsageError{errors.New("a night is kept with all its claims: leave out --claim")}
	}
	r, in, err := s.Report(ctx)
	if err == nil {
		err = s.Damage()
	}
	if err != nil {
		return err
	}
	due, err := bench.Analyses(ctx, s.held.runs.Run, s.observed(in.Cells), s.tier.Analysis, s.source.Tree(), s.env)
	if err != nil {
		return err
	}
	ids := slices.Collect(maps.Keys(in.Runs))
	missing := r.Tier.RunsMissing
	for _, a := range slices.DeleteFunc(due, s.unasked) {
		if ids = append(ids, a.Spec.ID()); !slices.ContainsFunc(in.Analyses, func(x judge.AnalysisRun) bool { return x.Spec.ID() == a.Spec.ID() }) {
			missing++
		}
	}
	if missing > 0 {
		return NothingError(fmt.Sprintf("the night %s is not whole: %d of its runs and analyses are missing; `%s run --tier %s%s --seeds %d` makes them",
			night, missing, s.opts.Program, s.tier.ID, night.Flags(), s.seeds))
	}
	slices.Sort(ids)
	spec := s.tier.NightSpec(night, ids)
	kept, err := nights(ctx, s.reg, s.tier.ID)
	if kept == nil { // what cannot be read keeps no other night from being kept
		return err
	}
	for id, n := range kept {
		if n.Night == night && id != spec.ID() {
			return UsageError{fmt.Errorf("the night %s is kept already, with other runs than these: name this one %s.2", night, night.Name)}
		}
	}
	reg, err := OpenRegistry(ctx, s.opts.Store, s.opts.Base, Write)
	if err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	runner := &bench.Runner{Registry: reg, Backend: backend.Backend{Kind: "go"}, Command: s.opts.Command} // judging needs no plugin
	return runner.KeepNight(ctx, spec, drift.Of(night, r, bench.Data{Name: s.source.Name, Digest: s.source.Digest}))
}

// nights are those of a tier that a registry holds, by the id of their records. Beside them, the error is the ErrCorrupt of
// those that cannot be read.
func nights(ctx context.Context, reg *registry.Registry, tier string) (map[string]drift.Night, error) {
	other := map[*registry.Family]bool{} // trainings are many, and of few families
	o, err := reg.Overview(ctx, func(x *registry.Summary) bool {
		if x.Err != nil || other[x.Family] {
			return x.Err != nil
		}
		stored, err := bench.ReadKey(x.Key())
		other[x.Family] = err != nil || !stored.IsNight() || stored.Tier != tier
		return !other[x.Family]
	})
	if err != nil {
		return nil, err
	}
	found, damaged := map[string]drift.Night{}, []error{}
	for _, x := range o.Finished {
		if x.Err != nil {
			damaged = append(damaged, x.Err)
			continue
		}
		m, _, err := o.Run(ctx, x.Run)
		var night drift.Night
		if err == nil {
			if err = json.Unmarshal(m.Result, &night); err != nil {
				err = fmt.Errorf("%w: night %s: %w", registry.ErrCorrupt, x.Run, err)
			}
		}
		switch {
		case errors.Is(err, registry.ErrCorrupt):
			damaged = append(damaged, err)
		case err != nil:
			return nil, err
		default:
			found[x.Run] = night
		}
	}
	return found, errors.Join(damaged...)
}

// Drift sets the nights of a tier that a registry holds one after another. Of the options it needs Store, Base, Program and
// Tier. Errors: UsageError; NothingError if there is no night; beside nights, the ErrCorrupt of runs that cannot be read, any
// of which may be one; those of package registry.
func Drift(ctx context.Context, catalogue *bench.Catalogue, o Options) (*drift.Drift, error) {
	if catalogue.Tier(o.Tier) == nil {
		return nil, UsageError{bench.Unknown("tier", o.Tier, TierIDs(catalogue))}
	}
	reg, err := OpenRegistry(ctx, o.Store, o.Base, Read)
	if err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	kept, damage := nights(ctx, reg, o.Tier)
	if kept == nil {
		return nil, damage
	}
	all := slices.SortedFunc(maps.Values(kept), func(a, b drift.Night) int { return cmp.Compare(a.String(), b.String()) })
	if !slices.ContainsFunc(all, func(n drift.Night) bool { return !n.Control }) {
		nothing := NothingError(fmt.Sprintf("the registry holds no night of tier %[1]s: `%[2]s run --tier %[1]s --night DATE` trains one, and `%[2]s drift --tier %[1]s --night DATE` keeps it", o.Tier, o.Program))
		return nil, cmp.Or(damage, error(nothing))
	}
	d, err := drift.Follow(o.Tier, all)
	if err != nil {
		return nil, err
	}
	return d, damage
}
