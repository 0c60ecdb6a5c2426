package registry

import (
	"context"
	"maps"
	"strings"
)

// Stages are how far runs are, by what is there of them and not by what that says: those with a manifest, and those
// that somebody took a lease of, be it held, given back or left behind.
type Stages struct {
	Finished, Leased map[string]bool
}

// Stages lists what there is of all runs: one request to a bucket for a thousand objects, and none for each run.
// Errors: ErrUnavailable.
func (r *Registry) Stages(ctx context.Context) (Stages, error) {
	if r.base != nil {
		above, err := r.top.Stages(ctx)
		if err != nil {
			return Stages{}, err
		}
		below, err := r.base.Stages(ctx)
		if err != nil {
			return Stages{}, err
		}
		maps.Copy(above.Finished, below.Finished)
		return above, nil
	}
	s := Stages{Finished: make(map[string]bool), Leased: make(map[string]bool)}
	for info, err := range r.store.List(ctx, runPrefix) {
		if err != nil {
			return Stages{}, err
		}
		run, _, _ := strings.Cut(strings.TrimPrefix(info.Key, runPrefix), "/")
		switch info.Key { // parseKey takes long for a million keys
		case manifestKey(run):
			s.Finished[run] = true
		case leaseKey(run):
			s.Leased[run] = true
		}
	}
	return s, nil
}
