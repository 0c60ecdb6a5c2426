package registry

import (
	"fmt"

	"github.com/cidbench/cidbench/registry/store"
)

// A Digest is that of package store: who reads a registry need not know stores.
type Digest = store.Digest

// DigestOf hashes data.
func DigestOf(data []byte) Digest { return store.DigestOf(data) }

// The classes of failure are those of package store, too.
var (
	ErrNotExist    = store.ErrNotExist    // no such object, or no registry at this URL
	ErrExist       = store.ErrExist       // the key is taken by other bytes
	ErrConflict    = store.ErrConflict    // another writer was first
	ErrCorrupt     = store.ErrCorrupt     // a digest, size or schema is not what it has to be
	ErrUnavailable = store.ErrUnavailable // out of reach, denied, read-only or full
)

func corrupt(message string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(message, args...))
}

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
