package store

import "errors"

// The classes of failure. Every error of a store that belongs to one wraps it; test with errors.Is, never by text.
var (
	// ErrNotExist: no object has this key, or no registry is at this URL.
	ErrNotExist = errors.New("does not exist")
	// ErrExist: the key is taken by other bytes.
	ErrExist = errors.New("exists already")
	// ErrConflict: another writer was first; read again and decide anew.
	ErrConflict = errors.New("conflicts with another writer")
	// ErrCorrupt: a digest, size or schema is not what it has to be.
	ErrCorrupt = errors.New("integrity failure")
	// ErrUnavailable: the storage cannot be reached, denies access, is
	// read-only or is full.
	ErrUnavailable = errors.New("storage unavailable")
)
