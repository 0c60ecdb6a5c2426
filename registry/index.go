package registry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/google/uuid"
)

// The index is a summary of all manifests, so that nobody need read, or even list, them all: one object, replaced by
// compare-and-swap, whose first line is the digest of the rest. Whoever begins, commits or deletes a run first leaves a
// mark, and a run that was marked to be committed or deleted is looked at again until a writer has taken it into the
// index; one that was only begun has nothing to look at. In a directory, whose folders are cheap to list, so is every run
// that the index lacks, whoever wrote it; in a bucket, only marks are.
//
// The index is derived, and so are the packs that it names: without it, or where it is damaged, everything is read anew,
// and Check compares it.
const (
	indexKey   = "index/summary"
	markPrefix = "index/new/"
	begunMark  = "begun-" // after the run in the keys of marks of runs that were begun
	// indexLag is how many runs may be read again and again before the index is written anew.
	indexLag = 6
	// indexPause is the least time between two times that a process writes it while it commits runs.
	indexPause = time.Minute
	// indexFormat is the first word of the index; it changes with its lines.
	indexFormat = "cidbench-index-2"
)

// A view is an index and what it lacks. Only lines whose runs are not to be read say what is so.
type view struct {
	lines    *indexLines // nil: there is no index, or a damaged one
	seen     Digest      // of the stored index, for who writes it anew; empty if there was none
	marks    []mark
	changes  int             // how many of them say more than that a run was begun
	begun    map[string]bool // runs of which that is said
	readings map[string]*reading
	anew     bool // everything is to be read
}

// A reading is of a run that is not in the index as it is now.
type reading struct {
	run     string
	m       Manifest // unless there are too many to keep
	digest  Digest
	reason  string   // why it failed
	summary *Summary // nil if the run is not finished, or was not read
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

// survey lists the marks, opens the index, and says what has to be read besides. The marks come first: whoever takes one
// away has written the index before.
func (r *Registry) survey(ctx context.Context, anew bool) (v *view, err error) {
	v = &view{begun: make(map[string]bool), readings: make(map[string]*reading)}
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
		if mark.begun {
			v.begun[mark.run] = true
		} else {
			v.changes++
			look[mark.run] = true
		}
	}
	for run := range look {
		v.readings[run] = &reading{run: run}
	}
	return v, nil
}

// view is a survey, and reads what that asks for.
func (r *Registry) view(ctx context.Context, anew bool) (*view, error) {
	v, err := r.survey(ctx, anew)
	if err != nil {
		return nil, err
	}
	families := make(map[Digest]*Family)
	if v.lines != nil {
		families = v.lines.families
	}
	return v, r.readAll(ctx, slices.Collect(maps.Values(v.readings)), families)
}

// readAll reads manifests, whose families it adds to those that are known. A run that is not there is not finished.
func (r *Registry) readAll(ctx context.Context, readings []*reading, families map[Digest]*Family) error {
	few := len(readings) <= 4*indexLag
	return forEach(ctx, readings, func(ctx context.Context, x *reading) error {
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
		x.reason = m.Reason
		if x.summary, err = summaryOf(m, digest, families); few {
			x.m, x.digest = m, digest
		}
		return err
	})
}

// known are the summaries of the index that are so, in the order of their ids. An error is yielded last.
func (v *view) known() iter.Seq2[*Summary, error] {
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
	}
}

