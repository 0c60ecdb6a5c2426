package bench

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cidbench/cidbench/bench/parallel"
	"github.com/cidbench/cidbench/registry"
)

// Who does what among workers on one registry. Nobody decides it: each begins with its own share, then looks once what
// is left of the whole and helps with that, in an order of its own. What others hold is looked at again and again,
// a few at a time and ever more seldom, since they may die. So requests grow with the work, and not with work times
// workers.

// all does jobs, which have the ids of runs, several at a time: its share of them in order, and then what others have
// left. What others hold is waited for, unless NoWait says to leave it to them.
func (r *Runner) all(ctx context.Context, ids []string, do func(ctx context.Context, i int) error) error {
	var damage []error
	own := r.Share.own(len(ids))
	p, err := r.pass(ctx, own, do)
	damage = append(damage, p.damage...)
	rest := p.held
	most := time.Duration(r.Share.patience()) * r.Lease
	first := most / 8
	if err == nil && len(own) == 0 { // one of many who are there in case that others die, once these have begun
		err = sleep(ctx, first/2+rand.N(first))
		first = most
	}
	if err == nil && r.Share.Of > 1 {
		rest, err = r.unfinished(ctx, ids)
	}
	pause, glances := first, 0
	idle := 0 // how many jobs were seen held, one after the other
	for err == nil && len(rest) > 0 {
		glances = max(glances, r.Share.glances(len(rest)), r.Parallel)
		n := min(len(rest), glances)
		p, err = r.pass(ctx, rest[:n], do)
		damage = append(damage, p.damage...)
		rest = append(rest[n:], p.held...)
		switch {
		case err != nil:
		case p.worked > 0: // where one was left behind, others may be
			pause, glances, idle = first, 2*glances, 0
			continue
		case len(p.held) < n && r.Share.Of > 1: // others were faster: what else did they do?
			rest, err = r.unfinished(ctx, ids)
		}
		if idle += len(p.held); r.NoWait && idle >= len(rest) {
			break
		}
		if err == nil && len(rest) > 0 {
			err = sleep(ctx, pause/2+rand.N(pause))
			pause = min(2*pause, most)
		}
	}
	return errors.Join(append(damage, err)...)
}

// unfinished are the jobs that no manifest is there of, those that nobody ever began first, each kind in an order of
// this worker's own.
func (r *Runner) unfinished(ctx context.Context, ids []string) (jobs []int, err error) {
	s, err := r.Registry.Stages(ctx)
	var begun []int
	for _, i := range rand.Perm(len(ids)) {
		switch {
		case s.Finished[ids[i]]:
		case s.Leased[ids[i]]:
			begun = append(begun, i)
		default:
			jobs = append(jobs, i)
		}
	}
	return append(jobs, begun...), err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// passed is what came of a pass: jobs that others hold, what is wrong with single ones, and how many were done.
type passed struct {
	held   []int
	damage []error
	worked int
}

// errCached says that a job was done before.
var errCached = errors.New("was there already")

// pass goes through some jobs once.
func (r *Runner) pass(ctx context.Context, jobs []int, do func(ctx context.Context, i int) error) (passed, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var failure error
	var p passed
	parallel.Each(len(jobs), r.Parallel, func(_, at int) {
		if ctx.Err() != nil {
			return
		}
		err := do(ctx, jobs[at])
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			p.worked++
		case errors.Is(err, errCached):
		case errors.Is(err, registry.ErrHeld):
			p.held = append(p.held, jobs[at])
		case errors.Is(err, registry.ErrCorrupt), errors.Is(err, registry.ErrConflict):
			p.damage = append(p.damage, err)
		default:
			failure = cmp.Or(failure, err)
			cancel()
		}
	})
	return p, cmp.Or(failure, ctx.Err())
}
