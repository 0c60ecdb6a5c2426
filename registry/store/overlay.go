package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// An Overlay is a Store on top of another that is only read: what is written goes to the top, and what the top
// lacks is found in the base. Nothing of the base can be changed or hidden.
type Overlay struct {
	Store // the top
	base  Store
}

// NewOverlay puts a store on top of one that nobody writes to.
func NewOverlay(top, base Store) *Overlay { return &Overlay{top, base} }

// String names both. It is for people: OpenStore does not accept it.
func (o *Overlay) String() string { return o.Store.String() + " on top of " + o.base.String() }

func (o *Overlay) Get(ctx context.Context, key string) (io.ReadCloser, Info, error) {
	body, info, err := o.Store.Get(ctx, key)
	if errors.Is(err, ErrNotExist) {
		return o.base.Get(ctx, key)
	}
	return body, info, err
}

func (o *Overlay) Stat(ctx context.Context, key string) (Info, error) {
	info, err := o.Store.Stat(ctx, key)
	if errors.Is(err, ErrNotExist) {
		return o.base.Stat(ctx, key)
	}
	return info, err
}

func (o *Overlay) Load(ctx context.Context, key string) ([]byte, Version, error) {
	data, version, err := o.Store.Load(ctx, key)
	if errors.Is(err, ErrNotExist) {
		return o.base.Load(ctx, key)
	}
	return data, version, err
}

func (o *Overlay) Create(ctx context.Context, key string, body io.ReadSeeker, size int64, sum Digest) error {
	if err := Holds(ctx, o.base, key, size, sum); !errors.Is(err, ErrNotExist) {
		return err
	}
	return o.Store.Create(ctx, key, body, size, sum)
}

func (o *Overlay) Swap(ctx context.Context, key string, old Version, data []byte) (Version, error) {
	if err := o.free(ctx, "swap", key); err != nil {
		return "", err
	}
	return o.Store.Swap(ctx, key, old, data)
}

func (o *Overlay) Delete(ctx context.Context, key string) error {
	if err := o.free(ctx, "delete", key); err != nil {
		return err
	}
	return o.Store.Delete(ctx, key)
}

// free fails if the base has the key.
func (o *Overlay) free(ctx context.Context, op, key string) error {
	switch _, err := o.base.Stat(ctx, key); {
	case err == nil:
		return fmt.Errorf("registry: %s %s: %w: it is in %s, which is only read", op, key, ErrUnavailable, o.base)
	case !errors.Is(err, ErrNotExist):
		return err
	}
	return nil
}

func (o *Overlay) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		var all []Info
		for _, s := range []Store{o.Store, o.base} {
			for info, err := range s.List(ctx, prefix) {
				if err != nil {
					yield(Info{}, err)
					return
				}
				all = append(all, info)
			}
		}
		slices.SortStableFunc(all, func(a, b Info) int { return strings.Compare(a.Key, b.Key) })
		all = slices.CompactFunc(all, func(a, b Info) bool { return a.Key == b.Key }) // the top's comes first
		for _, info := range all {
			if !yield(info, nil) {
				return
			}
		}
	}
}
