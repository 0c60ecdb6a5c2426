package study

import (
	"context"
	"errors"

	"github.com/cidbench/cidbench/registry"
)

// UsageError is a mistake in what was asked for, and no failure in doing it.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// NothingError says that there is nothing to do it with.
type NothingError string

func (e NothingError) Error() string { return string(e) }

// OpenRegistry opens the registry at a URL that registry.Open takes, on top of the one at base if that is given. A
// URL at which there can be none is a UsageError; the other errors are those of package registry.
func OpenRegistry(ctx context.Context, url, base string, access Access) (*registry.Registry, error) {
	open := registry.OpenExisting
	if access == Write {
		open = registry.Open
	}
	if base != "" {
		open = func(ctx context.Context, url string) (*registry.Registry, error) {
			return registry.OpenOver(ctx, url, base)
		}
	}
	reg, err := open(ctx, url)
	if access == ReadOrEmpty && errors.Is(err, registry.ErrNotExist) {
		reg, err = registry.Open(ctx, "mem://empty")
	}
	if err == nil {
		return reg, nil
	}
	for _, failure := range []error{registry.ErrNotExist, registry.ErrCorrupt, registry.ErrConflict, registry.ErrUnavailable, ctx.Err()} {
		if failure != nil && errors.Is(err, failure) {
			return nil, err
		}
	}
	return nil, UsageError{err}
}
