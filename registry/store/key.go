package store

import (
	"fmt"
	"strings"
)

const (
	// MaxKey is the length of the longest valid key in bytes: S3 allows 1024,
	// which leaves room for a prefix.
	MaxKey     = 700
	maxSegment = 200 // file systems allow 255: this leaves room for a suffix

	alphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// ValidKey reports whether key may name an object: segments of a-z, 0-9, dot,
// underscore and hyphen, each starting with a letter or digit, separated by
// single slashes, at most 200 bytes each and 700 in all. There are no capitals
// because some file systems fold case, and no leading dots, which rules out
// ".." and keeps dot files free for the store.
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
