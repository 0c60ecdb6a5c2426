package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

const (
	cells = 16 // runs of a round
	steps = 4  // of a run, each with a checkpoint
	term  = time.Second
	// grace is well above what any step may be held up, and below what a round takes.
	grace = 20 * time.Second
)

// A part is what a process has to do. What it says, a line each, begins with a word: op, fault, done, error, or wrong
// for what must not be.
type part struct {
	Role, Name, URL string
	Seed            uint64  // of the round
	Rate            float64 // of its calls to a directory that go wrong
}

func (p part) play(ctx context.Context, out io.Writer) error {
	s, err := registry.OpenStore(ctx, p.URL)
	if err != nil {
		return err
	}
	say := func(what string, args ...any) {
		fmt.Fprintln(out, what, store.Printable(strings.TrimSuffix(fmt.Sprintln(args...), "\n")))
	}
	r, err := registry.OpenOn(ctx, disturb(s, newDice(p.Seed, p.Rate), p.Name, say))
	if err != nil {
		return err
	}
	r.Pack(seriesType)
	if p.Role == "collector" {
		return p.collect(ctx, r, say)
	}
	p.write(ctx, r, say)
	return nil
}

// collect collects garbage until its input ends.
func (p part) collect(ctx context.Context, r *registry.Registry, say func(what string, args ...any)) error {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	for ctx.Err() == nil {
		report, err := r.GC(ctx, registry.GCOptions{Remove: true, Grace: grace, Term: term, Owner: p.Name})
		say("gc", len(report.Trashed), "trashed", len(report.Restored), "restored", len(report.Purged), "purged")
		p.meet(err, say)
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}

// meet says an error, all of which have a class.
func (p part) meet(err error, say func(what string, args ...any)) {
	what := "wrong"
	for _, class := range []error{registry.ErrUnavailable, registry.ErrCorrupt, registry.ErrNotExist, registry.ErrHeld, context.Canceled} {
		if errors.Is(err, class) {
			what = "error"
		}
	}
	if err != nil {
		say(what, err)
	}
}

// write computes the cells that nobody else does, until all are there. Meanwhile it reads what is there, and at times
// writes the index and its packs anew.
func (p part) write(ctx context.Context, r *registry.Registry, say func(what string, args ...any)) {
	random := randomFor(p.Seed, p.Name)
	left := random.Perm(cells)
	for attempt := 1; len(left) > 0; attempt++ {
		overview := func() (*registry.Overview, error) { return r.Overview(ctx, nil) }
		if random.IntN(8) == 0 {
			overview = func() (*registry.Overview, error) { return r.Reindex(ctx) }
		}
		o, err := overview()
		if err == nil {
			err = p.read(ctx, r, o, random, say)
		}
		p.meet(err, say)
		left = slices.DeleteFunc(left, func(cell int) bool {
			c := computation{r, cellKey(p.Seed, cell), cell, fmt.Sprint(p.Name, ", attempt ", attempt)}
			over, err := c.compute(ctx, say)
			if !errors.Is(err, registry.ErrHeld) {
				p.meet(err, say)
			}
			return over
		})
		time.Sleep(20 * time.Millisecond) // between two looks at what others hold
	}
}

// read reads a run by an overview, which has packs, and by its originals: these are the same.
func (p part) read(ctx context.Context, r *registry.Registry, o *registry.Overview, random *rand.Rand, say func(what string, args ...any)) error {
	if len(o.Finished) == 0 {
		return nil
	}
	run := o.Finished[random.IntN(len(o.Finished))].Run
	packed, digest, err := o.Run(ctx, run)
	if err != nil {
		return err
	}
	series, err := o.Blob(ctx, packed.Artifacts["series"])
	if err != nil {
		return err
	}
	m, original, err := r.Run(ctx, run)
	if err != nil {
		return err
	}
	if data, err := r.Blob(ctx, m.Artifacts["series"]); err != nil {
		return err
	} else if digest != original || !bytes.Equal(data, series) {
		say("wrong", "run", run, "is", digest, "by an overview, and", original, "where it lies")
	}
	return nil
}

func cellKey(seed uint64, cell int) json.RawMessage {
	return fmt.Appendf(nil, `{"cell":%d,"storm":%d}`, cell, seed)
}

// computation is an attempt at a cell.
type computation struct {
	*registry.Registry
	key     json.RawMessage
	cell    int
	attempt string
}

// checkpoint is the data of an event.
type checkpoint struct {
	Attempt string              `json:"attempt"`
	Step    int                 `json:"step"`
	State   registry.Descriptor `json:"state"`
}

// compute goes on from the last checkpoint that can be read, and reports whether the cell is computed, by whomever.
func (c computation) compute(ctx context.Context, say func(what string, args ...any)) (over bool, err error) {
	run, err := registry.RunID(c.key)
	if err != nil {
		return false, err
	}
	lease, err := c.Acquire(ctx, run, c.attempt, term)
	if errors.Is(err, registry.ErrExist) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, lease.Release(ctx)) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-lease.Lost():
			cancel(registry.ErrHeld)
		case <-ctx.Done():
		}
	}()
	step, state, err := c.resume(ctx, run)
	for ; err == nil && step < steps; step++ {
		state = advance(c.key, c.cell, state)
		var d registry.Descriptor
		if d, err = c.PutBlob(ctx, "text/plain", state); err == nil {
			_, err = c.Append(ctx, run, "checkpoint", checkpoint{c.attempt, step + 1, d})
		}
	}
	var m registry.Manifest
	if err == nil {
		m, err = c.manifest(ctx, state)
	}
	if err == nil {
		_, err = c.Commit(ctx, m)
	}
	if errors.Is(context.Cause(ctx), registry.ErrHeld) {
		return false, registry.ErrHeld
	}
	if err == nil {
		say("done", run)
	}
	return err == nil, err
}

