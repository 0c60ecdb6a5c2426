package registry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/google/uuid"
)

// The index is a summary of all manifests, so that nobody need read, or even list, them all: one object, replaced by
// compare-and-swap, whose first line is the digest of the rest. Whoever begins, commits or deletes a run first leaves a
// mark, and a run with a mark is looked at again until a writer has taken it into the index. In a directory, whose
// folders are cheap to list, so is every run that the index lacks, whoever wrote it; in a bucket, only marks are.
//
// The index is derived, and so are the packs that it names: without it, or where it is damaged, everything is read anew,
// and Check compares it.
const (
	indexKey   = "index/summary"
	markPrefix = "index/new/"
	// indexLag is how many runs may be read again and again before the index is written anew.
	indexLag = 16
	// indexPause is the least time between two times that a process writes it while it commits runs.
	indexPause = time.Minute
	// indexFormat is the first word of the index; it changes with its lines.
	indexFormat = "cidbench-index-2"
)

// A reading is a run that is not in the index as it is now, and was read.
type reading struct {
	run     string
	m       Manifest // unless there are too many to keep
	digest  Digest
	summary *Summary // nil if the run is not finished
}

// A view is an index and what it lacks. Only lines whose runs were not read say what is so.
type view struct {
	lines    *indexLines // nil: there is no index, or a damaged one
	seen     Digest      // of the stored index, for who writes it anew; empty if there was none
	marks    []mark
	readings map[string]*reading
	anew     bool // everything was read
}

func byRun(a, b *Summary) int { return strings.Compare(a.Run, b.Run) }

