package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
)

// Runner computes cells.
type Runner struct {
	Registry *registry.Registry
	Data     *dataset.Dataset
	Probe    probe.Protocol
	Backend  Backend
	// Parallel cells, each with so many Threads.
	Parallel, Threads int
	// Lease is how long a cell of a process that died stays closed to others. Any number of processes may
	// run on one registry: each cell has one owner at a time.
	Lease time.Duration
	// Observe is told of what happens, from several goroutines; it may be nil.
	Observe func(Event)
}

// Event is news of a cell: started or advanced (Done false), or over.
type Event struct {
	Cell        Cell
	Step, Steps int
	Done        bool
	// Cached says that the run was there already.
	Cached bool
	// Held says that another process is at work on the cell; it comes up again later.
	Held bool
	// Failed is the reason of a run that is recorded as failed.
	Failed string
	Wall   time.Duration
}

// Run computes the cells that the registry lacks, several at a time, in order. A training that diverges
// is recorded as a failed run and is not an error. Cells that other processes hold are waited for. After
// an error or a cancelled context no further cell is started, and cells in progress leave a checkpoint.
func (r *Runner) Run(ctx context.Context, cells []Cell) error {
	for {
		held, err := r.pass(ctx, cells)
		if err != nil || len(held) == 0 {
			return err
		}
		cells = held
		select { // a lease is seen to be given up when it has not changed for its whole term
		case <-time.After(r.Lease / 8):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pass goes through the cells once and returns those that others hold.
func (r *Runner) pass(ctx context.Context, cells []Cell) ([]Cell, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan Cell)
	var workers sync.WaitGroup
	var mu sync.Mutex
	var failure error
	var held []Cell
	for range max(1, r.Parallel) {
		workers.Go(func() {
			for cell := range queue {
				err := r.cell(ctx, cell)
				mu.Lock()
				if errors.Is(err, registry.ErrHeld) {
					held = append(held, cell)
				} else if err != nil {
					if failure == nil {
						failure = err
					}
					cancel()
				}
				mu.Unlock()
			}
		})
	}
feed:
	for _, cell := range cells {
		select {
		case queue <- cell:
		case <-ctx.Done():
			break feed
		}
	}
	close(queue)
	workers.Wait()
	if failure == nil {
		failure = ctx.Err()
	}
	return held, failure
}

// Finished says whether the registry holds a run, complete or failed.
func Finished(ctx context.Context, reg *registry.Registry, id string) (bool, error) {
	_, _, err := reg.Run(ctx, id)
	if errors.Is(err, registry.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (r *Runner) cell(ctx context.Context, cell Cell) error {
	id := cell.Spec.ID()
	steps := 0
	if cell.Spec.Arm.Features == Trained {
		steps = cell.Spec.Arm.Config.Steps
	}
	observe := func(e Event) {
		e.Cell, e.Steps = cell, steps
		if r.Observe != nil {
			r.Observe(e)
		}
	}
	if done, err := Finished(ctx, r.Registry, id); err != nil {
		return fmt.Errorf("%s seed %d: %w", cell.Arm, cell.Seed, err)
	} else if done {
		observe(Event{Step: steps, Done: true, Cached: true})
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// Not cancelled half-way: a lease that was taken must be given back below.
	lease, err := r.Registry.Acquire(context.WithoutCancel(ctx), id, owner(), r.Lease)
	switch {
	case errors.Is(err, registry.ErrHeld):
		observe(Event{Held: true})
		return err
	case errors.Is(err, registry.ErrExist): // finished by another process just now
		observe(Event{Step: steps, Done: true, Cached: true})
		return nil
	case err != nil:
		return err
	}
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	go func() {
		select {
		case <-lease.Lost():
			lost(registry.ErrHeld)
		case <-ctx.Done():
		}
	}()
	err = r.compute(ctx, cell, id, observe)
	if context.Cause(ctx) == registry.ErrHeld { // another process thought this one dead, and goes on
		observe(Event{Held: true})
		return registry.ErrHeld
	}
	// Given back also when interrupted, so that others need not wait.
	return errors.Join(err, lease.Release(context.WithoutCancel(ctx)))
}

// owner names this process to those who meet its leases.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("%s, process %d", host, os.Getpid())
}

// compute trains, probes and commits a cell whose lease is held.
func (r *Runner) compute(ctx context.Context, cell Cell, id string, observe func(Event)) error {
	backend, err := r.Backend.Open(r.Threads)
	if err != nil {
		return fmt.Errorf("backend %s: %w", r.Backend, err)
	}
	defer backend.Finalize()
	observe(Event{})
	running := &run{
		spec: cell.Spec, id: id, reg: r.Registry, data: r.Data, backend: backend, protocol: r.Probe,
		threads: r.Threads, start: time.Now(),
		progress: func(step, _ int) { observe(Event{Step: step}) },
	}
	result, artifacts, err := running.compute(ctx)

	m := registry.Manifest{Status: registry.Complete, Key: cell.Spec.Key(), Artifacts: artifacts}
	var diverged *moco.DivergedError
	if errors.As(err, &diverged) || errors.Is(err, probe.ErrNotFinite) {
		m.Status, m.Reason = registry.Failed, err.Error()
	} else if err != nil {
		return fmt.Errorf("%s at temperature %g, seed %d: %w", cell.Arm, cell.Temperature, cell.Seed, err)
	} else if m.Result, err = json.Marshal(result); err != nil {
		return err
	}
	m.Provenance = provenance(r.Backend)
	m.Provenance.Command = os.Args
	m.Provenance.Started = running.start.UTC().Truncate(time.Millisecond)
	m.Provenance.Finished = time.Now().UTC().Truncate(time.Millisecond)
	m.Provenance.WallSeconds = running.wall().Seconds()
	m.Provenance.Resumed = running.check.Resumed
	if _, err := r.Registry.Commit(ctx, m); err != nil {
		return fmt.Errorf("%s seed %d: %w", cell.Arm, cell.Seed, err)
	}
	observe(Event{Step: running.check.Step, Done: true, Failed: m.Reason, Wall: running.wall()})
	return nil
}
