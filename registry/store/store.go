// Package store holds named byte strings, durably and for many writers at once:
// the interface Store, with a directory and the memory of a process behind it.
// Package s3 beside it is the third; package storetest is the contract as tests.
//
// It knows keys, bytes and their digests. What the bytes mean is the business of package registry.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strings"
	"time"
)

// A Store holds named byte strings, durably and for many writers at once. Its contract is what both a directory and
// an S3 bucket with conditional writes can keep; storetest.Run is that contract as tests.
//
// A key is written in one of two ways for its whole life: once by Create, or
// again and again by Swap. Two things follow from S3 and bind every caller:
//
//   - A request whose answer is lost is sent again and then collides with
//     itself, so a store may tell writers apart by their bytes only. A writer
//     that must know whether it was the one to win puts something of its own,
//     such as a uuid, into what it writes.
//   - No key is a folder of another: never both a and a/b. A store that cannot
//     hold both refuses the second with ErrExist.
//
// A method returns only when its effect is durable, and every call that starts afterwards, in any process, sees it.
// Readers see whole objects or none. Keys for which ValidKey is false are refused before anything is done. A
// cancelled context ends a call with the context's error.
type Store interface {
	// Get opens an object for reading. The store does not verify what it
	// returns: the caller hashes. Errors: ErrNotExist, ErrUnavailable.
	Get(ctx context.Context, key string) (io.ReadCloser, Info, error)

	// Stat describes an object without reading it.
	// Errors: ErrNotExist, ErrUnavailable.
	Stat(ctx context.Context, key string) (Info, error)

	// Create stores body, read from its start, under a key that is absent. Of several writers with different bytes
	// exactly one succeeds. If the key already holds exactly these bytes, Create succeeds too, and body may stay
	// unread.
	//
	// Errors: ErrExist if the key holds other bytes; ErrCorrupt if body is not size bytes long or does not hash to
	// sum; body's own error; ErrUnavailable. After any error nothing of body is visible. (A store out of reach
	// cannot tell whether it got there before the failure; the whole of body may then appear, never a part.)
	Create(ctx context.Context, key string, body io.ReadSeeker, size int64, sum Digest) error

	// Load reads a small object together with the version that Swap needs.
	// Errors: ErrNotExist, ErrUnavailable.
	Load(ctx context.Context, key string) ([]byte, Version, error)

	// Swap replaces the object whose version is old by data, and returns the
	// new version; the empty old version demands that the key is absent.
	// Errors: ErrConflict if the object has another version, is gone, or is
	// there against expectation; ErrUnavailable.
	Swap(ctx context.Context, key string, old Version, data []byte) (Version, error)

	// List yields every object whose key starts with prefix, in the order of the bytes of their keys. It yields
	// foreign objects too, whose names are not valid keys, and what is Special, so that they can be reported; it
	// leaves out names that start with a dot, which belong to the store and to file systems. Objects that come or go
	// meanwhile may or may not be seen. An error is yielded last. A prefix that no valid key starts with is an error.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]

	// Delete removes an object; it succeeds if there is none.
	// Errors: ErrUnavailable.
	Delete(ctx context.Context, key string) error

	// String is the URL of the store, without secrets. registry.OpenStore accepts it.
	String() string
}

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
	// ErrUnavailable: the storage cannot be reached, denies access, is read-only or is full.
	ErrUnavailable = errors.New("storage unavailable")
)

// Info describes a stored object.
type Info struct {
	Key     string
	Size    int64
	ModTime time.Time // when the object was written, by the store's clock
	// Special says of what List yields and that is no object what it is: a symbolic link, a named pipe, a folder
	// that cannot be read. It has no size; nothing behind it is read or listed.
	Special string
}

// A Version identifies the bytes of an object to Swap. It is opaque, and equal bytes may have equal versions (an S3
// ETag is such a hash), so a sequence of values that must never repeat carries a counter.
type Version string

// versionOf is the digest. Inode and time would not do: two quick swaps can
// bring back the same inode within one tick of the file system's clock.
func versionOf(data []byte) Version { return Version(DigestOf(data)) }

// Redacted is the URL of a store for error messages: without users, passwords and queries, where people put keys.
func Redacted(raw string) string {
	if !strings.Contains(raw, ":") { // a path
		return raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "the URL of the store" // whatever part of it is wrong may hold a secret
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment = nil, "", false, ""
	return u.String()
}

const (
	// MaxKey is the length of the longest valid key in bytes: S3 allows 1024, which leaves room for a prefix.
	MaxKey     = 700
	maxSegment = 200 // file systems allow 255: this leaves room for a suffix

	alphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// ValidKey reports whether key may name an object: segments of a-z, 0-9, dot, underscore and hyphen, each starting
// with a letter or digit, separated by single slashes, at most 200 bytes each and 700 in all. There are no capitals
// because some file systems fold case, and no leading dots, which rules out ".." and keeps dot files free for the
// store.
func ValidKey(key string) bool {
	if len(key) > MaxKey {
		return false
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || len(segment) > maxSegment || !strings.Contains(alphanumeric, segment[:1]) ||
			strings.Trim(segment, alphanumeric+"._-") != "" {
			return false
		}
	}
	return true
}

// CheckKey fails unless ValidKey(key), for the sake of a store's method op.
func CheckKey(op, key string) error {
	if !ValidKey(key) {
		return fmt.Errorf("registry: %s: invalid key %q", op, key)
	}
	return nil
}

// CheckPrefix fails for a prefix that no valid key starts with.
func CheckPrefix(prefix string) error {
	if prefix != "" && !ValidKey(strings.TrimSuffix(prefix, "/")) {
		return fmt.Errorf("registry: list: invalid prefix %q", prefix)
	}
	return nil
}
