package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cidbench/cidbench/registry/store"
)

// DefaultGrace is how long garbage stays, and how long a run may take between
// storing a blob and the event or manifest that refers to it.
const DefaultGrace = 14 * 24 * time.Hour

// DefaultTerm is how long a collection that died keeps others out.
const DefaultTerm = 20 * time.Second

// GCOptions says what a garbage collection does. The zero value only looks.
type GCOptions struct {
	// Remove moves garbage to the trash and empties the trash of earlier passes. Without it, nothing is written.
	Remove bool
	// Grace is the age from which blobs, and the events of unfinished runs, may be given up; 0 means DefaultGrace.
	Grace time.Duration
	// Owner names the collection to others, in the lease that excludes them; Term is its term, 0 means DefaultTerm.
	Owner string
	Term  time.Duration
	// Progress, if not nil, is called after each of total blobs.
	Progress func(done, total int)
}

// GCReport has what a garbage collection did, or without Remove would do.
type GCReport struct {
	Trashed  []Garbage `json:"trashed"`  // moved to the trash: nothing refers to it
	Restored []Garbage `json:"restored"` // moved back: something does again
	Purged   []Garbage `json:"purged"`   // deleted: in the trash for longer than the grace period
	Damaged  []Garbage `json:"damaged"`  // left alone, because its bytes are not those of its name
	// Files that killed writers have left half-written in a directory are deleted, with so many bytes.
	Files     int   `json:"files"`
	FileBytes int64 `json:"fileBytes"`
	// Unknown are runs and events of which it cannot be read what they need. While there are any, nothing is moved or
	// deleted; Repair removes them.
	Unknown []Problem `json:"unknown"`
}

// Garbage is a blob that nothing needs.
type Garbage struct {
	Digest Digest `json:"digest"`
	Size   int64  `json:"size"`
}

// GC collects blobs to which neither a manifest nor an event of a live run refers and that are older than the grace
// period; nothing else refers to blobs. A run is live if it is not finished and has a lease that is being renewed,
// or an event or a lease younger than the grace period.
//
// Writers may be at work meanwhile. A blob is never deleted at once, but moved to the trash, and GC looks again
// afterwards for what needs it. Whoever refers to a blob looks for it before and after, and moves it back. Thus no
// order of the steps of a collector and a writer loses a blob, nor does a step of a collector that has lost its lease
// and comes late, as long as the writer, and any request, take less than the grace period.
//
// Another collection is waited for, for as long as it takes to see that it is alive.
//
// Errors: ErrHeld if another collection is at work; ErrCorrupt if something that might refer to blobs cannot be
// read, in which case the report says what, and nothing is removed; ErrUnavailable.
func (r *Registry) GC(ctx context.Context, opts GCOptions) (report GCReport, err error) {
	if opts.Grace < 0 {
		return GCReport{}, fmt.Errorf("registry: gc: the grace period %v is negative", opts.Grace)
	}
	if opts.Grace == 0 {
		opts.Grace = DefaultGrace
	}
	now := time.Now()
	if opts.Remove {
		var lease *Lease
		if lease, err = r.await(ctx, gcLockKey, opts.Owner, cmp.Or(opts.Term, DefaultTerm)); err != nil {
			return GCReport{}, fmt.Errorf("registry: gc: %w", err)
		}
		defer func() { err = errors.Join(err, lease.Release(context.WithoutCancel(ctx))) }()
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		defer cancel(nil)
		go func() {
			select {
			case <-lease.Lost():
				cancel(fmt.Errorf("registry: the lease was lost: %w", ErrHeld))
			case <-ctx.Done():
			}
		}()
		// Ages are differences of times of the same clock, that of the store.
		info, err := r.store.Stat(ctx, gcLockKey)
		if err != nil {
			return GCReport{}, err
		}
		now = info.ModTime
	}
	c := collector{Registry: r, opts: opts, now: now, cutoff: now.Add(-opts.Grace)}
	if err = c.collect(ctx); err != nil && errors.Is(context.Cause(ctx), ErrHeld) {
		err = context.Cause(ctx)
	}
	return c.report, err
}

type collector struct {
	*Registry
	opts        GCOptions
	now, cutoff time.Time
	report      GCReport
}

func (c *collector) collect(ctx context.Context) error {
	needed, err := c.mark(ctx)
	if err != nil {
		return err
	}
	var candidates []store.Info
	for info, err := range c.store.List(ctx, blobPrefix) {
		if err != nil {
			return err
		}
		if p := parseKey(info.Key); p.kind == blobPart && !needed[p.blob] && info.ModTime.Before(c.cutoff) {
			candidates = append(candidates, info)
		}
	}
	if err := c.emptyTrash(ctx, needed); err != nil {
		return err
	}
	if n := len(c.report.Unknown); n > 0 {
		return corrupt("it is not known what %d runs or events need, so that nothing was removed; repair them first", n)
	}
	for i, info := range candidates {
		if err := c.trash(ctx, parseKey(info.Key).blob, info); err != nil {
			return err
		}
		if c.opts.Progress != nil {
			c.opts.Progress(i+1, len(candidates))
		}
	}
	if !c.opts.Remove {
		return nil
	}
	if s, ok := c.store.(interface {
		Tidy(before time.Time) (int, int64, error)
	}); ok {
		if c.report.Files, c.report.FileBytes, err = s.Tidy(c.cutoff); err != nil {
			return err
		}
	}
	if len(c.report.Trashed) == 0 {
		return nil
	}
	if needed, err = c.mark(ctx); err != nil {
		return err
	}
	for _, g := range c.report.Trashed {
		if needed[g.Digest] || len(c.report.Unknown) > 0 {
			if err := c.restore(ctx, g); err != nil {
				return err
			}
		}
	}
	return nil
}

