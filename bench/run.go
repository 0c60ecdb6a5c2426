package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/parallel"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
)

// Runner computes cells.
type Runner struct {
	Registry *registry.Registry
	Data     *dataset.Dataset
	Probe    probe.Protocol
	Backend  backend.Backend
	// Parallel cells, each with so many Threads.
	Parallel, Threads int
	// Lease is how long a cell of a process that died stays closed to others. Any number of processes may
	// run on one registry: each cell has one owner at a time.
	Lease time.Duration
	// Known, if not nil, says of runs that they are known to be finished: the registry is not asked for these.
	Known func(run string) bool
	// Command is what the user asked for. It goes into manifests, which are published: no places in it.
	Command []string
	// Observe is told of what happens, from several goroutines; it may be nil.
	Observe func(Event)
}

// Event is news of a cell or an analysis: begun or advanced (Done false), or over.
type Event struct {
	// Run is its id in the registry, Name what people call it.
	Run, Name string
	Step      int
	Done      bool
	// Cached says that the run was there already.
	Cached bool
	// Held says that another process is at work on it; it comes up again later.
	Held bool
	// Failed is the reason of a run that is recorded as failed.
	Failed string
	Wall   time.Duration
}

// Run computes the cells that the registry lacks, several at a time, in order. A training that diverges
// is recorded as a failed run and is not an error. Cells that other processes hold are waited for. What is wrong with
// one cell alone, registry.ErrCorrupt or ErrConflict, stops no other, and is returned in the end. After any other
// error or a cancelled context no further cell is started, and cells in progress leave a checkpoint.
func (r *Runner) Run(ctx context.Context, cells []Cell) error {
	return r.all(ctx, len(cells), func(ctx context.Context, i int) error {
		cell := cells[i]
		return r.once(ctx, cell.Spec.ID(), cell.Name(), func(ctx context.Context, a attempt) (registry.Manifest, error) {
			return (&run{Runner: r, attempt: a, spec: cell.Spec, id: cell.Spec.ID()}).compute(ctx)
		})
	})
}

// all does jobs 0 to n-1, several at a time, in order; those that others hold come up again.
func (r *Runner) all(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	jobs := make([]int, n)
	for i := range jobs {
		jobs[i] = i
	}
	var damage []error
	for {
		done, err := r.pass(ctx, jobs, do)
		damage = append(damage, done.damage...)
		if err != nil || len(done.held) == 0 {
			return errors.Join(append(damage, err)...)
		}
		jobs = done.held
		select { // a lease is seen to be given up when it has not changed for its whole term
		case <-time.After(r.Lease / 8):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// left is what a pass leaves: jobs that others hold, and what is wrong with single ones.
type left struct {
	held   []int
	damage []error
}

// pass goes through the jobs once.
func (r *Runner) pass(ctx context.Context, jobs []int, do func(ctx context.Context, i int) error) (left, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var failure error
	var l left
	parallel.Each(len(jobs), r.Parallel, func(_, at int) {
		if ctx.Err() != nil {
			return
		}
		err := do(ctx, jobs[at])
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
		case errors.Is(err, registry.ErrHeld):
			l.held = append(l.held, jobs[at])
		case errors.Is(err, registry.ErrCorrupt), errors.Is(err, registry.ErrConflict):
			l.damage = append(l.damage, err)
		default:
			failure = cmp.Or(failure, err)
			cancel()
		}
	})
	return l, cmp.Or(failure, ctx.Err())
}

// Finished says whether the registry holds a run, complete or failed.
func Finished(ctx context.Context, reg *registry.Registry, id string) (bool, error) {
	_, _, err := reg.Run(ctx, id)
	if errors.Is(err, registry.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// once commits what compute returns under id, unless that is there already or held by another process.
func (r *Runner) once(ctx context.Context, id, name string, compute func(context.Context, attempt) (registry.Manifest, error)) error {
	observe := func(e Event) {
		e.Run, e.Name = id, name
		if r.Observe != nil {
			r.Observe(e)
		}
	}
	done := r.Known != nil && r.Known(id)
	if !done {
		var err error
		if done, err = Finished(ctx, r.Registry, id); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if done {
		observe(Event{Done: true, Cached: true})
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
		observe(Event{Done: true, Cached: true})
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
	observe(Event{})
	m, err := r.attempt(ctx, observe, compute)
	if err == nil {
		_, err = r.Registry.Commit(ctx, m)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	if errors.Is(context.Cause(ctx), registry.ErrHeld) { // another process thought this one dead, and goes on
		observe(Event{Held: true})
		return registry.ErrHeld
	}
	// Given back also when interrupted, so that others need not wait.
	if err = errors.Join(err, lease.Release(context.WithoutCancel(ctx))); err == nil {
		observe(Event{Done: true, Failed: m.Reason, Wall: time.Duration(m.Provenance.WallSeconds * float64(time.Second))})
	}
	return err
}

// owner names this process to those who meet its leases.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("%s, process %d", host, os.Getpid())
}

// attempt is the work of this process on a run, with a backend of its own.
type attempt struct {
	device  nn.Device
	start   time.Time
	energy  *meter
	observe func(Event)
}

// attempt adds to the manifest that compute returns what this process is, and what it took: more than the
// provenance in it says already of earlier attempts.
func (r *Runner) attempt(ctx context.Context, observe func(Event), compute func(context.Context, attempt) (registry.Manifest, error)) (registry.Manifest, error) {
	a := attempt{start: time.Now(), energy: startMeter(powercap, r.Parallel), observe: observe}
	devices, err := r.Backend.Open(r.Parallel, r.Threads)
	if err == nil {
		a.device, err = devices.Take()
	}
	if err != nil {
		return registry.Manifest{}, fmt.Errorf("backend %s: %w", r.Backend, err)
	}
	defer devices.Give(a.device)
	m, err := compute(ctx, a)
	if err != nil {
		return m, err
	}
	before := m.Provenance
	m.Provenance = r.provenance(a.start)
	if !before.Started.IsZero() { // a plan that was registered between two attempts came too late
		m.Provenance.Started = before.Started
	}
	m.Provenance.WallSeconds = before.WallSeconds + time.Since(a.start).Seconds()
	m.Provenance.Joules = before.Joules + a.energy.joules()
	m.Provenance.Resumed = before.Resumed
	m.Provenance.Finished = time.Now().UTC().Truncate(time.Millisecond)
	return m, nil
}

// trainer begins the training of a cell.
func (r *Runner) trainer(s Spec, device nn.Device) (method.Trainer, error) {
	return s.Training.Config.New(method.Start{Device: device, Rules: s.Training.Rules, Data: r.Data, Seed: s.Seed, Threads: r.Threads})
}
