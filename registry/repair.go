package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cidbench/cidbench/registry/store"
)

// A Remedy is what is to be done about a Problem.
type Remedy string

const (
	Refetch Remedy = "fetch"     // whole bytes are in the trash, or in the second registry, and take its place
	Drop    Remedy = "drop"      // it is deleted; what it was is computed again when it is asked for
	Leave   Remedy = "leave"     // nothing here can mend it; Mending.Detail says what can
	mended  Remedy = "not there" // by somebody else, meanwhile
)

// A Mending is a problem with what is done about it.
type Mending struct {
	Problem
	Remedy Remedy `json:"remedy"`
	// Advice says of what is left what to do.
	Advice string `json:"advice,omitempty"`
}

func (m Mending) String() string {
	text := fmt.Sprintf("%s: %v", m.Remedy, m.Problem)
	if m.Advice != "" {
		text += "; " + m.Advice
	}
	return text
}

// RepairOptions say how to repair. The zero value only looks.
type RepairOptions struct {
	// Remove replaces and deletes what is damaged. Without it nothing is written.
	Remove bool
	// From, if not nil, is a second registry, to fetch from what is damaged here.
	From *Registry
	// Progress, if not nil, is called after each of total objects that are looked at.
	Progress func(done, total int)
}

// Repair checks everything, and puts whole bytes in the place of what is damaged: from the trash, or from a second
// registry. What is to be had nowhere is dropped: a manifest with its signatures, so that the run counts as unfinished
// and goes on from its last checkpoint; an event, or a blob that no manifest needs, so that a run goes on from the one
// before. A blob that a manifest needs is left, and so is what is no part of a registry. Errors: ErrUnavailable.
func (r *Registry) Repair(ctx context.Context, opts RepairOptions) ([]Mending, error) {
	problems, err := r.Check(ctx, CheckOptions{ReadData: true, Progress: opts.Progress})
	if err != nil {
		return nil, err
	}
	needed := make(map[Digest]string) // by which run
	for m, err := range r.Manifests(ctx) {
		if err != nil && !errors.Is(err, ErrCorrupt) {
			return nil, err
		}
		for _, d := range m.Artifacts {
			needed[d.Digest] = m.Run
		}
	}
	var mendings []Mending
	for _, p := range problems {
		m := Mending{Problem: p, Remedy: Leave}
		whole, err := r.whole(ctx, opts.From, p)
		if err != nil {
			return mendings, err
		}
		switch part := parseKey(p.Key); {
		case part.kind == foreignPart, part.kind == freePart, part.kind == runPart, part.kind == leasePart:
			m.Advice = "it is no object of the registry: remove it by hand, or put what is behind a link in its place"
		case part.kind == configPart:
			m.Advice = "put back the file of a copy, by hand"
		case whole != nil:
			m.Remedy = Refetch
		case part.kind == blobPart && needed[part.blob] != "":
			m.Advice = fmt.Sprintf("run %s needs it: give a second registry that holds it, or forget the run", needed[part.blob])
		default: // what is derived, too
			m.Remedy = Drop
		}
		if opts.Remove && m.Remedy != Leave {
			if err := r.mend(ctx, &m, whole); err != nil {
				return mendings, fmt.Errorf("%s: %w", p.Key, err)
			}
		}
		if m.Remedy != mended {
			mendings = append(mendings, m)
		}
	}
	return mendings, nil
}

// whole returns the bytes that belong under the key of a problem, if they are to be had; else nil.
func (r *Registry) whole(ctx context.Context, from *Registry, p Problem) (data []byte, err error) {
	part := parseKey(p.Key)
	registries := []*Registry{r}
	if from != nil {
		registries = append(registries, from)
	}
	for _, source := range registries {
		switch part.kind {
		case blobPart:
			data, err = source.anyBlob(ctx, part.blob)
		case manifestPart:
			var m Manifest
			if m, _, err = source.Run(ctx, part.run); err == nil {
				data, err = encode(m)
			}
		case eventPart:
			if _, err = source.event(ctx, part.run, p.Key); err == nil {
				data, err = source.loadObject(ctx, p.Key)
			}
		case signaturePart:
			var m Manifest
			var digest Digest
			if m, digest, err = r.Run(ctx, part.run); err == nil {
				data, err = source.loadObject(ctx, p.Key)
			}
			if err == nil {
				err = decodeEnvelope(data, part.signer, m, digest)
			}
		default:
			return nil, nil
		}
		if err == nil {
			return data, nil
		} else if !tolerable(err) {
			return nil, err
		}
	}
	return nil, nil
}

