package registry

import (
	"context"
	"errors"
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
// The index is derived: without it, or where it is damaged, everything is read anew, and Check compares it.
const (
	indexKey   = "index/summary"
	markPrefix = "index/new/"
	begunMark  = "begun-" // after the run in the keys of marks of runs that were begun
	// indexLag is how many runs may be read again and again before the index is written anew.
	indexLag = 32
	// indexPause is the least time between two times that a process writes it while it commits runs.
	indexPause = time.Minute
	// indexFormat is the first word of the index; it changes with its lines.
	indexFormat = "cidbench-index-1"
)

// An Overview is what there is of runs.
type Overview struct {
	// Finished are the runs with a manifest, in the order of their ids.
	Finished []*Summary
	// Others are the ids of runs that are marked, or have a folder, and are not finished: begun, most likely.
	Others map[string]bool
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

// Overview returns what there is of runs: from the index, and by reading the manifests of those that it lacks or that
// are marked. It takes a few requests, and as many as there are of these. What it says is what was read once: whoever
// decides on a result calls Run, which verifies. A registry that was opened for writing brings the index up to date
// where it lags. Errors: ErrUnavailable.
func (r *Registry) Overview(ctx context.Context) (*Overview, error) { return r.overview(ctx, false) }

// Reindex is Overview that reads every manifest, and writes the index. Errors: ErrUnavailable.
func (r *Registry) Reindex(ctx context.Context) (*Overview, error) { return r.overview(ctx, true) }

func (r *Registry) overview(ctx context.Context, anew bool) (*Overview, error) {
	if r.base != nil {
		return r.merged(ctx, anew)
	}
	s, err := r.survey(ctx, anew)
	if err != nil {
		return nil, err
	}
	var readings []*reading
	for run := range s.look {
		readings = append(readings, &reading{run: run})
	}
	if err := r.readAll(ctx, readings); err != nil {
		return nil, err
	}
	o, added := &Overview{Finished: s.known, Others: s.begun}, 0
	for _, x := range readings {
		if errors.Is(x.err, ErrNotExist) {
			o.Others[x.run] = true
			continue
		}
		summary, err := x.summary(s.families)
		if err != nil {
			return nil, err
		}
		if x.err == nil {
			added++
		}
		delete(o.Others, x.run)
		o.Finished = append(o.Finished, summary)
	}
	slices.SortFunc(o.Finished, byRun)
	if r.writing && (s.anew || added >= indexLag || s.changes >= 2*indexLag) {
		r.saveIndex(ctx, o, s)
	}
	return o, nil
}

// A survey is what the index and the marks say, and what has to be read for the rest.
type survey struct {
	known    []*Summary
	families map[string]*Family
	version  store.Version
	anew     bool // there is no index, or it is not believed
	marks    []mark
	changes  int             // how many of them say more than that a run was begun
	look     map[string]bool // runs whose manifests are to be read
	begun    map[string]bool // runs without one
}

func (r *Registry) survey(ctx context.Context, anew bool) (*survey, error) {
	s := &survey{begun: map[string]bool{}}
	var err error
	if s.known, s.families, s.version, err = r.loadIndex(ctx); err != nil {
		return nil, err
	}
	if s.anew = anew || s.known == nil; s.anew {
		s.known = nil
	}
	if s.marks, err = r.marks(ctx); err != nil {
		return nil, err
	}
	if s.look, err = r.unknown(ctx, s.known, s.anew); err != nil {
		return nil, err
	}
	for _, mark := range s.marks {
		if !mark.begun {
			s.changes++
			s.look[mark.run] = true
		} else if _, finished := slices.BinarySearchFunc(s.known, &Summary{Run: mark.run}, byRun); !finished {
			s.begun[mark.run] = true
		}
	}
	s.known = slices.DeleteFunc(s.known, func(known *Summary) bool { return s.look[known.Run] })
	return s, nil
}

// A reading is of a manifest.
type reading struct {
	run    string
	m      Manifest
	digest Digest
	err    error // ErrNotExist or ErrCorrupt
}

func (r *Registry) readAll(ctx context.Context, readings []*reading) error {
	return forEach(ctx, readings, func(ctx context.Context, x *reading) error {
		if x.m, x.digest, x.err = r.Run(ctx, x.run); errors.Is(x.err, ErrNotExist) || errors.Is(x.err, ErrCorrupt) {
			return nil
		}
		return x.err
	})
}

func (x *reading) summary(families map[string]*Family) (*Summary, error) {
	if x.err != nil {
		return &Summary{Run: x.run, Err: x.err}, nil //nolint:nilerr // it is what the summary says
	}
	return summaryOf(x.m, x.digest, families)
}

func byRun(a, b *Summary) int { return strings.Compare(a.Run, b.Run) }

// merged is the overview of a registry and what is below it.
func (r *Registry) merged(ctx context.Context, anew bool) (*Overview, error) {
	above, err := r.top.overview(ctx, anew)
	if err != nil {
		return nil, err
	}
	below, err := r.base.overview(ctx, false)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(above.Finished, below.Finished)
	slices.SortStableFunc(all, byRun) // of two of one run, the first stays
	all = slices.CompactFunc(all, func(a, b *Summary) bool { return a.Run == b.Run })
	maps.Copy(above.Others, below.Others)
	maps.DeleteFunc(above.Others, func(run string, _ bool) bool {
		_, finished := slices.BinarySearchFunc(all, &Summary{Run: run}, byRun)
		return finished
	})
	return &Overview{all, above.Others}, nil
}

// namer is a store that lists the names in a folder, in order, without listing what is below them.
type namer interface {
	Names(ctx context.Context, folder string) ([]string, error)
}

// Started lists the runs of which there is anything: finished, begun, or only leased. In a bucket it takes a request
// for a thousand of them. Errors: ErrUnavailable.
func (r *Registry) Started(ctx context.Context) (map[string]bool, error) {
	if r.base != nil {
		above, err := r.top.Started(ctx)
		if err != nil {
			return nil, err
		}
		below, err := r.base.Started(ctx)
		maps.Copy(above, below)
		return above, err
	}
	started := make(map[string]bool)
	if s, ok := r.store.(namer); ok {
		names, err := s.Names(ctx, runPrefix)
		for _, run := range names {
			if checkRunID(run) == nil {
				started[run] = true
			}
		}
		return started, err
	}
	for info, err := range r.store.List(ctx, runPrefix) {
		if err != nil {
			return nil, err
		}
		if p := parseKey(info.Key); p.run != "" {
			started[p.run] = true
		}
	}
	return started, nil
}

// unknown are the runs that the index lacks, as far as it is cheap to see; anew says that it is worth all it takes.
func (r *Registry) unknown(ctx context.Context, known []*Summary, anew bool) (map[string]bool, error) {
	if !anew && !r.Local() {
		return make(map[string]bool), nil
	}
	look, err := r.Started(ctx)
	for _, s := range known {
		delete(look, s.Run)
	}
	return look, err
}

// A mark says that a run has to be looked at. Each has a key of its own, so that none is removed that was set since.
type mark struct {
	run, key string
	begun    bool // the run was begun, and that is all
	modTime  time.Time
}

// mark sets one, before something happens to a run that Overview would else not see.
func (r *Registry) mark(ctx context.Context, run string) error {
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
	return r.put(ctx, markPrefix+run+"-"+begunMark+uuid.NewString(), []byte("{}\n"))
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

// loadIndex returns the runs in the order of their ids; nil if there is no index, or a damaged one.
func (r *Registry) loadIndex(ctx context.Context) (known []*Summary, families map[string]*Family, version store.Version, err error) {
	families = make(map[string]*Family)
	text, version, err := r.store.Load(ctx, indexKey)
	if errors.Is(err, ErrNotExist) || errors.Is(err, ErrCorrupt) {
		return nil, families, "", nil
	} else if err != nil {
		return nil, families, "", err
	}
	known, err = decodeIndex(text, families)
	if err != nil {
		known = nil
	}
	return known, families, version, nil
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
		_, _ = r.Overview(ctx)
	}
}

// saveIndex does what it can: somebody else may be faster, or the only one who may write.
func (r *Registry) saveIndex(ctx context.Context, o *Overview, found *survey) {
	text, err := encodeIndex(o.Finished)
	if err != nil {
		return
	}
	if found.anew { // what was found by listing everything must be found without it
		for _, s := range o.Finished {
			if s.Err != nil && r.announce(ctx, s.Run) != nil {
				return
			}
		}
		for run := range o.Others {
			if r.announceBegun(ctx, run) != nil {
				return
			}
		}
	}
	if _, err = r.store.Swap(ctx, indexKey, found.version, text); err != nil {
		return
	}
	bad := make(map[string]bool)
	for _, s := range o.Finished {
		if s.Err != nil {
			bad[s.Run] = true
		}
	}
	_ = forEach(ctx, found.marks, func(ctx context.Context, m mark) error {
		if bad[m.run] {
			return nil
		}
		if o.Others[m.run] { // begun, or forgotten
			if time.Since(m.modTime) < 24*time.Hour {
				return nil
			}
			if last, err := r.lastSeq(ctx, m.run); err != nil || last > 0 {
				return err
			}
		}
		return r.store.Delete(ctx, m.key)
	})
}
