package study

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

// watchRequests is how many requests to a bucket a look of a watch may take.
const watchRequests = 48

// A Watch looks where a study stands, again and again.
type Watch struct {
	study  *Study
	runs   []string // ids of its cells, in their order
	wanted wanted
	watch  *registry.Watch
	paces  map[string]pace
}

// pace is when work on a run was first seen, by the clock of this process, and at which step.
type pace struct {
	since time.Time // it was taken
	at    time.Time
	step  int
}

// Watch begins to watch the study. Of each cell it reads what changes, some at a time.
func (s *Study) Watch() *Watch {
	w := &Watch{study: s, wanted: s.wanted(), paces: map[string]pace{}}
	for _, cell := range s.cells {
		w.runs = append(w.runs, cell.Spec.ID())
	}
	w.watch = s.reg.Watch(w.runs, w.wanted.is, watchRequests)
	return w
}

// Look looks once more. Errors: registry.ErrUnavailable.
func (w *Watch) Look(ctx context.Context) (*Standing, error) {
	sight, err := w.watch.Look(ctx)
	if err != nil {
		return nil, err
	}
	cells, unread, known := make([]CellState, len(w.runs)), map[string]bool{}, 0
	for _, run := range sight.Unread {
		unread[run] = true
	}
	for i, run := range w.runs {
		c := CellState{Cell: w.study.cells[i], Run: run, State: Missing}
		lease, read := sight.Leases[run]
		switch x := sight.Finished[run]; {
		case x != nil && x.Err != nil:
			c.State, c.Reason = DamagedRun, store.Printable(sight.Reasons[run])
		case x != nil:
			c.finish(x)
			c.Reason = store.Printable(sight.Reasons[run])
		case read:
			known++
			c.hold(lease.Hold)
			c.Silent = lease.Silent()
		case unread[run]:
			c.State = Begun
		}
		cells[i] = c
	}
	at := &Standing{At: time.Now().UTC(), Unread: len(sight.Unread)}
	each, basis := meanOf(cells)
	if basis == "" {
		each, basis = w.pace(sight.Leases)
	}
	share := 1.0 // those whose leases were not read yet are taken to be as those that were
	if known > 0 {
		share = float64(known+len(sight.Unread)) / float64(known)
	}
	w.study.sumUp(at, cells, each, basis, share, countAnalyses(w.wanted, cells, slices.Collect(maps.Values(sight.Finished))))
	at.Cells = pick(cells, func(c CellState) bool { return c.State == Held || c.State == Failed || c.State == DamagedRun })
	return at, nil
}

// pace is what a training takes by the steps that those at work were seen to make; the basis is empty until there are any.
func (w *Watch) pace(leases map[string]registry.Holding) (each bench.Cost, basis string) {
	var took time.Duration
	steps := 0
	for run, lease := range leases {
		first, ok := w.paces[run]
		if !ok || !first.since.Equal(lease.Since) || lease.Step < first.step {
			w.paces[run] = pace{lease.Since, lease.Renewed, lease.Step}
			continue
		}
		if lease.Step > first.step {
			took += lease.Renewed.Sub(first.at)
			steps += lease.Step - first.step
		}
	}
	if steps == 0 || took <= 0 {
		return each, ""
	}
	wall := took / time.Duration(steps) * time.Duration(w.study.tier.Train.Scale().Steps)
	return bench.Cost{Wall: wall}, "from the steps of those at work"
}
