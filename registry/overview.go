package registry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// An Overview is what there is of runs, and where to read them with few requests.
type Overview struct {
	// Finished are those of the runs with a manifest that were asked for, in the order of their ids.
	Finished []*Summary
	// Others are the ids of runs that are marked, or have a folder, and are not finished: begun, most likely.
	Others map[string]bool

	reg   *Registry
	runs  []packedRun // all finished ones that are whole, in the order of their ids
	packs []*pack
	fresh map[string]*reading // what had to be read anyway
	bad   map[string]bool     // finished ones that are damaged
	below *Overview           // of the registry below, if there is one
}

// A packedRun takes little memory, for there are many.
type packedRun struct {
	id   [runIDLen / 2]byte
	pack int32 // index of the overview's packs, one of which is nil: no pack
}

func (o *Overview) find(run string) (p *pack, ok bool) {
	if checkRunID(run) != nil {
		return nil, false
	}
	at, ok := slices.BinarySearchFunc(o.runs, rawID(run), func(x packedRun, id [runIDLen / 2]byte) int { return compareIDs(x.id, id) })
	if !ok {
		return nil, false
	}
	return o.packs[o.runs[at].pack], true
}

// Has says whether a run was finished, and its manifest whole.
func (o *Overview) Has(run string) bool {
	_, ok := o.find(run)
	return ok || o.below != nil && o.below.Has(run)
}

// FromEvidence says whether evidence alone holds a finished run, and so none of its checkpoints.
func (o *Overview) FromEvidence(run string) bool {
	if _, ok := o.find(run); ok {
		_, is := o.reg.store.(evidence)
		return is
	}
	return o.below != nil && o.below.FromEvidence(run)
}

// Run is Run of the registry for what there was when the overview was made: in a bucket it reads packs where they hold
// the manifest, and asks for no run that was not finished then.
func (o *Overview) Run(ctx context.Context, id string) (Manifest, Digest, error) {
	p, finished := o.find(id)
	switch {
	case o.reg.Local():
		return o.reg.Run(ctx, id)
	case o.fresh[id] != nil:
		return o.fresh[id].m, o.fresh[id].digest, nil
	case p != nil:
		if m, digest, err := o.reg.packedRun(ctx, p, id); err == nil {
			return m, digest, nil
		}
	case !finished && o.below != nil && o.below.Has(id):
		return o.below.Run(ctx, id)
	case !finished && !o.bad[id]:
		return Manifest{}, "", cmp.Or(checkRunID(id), fmt.Errorf("registry: run %s: %w", id, ErrNotExist))
	}
	return o.reg.Run(ctx, id)
}

// Blob is Blob of the registry, from packs that were read if they hold it.
func (o *Overview) Blob(ctx context.Context, d Descriptor) ([]byte, error) {
	if data, err := o.reg.packedBlob(ctx, d); err == nil {
		return data, nil
	}
	return o.reg.Blob(ctx, d)
}

// Overview returns what there is of runs: from the index, and by reading the manifests of those that it lacks or that
// are marked. It takes a few requests, and as many as there are of these. Of the finished runs it returns those that keep
// wants, all if it is nil; keep sees each of them once, in no order. What it says is what was read once: whoever decides
// on a result calls Run, of the overview or of the registry, which verify. A registry that was opened for writing brings
// the index up to date where it lags. Errors: ErrCorrupt if the index is not of this format, though whole; ErrUnavailable.
func (r *Registry) Overview(ctx context.Context, keep func(*Summary) bool) (*Overview, error) {
	return r.overview(ctx, keep, false)
}

// Reindex is an Overview of all runs that reads every manifest, and writes the index and its packs. Errors: ErrUnavailable.
func (r *Registry) Reindex(ctx context.Context) (*Overview, error) { return r.overview(ctx, nil, true) }

func (r *Registry) overview(ctx context.Context, keep func(*Summary) bool, anew bool) (*Overview, error) {
	if r.base != nil {
		return r.merged(ctx, keep, anew)
	}
	v, err := r.view(ctx, anew)
	if err != nil {
		return nil, err
	}
	runs := v.summaries()
	if r.writing && v.lags() {
		all, err := collectRuns(runs)
		if err != nil {
			return nil, err
		}
		r.renew(ctx, v, all)
		runs = func(yield func(*Summary, error) bool) {
			for _, s := range all {
				if !yield(s, nil) {
					return
				}
			}
		}
	}
	return r.overviewOf(v, runs, keep)
}

// overviewOf makes an overview of all finished runs.
func (r *Registry) overviewOf(v *view, runs iter.Seq2[*Summary, error], keep func(*Summary) bool) (*Overview, error) {
	o := &Overview{Others: maps.Clone(v.begun), reg: r, fresh: make(map[string]*reading), bad: make(map[string]bool)}
	for run, x := range v.readings {
		if x.summary == nil {
			o.Others[run] = true
		} else if x.m.Run != "" {
			o.fresh[run] = x
		}
	}
	numbers := make(map[*pack]int32)
	for s, err := range runs {
		if err != nil {
			return nil, err
		}
		delete(o.Others, s.Run) // it may have been begun only when it was marked
		if s.Err != nil {
			o.bad[s.Run] = true
		} else {
			number, ok := numbers[s.pack]
			if !ok {
				number = int32(len(o.packs))
				numbers[s.pack] = number
				o.packs = append(o.packs, s.pack)
			}
			o.runs = append(o.runs, packedRun{rawID(s.Run), number})
		}
		if keep == nil || keep(s) {
			o.Finished = append(o.Finished, s)
		}
	}
	slices.SortFunc(o.runs, func(a, b packedRun) int { return bytes.Compare(a.id[:], b.id[:]) })
	slices.SortFunc(o.Finished, byRun)
	return o, nil
}

// merged is the overview of a registry and what is below it.
func (r *Registry) merged(ctx context.Context, keep func(*Summary) bool, anew bool) (*Overview, error) {
	o, err := r.top.overview(ctx, keep, anew)
	if err != nil {
		return nil, err
	}
	o.below, err = r.base.overview(ctx, func(s *Summary) bool {
		return !o.Has(s.Run) && !o.bad[s.Run] && (keep == nil || keep(s)) // of two of one run, the first stays
	}, false)
	if err != nil {
		return nil, err
	}
	o.reg = r
	o.Finished = slices.Concat(o.Finished, o.below.Finished)
	slices.SortFunc(o.Finished, byRun)
	maps.Copy(o.Others, o.below.Others)
	maps.DeleteFunc(o.Others, func(run string, _ bool) bool { return o.Has(run) })
	return o, nil
}

// rawID is the id of a run in half the bytes.
func rawID(run string) (id [runIDLen / 2]byte) {
	_, _ = hex.Decode(id[:], []byte(run)) // it was checked
	return id
}