// anyBlob reads a blob of whatever size, from its place or the trash. Errors: as Blob.
func (r *Registry) anyBlob(ctx context.Context, d Digest) ([]byte, error) {
	keys := []string{blobKey(d)}
	for key, err := range r.trashed(ctx, d) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	err := fmt.Errorf("registry: %s: %w", blobKey(d), ErrNotExist)
	for _, key := range keys {
		var data []byte
		if data, err = r.loadObject(ctx, key); err == nil && DigestOf(data) == d {
			return data, nil
		} else if err == nil {
			err = corrupt("%s hashes to %s", key, DigestOf(data))
		} else if !tolerable(err) {
			return nil, err
		}
	}
	return nil, err
}

// mend does what is to be done: it puts whole in the place of what is damaged, or deletes that.
func (r *Registry) mend(ctx context.Context, m *Mending, whole []byte) error {
	if p := parseKey(m.Key); p.kind == manifestPart {
		if err := r.mark(ctx, p.run); err != nil {
			return err
		}
	}
	there, version, err := r.store.Load(ctx, m.Key)
	switch {
	case errors.Is(err, ErrNotExist):
	case err == nil && bytes.Equal(there, whole) && whole != nil:
		m.Remedy = mended
		return nil
	case err == nil && whole != nil:
		if _, err = r.store.Swap(ctx, m.Key, version, whole); errors.Is(err, ErrConflict) {
			err = fmt.Errorf("%w: others are at work on it; repair again", err)
		}
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	default: // to be dropped, or not to be read at all
		if err := r.store.Delete(ctx, m.Key); err != nil {
			return err
		}
	}
	if whole != nil {
		return r.put(ctx, m.Key, whole)
	}
	if p := parseKey(m.Key); p.kind == manifestPart {
		return r.deleteAll(ctx, runPrefix+p.run+"/signatures/")
	}
	return nil
}

func (r *Registry) deleteAll(ctx context.Context, prefix string) error {
	var all []store.Info
	for info, err := range r.store.List(ctx, prefix) {
		if err != nil {
			return err
		}
		all = append(all, info)
	}
	return forEach(ctx, all, func(ctx context.Context, info store.Info) error { return r.store.Delete(ctx, info.Key) })
}

// Forget deletes a run, finished or not: its manifest first, so that from then on it counts as never run, then the
// rest but its blobs, which the next collections find needed by nothing. Errors: ErrExist if somebody has signed it;
// ErrHeld if somebody is at work on it; ErrUnavailable.
func (r *Registry) Forget(ctx context.Context, run string) error {
	if err := checkRunID(run); err != nil {
		return err
	}
	signers, err := r.Signers(ctx, run)
	if err != nil {
		return err
	}
	if len(signers) > 0 {
		return fmt.Errorf("registry: forget run %s: a signature by key %s %w", run, signers[0], ErrExist)
	}
	lease, err := r.acquire(ctx, leaseKey(run), "forget", DefaultTerm)
	if err != nil {
		return err
	}
	if err = r.mark(ctx, run); err == nil {
		err = r.store.Delete(ctx, manifestKey(run))
	}
	if err == nil {
		err = r.deleteAll(ctx, eventPrefix(run))
	}
	err = errors.Join(err, lease.Release(context.WithoutCancel(ctx)))
	if err == nil {
		err = r.store.Delete(ctx, leaseKey(run))
	}
	return err
}

// Signers are the ids of the keys of which a run has signatures, verified or not.
func (r *Registry) Signers(ctx context.Context, run string) (keys []string, err error) {
	for info, err := range r.store.List(ctx, runPrefix+run+"/signatures/") {
		if err != nil {
			return nil, err
		}
		if p := parseKey(info.Key); p.kind == signaturePart {
			keys = append(keys, p.signer)
		}
	}
	return keys, nil
}