// trash moves a blob away.
func (c *collector) trash(ctx context.Context, d Digest, info store.Info) error {
	garbage := Garbage{d, info.Size}
	if !c.opts.Remove {
		c.report.Trashed = append(c.report.Trashed, garbage)
		return nil
	}
	_, err := copyObject(ctx, c.Registry, info.Key, c.Registry, newTrashKey(d), d)
	switch {
	case errors.Is(err, ErrCorrupt):
		c.report.Damaged = append(c.report.Damaged, garbage)
		return nil
	case errors.Is(err, ErrNotExist): // somebody has removed it
		return nil
	case err != nil:
		return err
	}
	if err := c.store.Delete(ctx, info.Key); err != nil {
		return err
	}
	c.report.Trashed = append(c.report.Trashed, garbage)
	return nil
}

func (c *collector) restore(ctx context.Context, g Garbage) error {
	if c.opts.Remove {
		if _, err := c.untrash(ctx, g.Digest); err != nil {
			return err
		}
	}
	c.report.Restored = append(c.report.Restored, g)
	return nil
}

// emptyTrash moves back what is needed again, and deletes what earlier passes have left and is not, or is there
// once more, whole.
func (c *collector) emptyTrash(ctx context.Context, needed map[Digest]bool) error {
	for info, err := range c.store.List(ctx, trashPrefix) {
		if err != nil {
			return err
		}
		p := parseKey(info.Key)
		if p.kind != trashPart || info.Special != "" {
			continue
		}
		garbage := Garbage{p.blob, info.Size}
		if needed[p.blob] {
			err := c.read(ctx, info.Key, func() error { return store.Holds(ctx, c.store, blobKey(p.blob), info.Size, p.blob) })
			switch {
			case errors.Is(err, ErrNotExist):
				if err := c.restore(ctx, garbage); err != nil {
					return err
				}
			case err != nil && tolerable(err): // it is damaged, and this may be what to mend it with
				continue
			case err != nil:
				return err
			}
		}
		if !info.ModTime.Before(c.cutoff) || len(c.report.Unknown) > 0 {
			continue
		}
		if c.opts.Remove {
			if err := c.store.Delete(ctx, info.Key); err != nil {
				return err
			}
		}
		c.report.Purged = append(c.report.Purged, garbage)
	}
	return nil
}

// mark returns the digests of all blobs that something needs, and adds to the report of what that cannot be known.
func (c *collector) mark(ctx context.Context) (map[Digest]bool, error) {
	c.report.Unknown = nil
	needed := make(map[Digest]bool)
	finished := make(map[string]bool)
	young := make(map[string]bool)
	var events []store.Info
	var manifests []string
	for info, err := range c.store.List(ctx, runPrefix) {
		if err != nil {
			return nil, err
		}
		if info.Special != "" {
			_ = c.unknown(info.Key, corrupt("it is a %s", info.Special))
			continue
		}
		recent := !info.ModTime.Before(c.cutoff)
		switch p := parseKey(info.Key); p.kind {
		case manifestPart:
			finished[p.run] = true
			manifests = append(manifests, p.run)
		case eventPart:
			events = append(events, info)
			young[p.run] = young[p.run] || recent
		case leasePart:
			young[p.run] = young[p.run] || recent || info.ModTime.After(c.now.Add(-maxTTL))
		}
	}
	events = slices.DeleteFunc(events, func(info store.Info) bool {
		run := parseKey(info.Key).run
		return finished[run] || !young[run]
	})
	var mu sync.Mutex // guards needed and the report
	need := func(d Digest) {
		mu.Lock()
		defer mu.Unlock()
		needed[d] = true
	}
	err := forEach(ctx, manifests, func(ctx context.Context, run string) error {
		m, _, err := c.Run(ctx, run)
		for _, artifact := range m.Artifacts {
			need(artifact.Digest)
		}
		mu.Lock()
		defer mu.Unlock()
		return c.unknown(manifestKey(run), err)
	})
	if err == nil {
		err = forEach(ctx, events, func(ctx context.Context, info store.Info) error {
			event, err := c.event(ctx, parseKey(info.Key).run, info.Key)
			for _, d := range digestsIn(event.Data) {
				need(d)
			}
			mu.Lock()
			defer mu.Unlock()
			return c.unknown(info.Key, err)
		})
	}
	slices.SortFunc(c.report.Unknown, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) })
	return needed, err
}

// unknown notes an object of which it cannot be read what it needs; it returns every other error.
func (c *collector) unknown(key string, err error) error {
	switch {
	case errors.Is(err, ErrNotExist): // it is gone since it was listed
		return nil
	case !errors.Is(err, ErrCorrupt):
		return err
	}
	c.report.Unknown = append(c.report.Unknown, Problem{key, kindOf(err, Flipped), err.Error()})
	return nil
}