func (c computation) resume(ctx context.Context, run string) (step int, state []byte, err error) {
	var all []checkpoint
	for event, err := range c.Events(ctx, run) {
		var x checkpoint
		if err == nil {
			err = json.Unmarshal(event.Data, &x)
		}
		if errors.Is(err, registry.ErrCorrupt) {
			continue
		} else if err != nil {
			return 0, nil, err
		}
		all = append(all, x)
	}
	slices.SortStableFunc(all, func(a, b checkpoint) int { return b.Step - a.Step })
	for _, x := range all {
		state, err = c.Blob(ctx, x.State)
		if err == nil {
			return x.Step, state, nil
		} else if !errors.Is(err, registry.ErrCorrupt) && !errors.Is(err, registry.ErrNotExist) {
			return 0, nil, err
		}
	}
	return 0, nil, nil
}

// advance is a step of training: what comes of it depends on all steps before. One cell in eight has large states.
func advance(key []byte, cell int, state []byte) []byte {
	size := 8 << 10
	if cell%8 == 0 {
		size = 1200 << 10
	}
	line := []byte(registry.DigestOf(slices.Concat(key, state)) + "\n")
	return bytes.Repeat(line, size/len(line))
}

// shared is an artifact of all runs.
const shared = "what all runs of a study have in common"

func (c computation) manifest(ctx context.Context, state []byte) (registry.Manifest, error) {
	now := time.Now()
	m := registry.Manifest{
		Status: registry.Complete, Key: c.key, Artifacts: make(map[string]registry.Descriptor),
		Result:     fmt.Appendf(nil, `{"state":%q}`, registry.DigestOf(state)),
		Provenance: registry.Provenance{Tool: c.attempt, Started: now, Finished: now},
	}
	for name, data := range map[string][]byte{"checkpoint": state, "shared": []byte(shared), "series": series(state)} {
		mediaType := "text/plain"
		if name == "series" {
			mediaType = seriesType
		}
		d, err := c.PutBlob(ctx, mediaType, data)
		if err != nil {
			return m, err
		}
		m.Artifacts[name] = d
	}
	return m, nil
}

// seriesType is that of the artifacts that are packed.
const seriesType = "text/csv"

func series(state []byte) []byte { return fmt.Appendf(nil, "series of %s", registry.DigestOf(state)) }