// summaries are those of all finished runs, in no order. An error is yielded last.
func (v *view) summaries() iter.Seq2[*Summary, error] {
	return func(yield func(*Summary, error) bool) {
		for s, err := range v.known() {
			if !yield(s, err) || err != nil {
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
	return v.anew || added >= indexLag || v.changes >= 4*indexLag
}

// namer is a store that yields the names in a folder without listing what is below them, in no order, some perhaps again.
type namer interface {
	Names(ctx context.Context, folder string) iter.Seq2[string, error]
}

// Local says that reading an object, or seeing that there is none, costs no request to a server.
func (r *Registry) Local() bool {
	if r.top != nil {
		return r.top.Local()
	}
	_, names := r.store.(namer)
	_, remote := r.store.(interface{ Probe(context.Context) error })
	return names && !remote
}

// started yields the runs of which there is anything: finished, begun, or only leased; in no order, some perhaps again. In
// a bucket it takes a request for a thousand of them. An error, ErrUnavailable, is yielded last.
func (r *Registry) started(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if s, ok := r.store.(namer); ok {
			for run, err := range s.Names(ctx, runPrefix) {
				if (err != nil || checkRunID(run) == nil) && !yield(run, err) {
					return
				}
			}
			return
		}
		for info, err := range r.store.List(ctx, runPrefix) {
			if run := parseKey(info.Key).run; (err != nil || run != "") && !yield(run, err) {
				return
			}
		}
	}
}

// unknown are the runs that the index lacks, as far as it is cheap to see; without an index it is worth all it takes.
func (r *Registry) unknown(ctx context.Context, lines *indexLines) (map[string]bool, error) {
	look := make(map[string]bool)
	if lines != nil && !r.Local() {
		return look, nil
	}
	known, err := lines.ids()
	if err != nil {
		return nil, err
	}
	for run, err := range r.started(ctx) {
		if err != nil {
			return nil, err
		}
		if _, there := slices.BinarySearchFunc(known, rawID(run), compareIDs); !there {
			look[run] = true
		}
	}
	return look, nil
}

func compareIDs(a, b [runIDLen / 2]byte) int { return bytes.Compare(a[:], b[:]) }

// A mark says that a run has to be looked at. Each has a key of its own, so that none is removed that was set since.
type mark struct {
	run, key string
	begun    bool // the run was begun, and that is all
	modTime  time.Time
}

// mark sets one, before something happens to a run that Overview would else not see.
func (r *Registry) mark(ctx context.Context, run string) error {
	r.index.Lock()
	delete(r.begun, run)
	r.index.Unlock()
	return r.put(ctx, markPrefix+run+"-"+uuid.NewString(), []byte("{}\n"))
}

// announce is mark where that is all that tells of a run that is about to be finished.
func (r *Registry) announce(ctx context.Context, run string) error {
	if r.Local() {
		return nil
	}
	return r.mark(ctx, run)
}

// announceBegun is announce of a run that is not finished yet: whoever finishes it leaves another mark.
func (r *Registry) announceBegun(ctx context.Context, run string) error {
	if r.Local() {
		return nil
	}
	if err := r.put(ctx, markPrefix+run+"-"+begunMark+uuid.NewString(), []byte("{}\n")); err != nil {
		return err
	}
	r.index.Lock()
	defer r.index.Unlock()
	if r.begun == nil {
		r.begun = make(map[string]bool)
	}
	r.begun[run] = true
	return nil
}

// isAnnounced says whether this process has announced that the run was begun: who holds its lease has.
func (r *Registry) isAnnounced(run string) bool {
	r.index.Lock()
	defer r.index.Unlock()
	return r.begun[run]
}

// isBegun says whether there is a lease of a run that is not finished, or an event.
func (r *Registry) isBegun(ctx context.Context, run string) (bool, error) {
	_, err := r.store.Stat(ctx, leaseKey(run))
	if !errors.Is(err, ErrNotExist) {
		return err == nil, err
	}
	last, err := r.lastSeq(ctx, run)
	return last > 0, err
}

func (r *Registry) marks(ctx context.Context) (all []mark, err error) {
	for info, err := range r.store.List(ctx, markPrefix) {
		if err != nil {
			return nil, err
		}
		run, name, _ := strings.Cut(strings.TrimPrefix(info.Key, markPrefix), "-")
		if checkRunID(run) == nil {
			all = append(all, mark{run, info.Key, strings.HasPrefix(name, begunMark), info.ModTime})
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

// committed looks after the index now and then, as far as that works: a run is committed without it. One in 16 does, by
// its id, so that the index keeps up with many workers as with one.
func (r *Registry) committed(ctx context.Context, run string) {
	if run[0] != '0' {
		return
	}
	r.index.Lock()
	due := time.Since(r.indexed) >= indexPause
	if due {
		r.indexed = time.Now()
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
			var err error
			switch {
			case x.summary == nil && !v.begun[run]:
				var begun bool
				if begun, err = r.isBegun(ctx, run); begun { // one bit of a listing makes another run of it
					err = r.announceBegun(ctx, run)
				}
			case x.summary != nil && x.summary.Err != nil:
				err = r.announce(ctx, run)
			}
			if err != nil {
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
	finished := func(run string) *Summary {
		if at, ok := slices.BinarySearchFunc(all, &Summary{Run: run}, byRun); ok {
			return all[at]
		}
		return nil
	}
	settled := slices.DeleteFunc(slices.Clone(v.marks), func(m mark) bool {
		s := finished(m.run)
		return s != nil && s.Err != nil || s == nil && time.Since(m.modTime) < 24*time.Hour // it is to be looked at again
	})
	err = forEach(ctx, settled, func(ctx context.Context, m mark) error {
		if finished(m.run) == nil { // begun, or forgotten
			if begun, err := r.isBegun(ctx, m.run); err != nil || begun {
				return err
			}
		}
		return r.store.Delete(ctx, m.key)
	})
	_ = cmp.Or(err, forEach(ctx, old, func(ctx context.Context, key string) error { return r.store.Delete(ctx, key) }))
}
