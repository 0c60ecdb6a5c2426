package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
	"time"
)

// An Event is something that happened during a run, such as a checkpoint.
type Event struct {
	Seq  int             `json:"seq"` // from 1
	Time time.Time       `json:"time"`
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data"` // may hold Descriptors of blobs
}

// Append adds an event to a run, which need not be finished. Its number is one more than the last. Two processes
// that append at the same moment may be given the same number; both events are kept, in the order of their digests.
// (A run has one owner at a time, so that only an owner that was given up for dead can do this.)
//
// data is anything that encoding/json can encode. Store the blobs that it describes before. Errors: ErrUnavailable.
func (r *Registry) Append(ctx context.Context, run, kind string, data any) (Event, error) {
	if err := checkRunID(run); err != nil {
		return Event{}, err
	}
	if kind == "" {
		return Event{}, errors.New("registry: an event has a kind")
	}
	value, err := canonical(data)
	if err != nil {
		return Event{}, fmt.Errorf("registry: %s event of run %s: %w", kind, run, err)
	}
	r.appending.Lock() // between reading the last number and using the next
	defer r.appending.Unlock()
	last, err := r.lastSeq(ctx, run)
	if err != nil {
		return Event{}, err
	}
	if last == 0 && !r.isAnnounced(run) {
		if err := r.announceBegun(ctx, run); err != nil {
			return Event{}, err
		}
	}
	for seq := last + 1; ; seq++ {
		event := Event{seq, time.Now().UTC(), kind, value}
		text, err := encode(event)
		if err != nil {
			return Event{}, fmt.Errorf("registry: %s event of run %s: %w", kind, run, err)
		}
		err = r.put(ctx, eventKey(run, seq, text), text)
		if err == nil {
			return event, r.keepBlobs(ctx, value)
		} else if !errors.Is(err, ErrExist) {
			return Event{}, err
		}
	}
}

// keepBlobs moves back what a collector has moved away before it could see the event whose data this is.
func (r *Registry) keepBlobs(ctx context.Context, data []byte) error {
	for _, d := range digestsIn(data) {
		if _, err := r.store.Stat(ctx, blobKey(d)); err == nil {
			continue
		} else if !errors.Is(err, ErrNotExist) {
			return err
		}
		if _, err := r.untrash(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (r *Registry) lastSeq(ctx context.Context, run string) (int, error) {
	last := 0
	for info, err := range r.store.List(ctx, eventPrefix(run)) {
		if err != nil {
			return 0, err
		}
		if p := parseKey(info.Key); p.kind == eventPart {
			last = p.seq
		}
	}
	return last, nil
}

// Events yields the events of a run in order, verified. An event that is damaged is yielded as its ErrCorrupt, and
// the next ones follow; after any other error there is no more. A run without events yields none.
//
// A run is resumed from its last checkpoint event whose blob Blob still verifies.
func (r *Registry) Events(ctx context.Context, run string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := checkRunID(run); err != nil {
			yield(Event{}, err)
			return
		}
		for info, err := range r.store.List(ctx, eventPrefix(run)) {
			if err != nil {
				yield(Event{}, err)
				return
			}
			if parseKey(info.Key).kind != eventPart {
				continue
			}
			event, err := r.event(ctx, run, info.Key)
			if !yield(event, err) || err != nil && !errors.Is(err, ErrCorrupt) {
				return
			}
		}
	}
}

func (r *Registry) event(ctx context.Context, run, key string) (Event, error) {
	text, err := r.loadObject(ctx, key)
	if err != nil {
		return Event{}, err
	}
	var event Event
	if err := decodeStored(text, &event); err != nil {
		return Event{}, fmt.Errorf("registry: %s: %w: %w", key, ErrCorrupt, err)
	}
	if want := eventKey(run, event.Seq, text); key != want {
		return Event{}, fmt.Errorf("registry: %s: %w: its content belongs to %s", key, ErrCorrupt, strings.TrimPrefix(want, eventPrefix(run)))
	}
	return event, nil
}

var digestPattern = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// digestsIn finds the digests in the data of an event, whatever its form.
func digestsIn(data []byte) []Digest {
	var digests []Digest
	for _, match := range digestPattern.FindAll(data, -1) {
		digests = append(digests, Digest(match))
	}
	return digests
}
