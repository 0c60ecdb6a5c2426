package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/nn"
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
	// Share is the part that this process begins with. NoWait leaves to others what they hold in the end.
	Share  Share
	NoWait bool
	// SaveEvery is the time after which a training is saved, so that a machine that dies loses no more; 0 means an hour.
	SaveEvery time.Duration
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
	Loss      float64 // InfoNCE of the step, in nats; 0 for what is no step
	Done      bool
	// Cached says that the run was there already.
	Cached bool
	// Held says that another process is at work on it; it comes up again later.
	Held bool
	// Twin is who that is, if it goes by the same share: two workers with one index, or the one before this.
	Twin string
	// Failed is the reason of a run that is recorded as failed.
	Failed string
	Wall   time.Duration
}

// Run computes the cells that the registry lacks, several at a time, in order. A training that diverges
// is recorded as a failed run and is not an error. Cells that other processes hold are waited for, unless NoWait is set. What is wrong with
// one cell alone, registry.ErrCorrupt or ErrConflict, stops no other, and is returned in the end. After any other
// error or a cancelled context no further cell is started, and cells in progress leave a checkpoint.
func (r *Runner) Run(ctx context.Context, cells []Cell) error {
	ids := make([]string, len(cells))
	for i, cell := range cells {
		ids[i] = cell.Spec.ID()
	}
	return r.all(ctx, ids, func(ctx context.Context, i int) error {
		cell := cells[i]
		return r.once(ctx, cell.Spec.ID(), cell.Name(), func(ctx context.Context, a attempt) (registry.Manifest, error) {
			return (&run{Runner: r, attempt: a, spec: cell.Spec, id: cell.Spec.ID()}).compute(ctx)
		})
	})
}

// Finished says whether the registry holds a run, complete or failed.
func Finished(ctx context.Context, reg *registry.Registry, id string) (bool, error) {
	_, _, err := reg.Run(ctx, id)
	if errors.Is(err, registry.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// once commits what compute returns under id. Errors: errCached if that is there already; registry.ErrHeld.
func (r *Runner) once(ctx context.Context, id, name string, compute func(context.Context, attempt) (registry.Manifest, error)) error {
	observe := func(e Event) {
		e.Run, e.Name = id, name
		if r.Observe != nil {
			r.Observe(e)
		}
	}
	if r.Known != nil && r.Known(id) {
		observe(Event{Done: true, Cached: true})
		return errCached
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// Not cancelled half-way: a lease that was taken must be given back below.
	lease, err := r.Registry.Acquire(context.WithoutCancel(ctx), id, r.owner(), r.Lease)
	if errors.Is(err, registry.ErrHeld) {
		observe(Event{Held: true, Twin: r.twin(err)})
		return err
	}
	if errors.Is(err, registry.ErrExist) { // there is a manifest, whole or not
		if _, err = Finished(ctx, r.Registry, id); err == nil {
			observe(Event{Done: true, Cached: true})
			return errCached
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
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
	m, err := r.attempt(ctx, func(e Event) {
		lease.Reached(e.Step)
		observe(e)
	}, compute)
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
func (r *Runner) owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	name := fmt.Sprintf("%s, process %d", host, os.Getpid())
	if s := r.Share.String(); s != "" {
		name += ", " + s
	}
	return name
}

// twin is the owner of a lease that is held, if it goes by this process's share; else empty.
func (r *Runner) twin(err error) string {
	var held *registry.HeldError
	if share := r.Share.String(); share != "" && errors.As(err, &held) && strings.HasSuffix(held.Owner, ", "+share) {
		return held.Owner
	}
	return ""
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
