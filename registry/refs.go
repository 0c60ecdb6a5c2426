package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
)

func refKey(name string) (string, error) {
	key := "refs/" + name + ".json"
	if !ValidKey(key) {
		return "", fmt.Errorf("registry: %q is not a name for a ref", name)
	}
	return key, nil
}

// SetRef lets a name point to a blob, if its version is still old, the one that
// Ref returned; the empty version means that there is no such ref yet. It
// returns the new version.
//
// Errors: ErrConflict if another writer has set the ref; ErrNotExist if the
// blob is not there; ErrCorrupt if it has another size; ErrUnavailable.
func (r *Registry) SetRef(ctx context.Context, name string, target Descriptor, old Version) (Version, error) {
	key, err := refKey(name)
	if err != nil {
		return "", err
	}
	if err := r.wantBlob(ctx, "set ref "+name, target); err != nil {
		return "", err
	}
	text, err := encode(target)
	if err != nil {
		return "", err
	}
	version, err := r.store.Swap(ctx, key, old, text)
	if err != nil {
		return "", err
	}
	return version, r.wantBlob(ctx, "set ref "+name, target)
}

// Ref returns the blob that a name points to, and the version to set it with.
// Errors: ErrNotExist; ErrCorrupt; ErrUnavailable.
func (r *Registry) Ref(ctx context.Context, name string) (Descriptor, Version, error) {
	key, err := refKey(name)
	if err != nil {
		return Descriptor{}, "", err
	}
	text, version, err := r.store.Load(ctx, key)
	if err != nil {
		return Descriptor{}, "", err
	}
	target, err := decodeRef(text)
	if err != nil {
		return Descriptor{}, "", fmt.Errorf("registry: %s: %w: %w", key, ErrCorrupt, err)
	}
	return target, version, nil
}

func decodeRef(text []byte) (Descriptor, error) {
	var target Descriptor
	if err := decodeStrict(text, &target); err != nil {
		return Descriptor{}, err
	}
	if err := target.validate(); err != nil {
		return Descriptor{}, err
	}
	if again, err := encode(target); err != nil || !bytes.Equal(again, text) {
		return Descriptor{}, errors.New("not canonical JSON")
	}
	return target, nil
}

// Refs yields the names of all refs in order. An error is yielded last.
func (r *Registry) Refs(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for info, err := range r.store.List(ctx, "refs/") {
			if err != nil {
				yield("", err)
				return
			}
			if p := parseKey(info.Key); p.kind == refPart && !yield(p.ref, nil) {
				return
			}
		}
	}
}
