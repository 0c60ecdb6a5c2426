package registry

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// Commit makes a finished run visible, once and for all. It returns the digest of the stored manifest. If the run
// is there already with the same result digest, that one stays and Commit succeeds.
//
// Errors: ErrNotExist if an artifact is not there; ErrConflict if the run is there with another result; ErrCorrupt
// if a field that follows from others is set to something else or an artifact has another size; ErrUnavailable.
func (r *Registry) Commit(ctx context.Context, m Manifest) (Digest, error) {
	sealed, text, err := m.seal()
	if err != nil {
		return "", fmt.Errorf("registry: commit: %w", err)
	}
	if err := m.agrees(sealed); err != nil {
		return "", fmt.Errorf("registry: commit: %w: %w", ErrCorrupt, err)
	}
	if err := r.wantArtifacts(ctx, sealed); err != nil {
		return "", err
	}
	digest, err := r.putManifest(ctx, sealed, text)
	if err != nil {
		return "", err
	}
	if err := r.wantArtifacts(ctx, sealed); err != nil {
		return digest, err
	}
	r.committed(ctx, sealed.Run)
	return digest, nil
}

func (r *Registry) wantArtifacts(ctx context.Context, m Manifest) error {
	for _, name := range slices.Sorted(maps.Keys(m.Artifacts)) {
		if err := r.wantBlob(ctx, fmt.Sprintf("commit run %s: artifact %q", m.Run, name), m.Artifacts[name]); err != nil {
			return err
		}
	}
	return nil
}

// putManifest returns the digest of the manifest that is there in the end.
func (r *Registry) putManifest(ctx context.Context, m Manifest, text []byte) (Digest, error) {
	if err := r.announce(ctx, m.Run); err != nil {
		return "", err
	}
	err := r.put(ctx, manifestKey(m.Run), text)
	if err == nil {
		return DigestOf(text), nil
	} else if !errors.Is(err, ErrExist) {
		return "", err
	}
	there, digest, err := r.Run(ctx, m.Run)
	if err != nil {
		return "", err
	}
	if there.ResultDigest != m.ResultDigest {
		return "", fmt.Errorf("registry: commit run %s: %w: it is there with the result %s, not %s",
			m.Run, ErrConflict, there.ResultDigest, m.ResultDigest)
	}
	return digest, nil
}

// Run reads and verifies the manifest of a finished run, and returns the digest of its stored form, too.
// Errors: ErrNotExist if the run is not finished; ErrCorrupt; ErrUnavailable.
func (r *Registry) Run(ctx context.Context, id string) (Manifest, Digest, error) {
	if err := checkRunID(id); err != nil {
		return Manifest{}, "", err
	}
	key := manifestKey(id)
	data, err := r.loadObject(ctx, key)
	if err != nil {
		return Manifest{}, "", err
	}
	m, err := manifestOf(id, data)
	if err != nil {
		return Manifest{}, "", fmt.Errorf("registry: %s: %w", key, err)
	}
	return m, DigestOf(data), nil
}

// manifestOf is DecodeManifest for that of one run.
func manifestOf(run string, data []byte) (Manifest, error) {
	m, err := DecodeManifest(data)
	if err == nil && m.Run != run {
		return Manifest{}, fmt.Errorf("%w: it is the manifest of run %s", ErrCorrupt, m.Run)
	}
	return m, err
}

// Runs yields the ids of all finished runs, complete or failed, in order, and of those whose place is taken by what is
// no run. It does not read their manifests. An error is yielded last.
func (r *Registry) Runs(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for info, err := range r.store.List(ctx, runPrefix) {
			if err != nil {
				yield("", err)
				return
			}
			p := parseKey(info.Key)
			if (p.kind == manifestPart || p.kind == runPart && info.Special != "") && !yield(p.run, nil) {
				return
			}
		}
	}
}

// Manifests yields the manifests of all finished runs in the order of their ids, verified as by Run, several being
// read at a time. A damaged one is yielded as its ErrCorrupt, with its id in Manifest.Run, and the next ones
// follow; after any other error there is no more.
func (r *Registry) Manifests(ctx context.Context) iter.Seq2[Manifest, error] {
	type result struct {
		m   Manifest
		err error
	}
	return func(yield func(Manifest, error) bool) {
		var runs []string
		for run, err := range r.Runs(ctx) {
			if err != nil {
				yield(Manifest{}, err)
				return
			}
			runs = append(runs, run)
		}
		for len(runs) > 0 {
			some := make([]*result, min(len(runs), 8*concurrency))
			for i := range some {
				some[i] = &result{m: Manifest{Run: runs[i]}}
			}
			err := forEach(ctx, some, func(ctx context.Context, next *result) error {
				m, _, err := r.Run(ctx, next.m.Run)
				if err == nil {
					next.m = m
				} else if next.err = err; !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNotExist) {
					return err
				}
				return nil
			})
			if err != nil {
				yield(Manifest{}, err)
				return
			}
			for _, next := range some {
				if !errors.Is(next.err, ErrNotExist) && !yield(next.m, next.err) { // one may have been forgotten meanwhile
					return
				}
			}
			runs = runs[len(some):]
		}
	}
}
