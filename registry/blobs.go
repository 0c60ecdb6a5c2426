package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/cidbench/cidbench/registry/store"
)

// A Descriptor points to a blob and says what it is.
type Descriptor struct {
	MediaType   string            `json:"mediaType"` // carries the version of the schema
	Digest      Digest            `json:"digest"`
	Size        int64             `json:"size"` // in bytes
	Annotations map[string]string `json:"annotations,omitempty"`
}

func (d Descriptor) validate() error {
	if d.MediaType == "" {
		return fmt.Errorf("registry: descriptor of %s has no media type", d.Digest)
	}
	if d.Size < 0 {
		return fmt.Errorf("registry: descriptor of %s has the negative size %d", d.Digest, d.Size)
	}
	_, err := store.ParseDigest(string(d.Digest))
	return err
}

// PutBlob stores data under its digest; storing it again changes nothing, unless what is there is damaged: then data
// takes its place. Errors: ErrUnavailable.
func (r *Registry) PutBlob(ctx context.Context, mediaType string, data []byte) (Descriptor, error) {
	d := Descriptor{MediaType: mediaType, Digest: DigestOf(data), Size: int64(len(data))}
	if err := d.validate(); err != nil {
		return Descriptor{}, err
	}
	err := r.put(ctx, blobKey(d.Digest), data)
	if errors.Is(err, ErrExist) || errors.Is(err, ErrCorrupt) {
		err = r.replaceBlob(ctx, d.Digest, data)
	}
	return d, err
}

// replaceBlob puts data in the place of bytes that do not hash to their name. Of several who do, one wins, and what
// it has written is never taken away again.
func (r *Registry) replaceBlob(ctx context.Context, d Digest, data []byte) error {
	key := blobKey(d)
	for range concurrency {
		there, version, err := r.store.Load(ctx, key)
		switch {
		case errors.Is(err, ErrCorrupt): // no object at all
			err = r.store.Delete(ctx, key)
		case err == nil && DigestOf(there) == d:
			return nil
		case err == nil:
			_, err = r.store.Swap(ctx, key, version, data)
			if errors.Is(err, ErrConflict) { // another was first
				continue
			}
			return err
		case errors.Is(err, ErrNotExist):
			err = nil
		}
		if err != nil {
			return err
		}
		if err = r.put(ctx, key, data); !errors.Is(err, ErrExist) {
			return err
		}
	}
	return fmt.Errorf("registry: %s: %w: it is damaged, and others write it, too", key, ErrConflict)
}

// Blob reads a blob and verifies it. Errors: ErrNotExist; ErrCorrupt if size or
// digest are not those of the descriptor; ErrUnavailable.
func (r *Registry) Blob(ctx context.Context, d Descriptor) ([]byte, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	var data []byte
	err := r.read(ctx, blobKey(d.Digest), func() (err error) {
		data, err = r.readBlob(ctx, d)
		return err
	})
	return data, err
}

func (r *Registry) readBlob(ctx context.Context, d Descriptor) ([]byte, error) {
	body, info, err := r.openBlob(ctx, d.Digest)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if err := wantSize(info, d); err != nil { // before memory is set aside for it
		return nil, err
	}
	data := make([]byte, d.Size)
	if _, err := io.ReadFull(store.ContextReader(ctx, body), data); err != nil {
		return nil, fmt.Errorf("registry: %s: %w: %w", info.Key, cmp.Or(ctx.Err(), ErrUnavailable), err)
	}
	if got := DigestOf(data); got != d.Digest {
		return nil, fmt.Errorf("registry: %s: %w: it hashes to %s, want %s", info.Key, ErrCorrupt, got, d.Digest)
	}
	return data, nil
}

// openBlob looks in the trash, too: a collector may be about to move the blob back.
func (r *Registry) openBlob(ctx context.Context, d Digest) (io.ReadCloser, store.Info, error) {
	body, info, err := r.store.Get(ctx, blobKey(d))
	if errors.Is(err, ErrNotExist) {
		for key, e := range r.trashed(ctx, d) {
			if e != nil {
				return nil, store.Info{}, e
			}
			if trashed, info, e := r.store.Get(ctx, key); e == nil {
				return trashed, info, nil
			}
		}
	}
	return body, info, err
}

// trashed yields the keys under which a blob is in the trash. An error is yielded last.
func (r *Registry) trashed(ctx context.Context, d Digest) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for info, err := range r.store.List(ctx, trashKey(d)) {
			if err != nil {
				yield("", err)
				return
			}
			if p := parseKey(info.Key); p.kind == trashPart && p.blob == d && info.Special == "" && !yield(info.Key, nil) {
				return
			}
		}
	}
}

func wantSize(info store.Info, d Descriptor) error {
	if info.Size != d.Size {
		return fmt.Errorf("registry: %s: %w: it has %d bytes, want %d", info.Key, ErrCorrupt, info.Size, d.Size)
	}
	return nil
}

// HasBlob reports whether the blob is there, without reading it. Errors:
// ErrCorrupt if its size is not that of the descriptor; ErrUnavailable.
func (r *Registry) HasBlob(ctx context.Context, d Descriptor) (bool, error) {
	if err := d.validate(); err != nil {
		return false, err
	}
	info, err := r.store.Stat(ctx, blobKey(d.Digest))
	if errors.Is(err, ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	err = wantSize(info, d)
	return err == nil, err
}

// wantBlob fails with ErrNotExist where HasBlob is false: nothing is written that refers to what is not there. It
// moves the blob back if a collector has moved it away. Whoever writes a reference calls it before and after: a
// collector that has not seen the reference has moved the blob by then.
func (r *Registry) wantBlob(ctx context.Context, what string, d Descriptor) error {
	ok, err := r.HasBlob(ctx, d)
	if err == nil && !ok {
		if ok, err = r.untrash(ctx, d.Digest); ok {
			ok, err = r.HasBlob(ctx, d)
		}
	}
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("registry: %s: blob %s %w; store it first", what, d.Digest, ErrNotExist)
	}
	return nil
}

// untrash moves a blob back if a whole one is in the trash, where a copy stays, and reports whether it was.
func (r *Registry) untrash(ctx context.Context, d Digest) (bool, error) {
	for key, err := range r.trashed(ctx, d) {
		if err != nil {
			return false, err
		}
		_, err = copyObject(ctx, r, key, r, blobKey(d), d)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, ErrNotExist) && !errors.Is(err, ErrCorrupt) {
			return false, err
		}
	}
	return false, nil
}
