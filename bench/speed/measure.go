package main

import (
	"context"
	"slices"
	"syscall"
	"time"

	"gonum.org/v1/gonum/stat"
)

// Length is how long something is measured: rounds of blocks of so many samples.
type Length struct{ Rounds, Block int }

// alone measures a side with nothing else of ours running. The memory is that of one of its processes.
func alone(ctx context.Context, s Side, l Length, log func(string, ...any)) (m Measured, u Usage, err error) {
	log("%s: alone", s.Name)
	m.Side = s.Name
	work := s.Job.Work
	card := cardMemory(ctx)
	r, err := s.start(ctx)
	if err != nil {
		return m, u, err
	}
	defer r.close()
	m.Version, m.First = r.processes[0].hello.Name, r.processes[0].hello.First
	if _, err := r.ask(work.times(l.Block)); err != nil { // the caches fill
		return m, u, err
	}
	w, err := newWatch(r)
	if err != nil {
		return m, u, err
	}
	a, err := r.ask(work.times(l.Rounds * l.Block))
	if err != nil {
		return m, u, err
	}
	m.Alone, m.Memory, m.CardMemory = figure(a.MS), peak(r.groups()[0]), cardMemory(ctx)-card
	u, err = w.usage()
	return m, u, err
}

func (r Request) times(n int) Request {
	r.N = n
	return r
}

// measure measures the work of each side alone, in processes of its own, and then all of them in turn: one works, and the others are
// stopped. Each round has them in the opposite order of the one before.
func measure(ctx context.Context, sides []Side, l Length, log func(string, ...any)) ([]Measured, Usage, error) {
	measured, usages := make([]Measured, len(sides)), make([]Usage, len(sides))
	for i, s := range sides {
		var err error
		if measured[i], usages[i], err = alone(ctx, s, l, log); err != nil {
			return nil, Usage{}, err
		}
	}
	all := make([]*running, len(sides))
	for i, s := range sides {
		r, err := s.start(ctx)
		if err != nil {
			return nil, Usage{}, err
		}
		defer r.close()
		if err := r.signal(syscall.SIGSTOP); err != nil {
			return nil, Usage{}, err
		}
		all[i] = r
	}
	w, err := newWatch(all...)
	if err != nil {
		return nil, Usage{}, err
	}
	samples := make([][]float64, len(sides))
	cpu := make([]time.Duration, len(sides))
	order := make([]int, len(sides))
	for i := range order {
		order[i] = i
	}
	for round := range l.Rounds {
		log("in turn: round %d of %d", round+1, l.Rounds)
		for _, i := range order {
			took, spent, err := turn(all, i, l.Block, &w)
			if err != nil {
				return nil, Usage{}, err
			}
			samples[i], cpu[i] = append(samples[i], took...), cpu[i]+spent
			measured[i].Turns = append(measured[i].Turns, quantile(took, 0.5))
		}
		slices.Reverse(order)
	}
	for i := range measured {
		measured[i].InTurn = figure(samples[i])
		measured[i].Mean = stat.Mean(samples[i], nil)
		measured[i].CPU = cpu[i].Seconds() * 1e3 / float64(len(samples[i]))
		measured[i].judge(usages[i], sides[i].Job.Threads)
	}
	u, err := w.usage()
	return measured, u, err
}

// turn lets one side work for so many samples, and watches that the others do not. It gives what they took, and its processor
// time.
func turn(all []*running, i, samples int, w *watch) (took []float64, spent time.Duration, err error) {
	var others []int
	for j, r := range all {
		if j != i {
			others = append(others, r.groups()...)
		}
	}
	stopped, own, start := groupTime(others...), groupTime(all[i].groups()...), time.Now()
	if err := all[i].signal(syscall.SIGCONT); err != nil {
		return nil, 0, err
	}
	a, err := all[i].ask(all[i].Job.Work.times(samples))
	if err != nil {
		return nil, 0, err
	}
	if err := all[i].signal(syscall.SIGSTOP); err != nil {
		return nil, 0, err
	}
	w.stopped += groupTime(others...) - stopped
	w.wall += time.Since(start)
	return a.MS, groupTime(all[i].groups()...) - own, nil
}