func collectRuns(runs iter.Seq2[*Summary, error]) (all []*Summary, err error) {
	for s, err := range runs {
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	slices.SortFunc(all, byRun)
	return all, nil
}

// view reads the marks, the index, and what that lacks. The marks come first: whoever takes one away has written the
// index before.
func (r *Registry) view(ctx context.Context, anew bool) (v *view, err error) {
	v = &view{readings: make(map[string]*reading)}
	if v.marks, err = r.marks(ctx); err != nil {
		return nil, err
	}
	if v.lines, v.seen, err = r.openIndex(ctx); err != nil {
		return nil, err
	}
	if anew || v.lines == nil {
		v.lines, v.anew = nil, true
	}
	look, err := r.unknown(ctx, v.lines)
	if err != nil {
		return nil, err
	}
	for _, mark := range v.marks {
		look[mark.run] = true
	}
	families := make(map[Digest]*Family)
	if v.lines != nil {
		families = v.lines.families
	}
	var readings []*reading
	for run := range look {
		v.readings[run] = &reading{run: run}
		readings = append(readings, v.readings[run])
	}
	few := len(readings) <= 4*indexLag
	err = forEach(ctx, readings, func(ctx context.Context, x *reading) error {
		m, digest, err := r.Run(ctx, x.run)
		switch {
		case errors.Is(err, ErrCorrupt):
			x.summary = &Summary{Run: x.run, Err: err}
			return nil
		case errors.Is(err, ErrNotExist):
			return nil
		case err != nil:
			return err
		}
		r.index.Lock()
		defer r.index.Unlock()
		if x.summary, err = summaryOf(m, digest, families); few {
			x.m, x.digest = m, digest
		}
		return err
	})
	return v, err
}

// summaries are those of all finished runs, in no order. An error is yielded last.
func (v *view) summaries() iter.Seq2[*Summary, error] {
	return func(yield func(*Summary, error) bool) {
		for s, err := range v.lines.all() {
			if err != nil {
				yield(nil, fmt.Errorf("registry: %w; registry ls --reindex writes it anew", err))
				return
			}
			if v.readings[s.Run] == nil && !yield(s, nil) {
				return
			}
		}
		for _, x := range v.readings {
			if x.summary != nil && !yield(x.summary, nil) {
				return
			}
		}
	}
}

// lags says whether the index is worth to be written anew.
func (v *view) lags() bool {
	added := 0
	for _, x := range v.readings {
		if x.summary != nil && x.summary.Err == nil {
			added++
		}
	}
	return v.anew || added >= indexLag || len(v.marks) >= 4*indexLag
}

// namer is a store in which it is cheap to list the names in a folder.
type namer interface {
	Names(ctx context.Context, folder string) iter.Seq2[string, error]
}

// Local says that reading an object, or seeing that there is none, costs no request to a server.
func (r *Registry) Local() bool {
	if r.top != nil {
		return r.top.Local()
	}
	_, ok := r.store.(namer)
	return ok
}

// unknown are the runs that the index lacks, as far as it is cheap to see; without an index it is worth all it takes.
func (r *Registry) unknown(ctx context.Context, lines *indexLines) (map[string]bool, error) {
	look := make(map[string]bool)
	if s, ok := r.store.(namer); ok {
		known, err := lines.ids()
		if err != nil {
			return nil, err
		}
		for run, err := range s.Names(ctx, runPrefix) {
			if err != nil {
				return nil, err
			}
			if checkRunID(run) != nil {
				continue
			}
			if _, there := slices.BinarySearchFunc(known, rawID(run), compareIDs); !there {
				look[run] = true
			}
		}
		return look, nil
	}
	if lines != nil {
		return look, nil
	}
	for info, err := range r.store.List(ctx, runPrefix) {
		if err != nil {
			return nil, err
		}
		if p := parseKey(info.Key); p.run != "" {
			look[p.run] = true
		}
	}
	return look, nil
}

func compareIDs(a, b [runIDLen / 2]byte) int { return bytes.Compare(a[:], b[:]) }

// A mark says that a run has to be looked at. Each has a key of its own, so that none is removed that was set since.
type mark struct {
	run, key string
	modTime  time.Time
}

// mark sets one, before something happens to a run that Overview would else not see.
func (r *Registry) mark(ctx context.Context, run string) error {
	return r.put(ctx, markPrefix+run+"-"+uuid.NewString(), []byte("{}\n"))
}

// announce is mark where that is all that tells of a new run.
func (r *Registry) announce(ctx context.Context, run string) error {
	if r.Local() {
		return nil
	}
	return r.mark(ctx, run)
}

func (r *Registry) marks(ctx context.Context) (all []mark, err error) {
	for info, err := range r.store.List(ctx, markPrefix) {
		if err != nil {
			return nil, err
		}
		run, _, _ := strings.Cut(strings.TrimPrefix(info.Key, markPrefix), "-")
		if checkRunID(run) == nil {
			all = append(all, mark{run, info.Key, info.ModTime})
		}
	}
	return all, nil
}

// openIndex opens the index; it is nil if there is none, or a damaged one. It is kept in a temporary file, since it grows
// with the registry. seen is the digest of what is there; empty if nothing is.
func (r *Registry) openIndex(ctx context.Context) (lines *indexLines, seen Digest, err error) {
	text, err := r.spool(ctx, indexKey)
	if errors.Is(err, ErrNotExist) || errors.Is(err, ErrCorrupt) {
		return nil, "", nil
	} else if err != nil {
		return nil, "", err
	}
	if r.writing {
		seen, err = store.DigestFrom(ctx, text)
		if err == nil {
			_, err = text.Seek(0, io.SeekStart)
		}
	}
	if err == nil {
		lines, err = readIndex(ctx, text)
	}
	if errors.Is(err, ErrCorrupt) {
		err = nil
	}
	return lines, seen, scratch(err)
}

// committed brings the index up to date now and then, as far as that works: a run is committed without it.
func (r *Registry) committed(ctx context.Context) {
	r.index.Lock()
	r.commits++
	due := r.commits >= indexLag && time.Since(r.indexed) >= indexPause
	if due {
		r.commits, r.indexed = 0, time.Now()
	}
	r.index.Unlock()
	if due {
		_, _ = r.Overview(ctx, none)
	}
}

// none wants no run of an overview, whose purpose is to bring the index up to date.
func none(*Summary) bool { return false }

// renew writes packs and the index. It does what it can: somebody else may be faster, or the only one who may write.
func (r *Registry) renew(ctx context.Context, v *view, all []*Summary) {
	if v.anew { // what was found by listing everything must be found without it
		for run, x := range v.readings {
			if (x.summary == nil || x.summary.Err != nil) && r.announce(ctx, run) != nil {
				return
			}
		}
	}
	there, version, err := r.store.Load(ctx, indexKey)
	switch {
	case errors.Is(err, ErrNotExist) && v.seen == "":
	case err != nil, DigestOf(there) != v.seen: // another writer was faster
		return
	}
	old, err := r.repack(ctx, all)
	if err != nil && ctx.Err() != nil {
		return
	}
	text, err := encodeIndex(all)
	if err == nil {
		_, err = r.store.Swap(ctx, indexKey, version, text)
	}
	if err != nil {
		return
	}
	settled := slices.DeleteFunc(slices.Clone(v.marks), func(m mark) bool {
		x := v.readings[m.run]
		return x.summary != nil && x.summary.Err != nil // it is to be looked at again
	})
	err = forEach(ctx, settled, func(ctx context.Context, m mark) error {
		if v.readings[m.run].summary == nil { // begun, or forgotten
			if last, err := r.lastSeq(ctx, m.run); err != nil || last > 0 || time.Since(m.modTime) < 24*time.Hour {
				return err
			}
		}
		return r.store.Delete(ctx, m.key)
	})
	_ = cmp.Or(err, forEach(ctx, old, func(ctx context.Context, key string) error { return r.store.Delete(ctx, key) }))
}
