package registry

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"
)

// A Watch looks at where some runs stand, again and again. Each time it reads the marks, the index and some of the
// manifests and leases that may have changed, those first that it has not read for longest; the rest it
// remembers. So a look takes few requests, however many runs there are and however many are at work. It is for one
// goroutine.
type Watch struct {
	reg      *Registry
	runs     []string
	watched  map[string]bool // they are
	keep     func(*Summary) bool
	most     int
	below    *Overview // of what the registry is on top of
	looks    int
	tried    map[string]int        // the last look at which an object was read, by its key
	read     map[string]remembered // by run
	families map[Digest]*Family    // of those
	reasons  map[string]string     // of watched runs that failed, by run
	leases   map[string]Holding
}

// remembered is what was read of a manifest, and the marks that there were of its run.
type remembered struct {
	marks   string
	summary *Summary
}

// A Holding is a lease as a watch has seen it, by the clock of this process.
type Holding struct {
	Hold
	Read    time.Time // last
	Renewed time.Time // when it was first seen as it is
}

// Silent says that the lease was not renewed for its term: most likely its owner is dead, and others take over.
func (h Holding) Silent() bool { return h.Live && h.Read.Sub(h.Renewed) >= h.Term }

// A Sight is what there is of runs, as far as a watch has seen it.
type Sight struct {
	// Finished are the watched runs with a manifest, and others that were asked for. Of watched ones that failed there are
	// Reasons.
	Finished map[string]*Summary
	Reasons  map[string]string
	// Leases are those of watched runs that are not finished, Unread the watched runs of which nothing but that they were
	// started is known yet.
	Leases map[string]Holding
	Unread []string
}

// Watch looks at some runs, in looks of at most so many requests each, to a bucket; marks take one for a thousand of them,
// and what is left, but no fewer than eight, is for reading. What lies in a directory is always read whole. It sees other
// finished runs that also wants; nil wants none.
func (r *Registry) Watch(runs []string, also func(*Summary) bool, most int) *Watch {
	watched := make(map[string]bool, len(runs))
	for _, run := range runs {
		watched[run] = true
	}
	return &Watch{
		reg: r, runs: runs, watched: watched, most: most, keep: func(s *Summary) bool { return watched[s.Run] || also != nil && also(s) },
		tried: map[string]int{}, read: map[string]remembered{}, families: map[Digest]*Family{}, reasons: map[string]string{}, leases: map[string]Holding{},
	}
}

// Look looks once more. Errors: ErrUnavailable.
func (w *Watch) Look(ctx context.Context) (*Sight, error) {
	r := w.reg
	if r.base != nil {
		if w.below == nil { // it is only read, and does not change
			var err error
			if w.below, err = r.base.Overview(ctx, w.keep); err != nil {
				return nil, err
			}
		}
		r = r.top
	}
	w.looks++
	v, err := r.survey(ctx, false)
	if err != nil {
		return nil, err
	}
	left := math.MaxInt32
	if !r.Local() {
		left = max(8, w.most-2-len(v.marks)/1000)
	}
	sight := &Sight{Finished: map[string]*Summary{}, Reasons: map[string]string{}, Leases: map[string]Holding{}}
	if w.below != nil {
		for _, x := range w.below.Finished {
			sight.Finished[x.Run] = x
		}
	}
	for s, err := range v.known() {
		if err != nil {
			return nil, err
		}
		if w.keep(s) {
			sight.Finished[s.Run] = s
		}
	}
	spent, err := w.manifests(ctx, r, v, sight.Finished, left/2)
	if err != nil {
		return nil, err
	}
	spentMore, err := w.failures(ctx, sight, left/2-spent)
	if err != nil {
		return nil, err
	}
	return sight, w.holdings(ctx, r, v, sight, left-spent-spentMore)
}

// stalest are at most so many objects, those first that were read longest ago, and notes that they are read now.
func (w *Watch) stalest(keys []string, most int) []string {
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(w.tried[a]-w.tried[b], strings.Compare(a, b)) })
	keys = keys[:min(len(keys), max(most, 0))]
	for _, key := range keys {
		w.tried[key] = w.looks
	}
	return keys
}

// manifests reads some of those that a survey asks for, and adds them to what is finished. It returns how many it read.
func (w *Watch) manifests(ctx context.Context, r *Registry, v *view, finished map[string]*Summary, most int) (int, error) {
	marks := map[string]string{}
	for _, mark := range v.marks {
		if !mark.begun {
			marks[mark.run] += mark.key // they are listed in order
		}
	}
	var keys []string
	for run := range v.readings {
		if last, ok := w.read[run]; !ok || last.marks != marks[run] || r.Local() {
			keys = append(keys, manifestKey(run))
		}
	}
	var readings []*reading
	for _, key := range w.stalest(keys, most) {
		readings = append(readings, v.readings[parseKey(key).run])
	}
	if err := r.readAll(ctx, readings, w.families); err != nil {
		return 0, err
	}
	for _, x := range readings {
		if x.summary == nil {
			delete(w.read, x.run)
			continue
		}
		if x.summary.Status == Failed && w.watched[x.run] {
			w.reasons[x.run] = x.reason
		}
		w.read[x.run] = remembered{marks[x.run], x.summary}
	}
	for run, last := range w.read {
		switch {
		case v.readings[run] == nil: // it is in the index
			delete(w.read, run)
		case last.marks == marks[run] && w.keep(last.summary):
			finished[run] = last.summary
		}
	}
	return len(readings), nil
}

// failures finds out why watched runs failed. It returns how many manifests it read.
func (w *Watch) failures(ctx context.Context, sight *Sight, most int) (int, error) {
	var readings []*reading
	for _, run := range w.runs {
		x := sight.Finished[run]
		if x == nil || x.Err == nil && x.Status != Failed {
			continue
		}
		if x.Err != nil {
			sight.Reasons[run] = x.Err.Error()
		} else if reason, ok := w.reasons[run]; ok {
			sight.Reasons[run] = reason
		} else if len(readings) < most {
			readings = append(readings, &reading{run: run})
		}
	}
	if err := w.reg.readAll(ctx, readings, w.families); err != nil {
		return 0, err
	}
	for _, x := range readings {
		if x.summary != nil && x.summary.Err == nil {
			w.reasons[x.run], sight.Reasons[x.run] = x.reason, x.reason
		}
	}
	return len(readings), nil
}

// holdings reads some of the leases of watched runs that were started and are not finished.
func (w *Watch) holdings(ctx context.Context, r *Registry, v *view, sight *Sight, most int) error {
	var keys []string
	for _, run := range w.runs {
		if (v.begun[run] || v.readings[run] != nil) && sight.Finished[run] == nil {
			keys = append(keys, leaseKey(run))
		}
	}
	var runs []string
	for _, key := range w.stalest(slices.Clone(keys), most) {
		runs = append(runs, parseKey(key).run)
	}
	holds, err := r.Holds(ctx, runs)
	if err != nil {
		return err
	}
	for run, hold := range holds {
		now := time.Now()
		next := Holding{Hold: hold, Read: now, Renewed: now}
		if last, ok := w.leases[run]; ok && last.beat == hold.beat {
			next.Renewed = last.Renewed
		}
		w.leases[run] = next
	}
	for _, key := range keys {
		run := parseKey(key).run
		if lease, ok := w.leases[run]; ok {
			sight.Leases[run] = lease
		} else {
			sight.Unread = append(sight.Unread, run)
		}
	}
	return nil
}
