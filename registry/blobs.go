package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

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

// PutBlob stores data under its digest; storing it again changes nothing.
// Errors: ErrCorrupt if the registry holds other bytes under that digest, that is, a damaged blob; ErrUnavailable.
func (r *Registry) PutBlob(ctx context.Context, mediaType string, data []byte) (Descriptor, error) {
	d := Descriptor{MediaType: mediaType, Digest: DigestOf(data), Size: int64(len(data))}
	if err := d.validate(); err != nil {
		return Descriptor{}, err
	}
	err := r.put(ctx, blobKey(d.Digest), data)
	if errors.Is(err, ErrExist) {
		return Descriptor{}, fmt.Errorf("%w: the stored blob is damaged, remove it and store it again: %w", ErrCorrupt, err)
	} else if err != nil {
		return Descriptor{}, err
	}
	return d, nil
}

// Blob reads a blob and verifies it. Errors: ErrNotExist; ErrCorrupt if size or
// digest are not those of the descriptor; ErrUnavailable.
func (r *Registry) Blob(ctx context.Context, d Descriptor) ([]byte, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
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
		if trashed, info, err := r.store.Get(ctx, trashKey(d)); err == nil {
			return trashed, info, nil
		}
	}
	return body, info, err
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

// untrash moves a blob back if it is in the trash, where a copy stays, and reports whether it was.
func (r *Registry) untrash(ctx context.Context, d Digest) (bool, error) {
	_, err := copyObject(ctx, r.store, trashKey(d), r.store, blobKey(d), d)
	if errors.Is(err, ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
