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
