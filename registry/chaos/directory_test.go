package chaos

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/cidbench/cidbench/registry/store"
)

// What goes wrong with a call to a directory.
var callFaults = []string{"disk full", "input/output error", "lost answer", "done twice", "slow", "flipped", "cut"}

// disturb returns a store that says every operation, and of which some go wrong.
func disturb(s store.Store, dice *dice, name string, say func(what string, args ...any)) store.Store {
	d := disturbed{s, dice, name, say}
	if dir, ok := s.(*store.Dir); ok {
		return disturbedDir{d, dir}
	}
	return d
}

type disturbed struct {
	store.Store
	dice *dice
	name string
	say  func(what string, args ...any)
}

// disturbedDir has what a directory alone can do.
type disturbedDir struct {
	disturbed
	dir *store.Dir
}

func (d disturbedDir) Names(ctx context.Context, folder string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var names []string
		err := d.call("names", folder, func() error {
			names = nil
			for name, err := range d.dir.Names(ctx, folder) {
				if err != nil {
					return err
				}
				names = append(names, name)
			}
			return nil
		})
		for _, name := range names {
			if !yield(name, nil) {
				return
			}
		}
		if err != nil {
			yield("", err)
		}
	}
}

func (d disturbedDir) Tidy(before time.Time) (int, int64, error) { return d.dir.Tidy(before) }

// call does something, or what goes wrong with it.
func (d disturbed) call(op, key string, do func() error) error {
	d.say("op", d.name, op, key)
	kind, random := d.throw(op, key, callFaults[:5])
	failed := func(errno syscall.Errno) error {
		return fmt.Errorf("%s %s: %w: %w", op, key, store.ErrUnavailable, errno)
	}
	switch kind {
	case "disk full":
		return failed(syscall.ENOSPC)
	case "input/output error":
		return failed(syscall.EIO)
	case "lost answer":
		_ = do()
		return failed(syscall.ETIMEDOUT)
	case "done twice":
		_ = do()
	case "slow":
		time.Sleep(upTo(random, term/2))
	}
	return do()
}

func (d disturbed) throw(op, key string, kinds []string) (string, *rand.Rand) {
	kind, random := d.dice.throw(fmt.Sprint(d.name, op, key), kinds)
	if kind != "" {
		d.say("fault", kind+":", d.name, op, key)
	}
	return kind, random
}

// spoil is call for what reads: the bytes may be others.
func (d disturbed) spoil(op, key string, read func() ([]byte, error)) (data []byte, err error) {
	kind, random := d.throw("what comes of "+op, key, callFaults[5:])
	err = d.call(op, key, func() (err error) {
		data, err = read()
		return err
	})
	if err == nil && kind != "" {
		data = damaged(data, kind, random)
	}
	return data, err
}

// damaged returns other bytes: with a bit flipped, or an end that is missing.
func damaged(data []byte, kind string, random *rand.Rand) []byte {
	if len(data) == 0 {
		return data
	}
	data, at := bytes.Clone(data), random.IntN(len(data))
	if kind == "cut" {
		return data[:at]
	}
	data[at] ^= 1 << random.IntN(8)
	return data
}

func (d disturbed) Get(ctx context.Context, key string) (body io.ReadCloser, info store.Info, err error) {
	data, err := d.spoil("get", key, func() (data []byte, err error) {
		if body, info, err = d.Store.Get(ctx, key); err != nil {
			return nil, err
		}
		defer body.Close()
		return io.ReadAll(body)
	})
	return io.NopCloser(bytes.NewReader(data)), info, err
}

func (d disturbed) Load(ctx context.Context, key string) (data []byte, version store.Version, err error) {
	data, err = d.spoil("load", key, func() (data []byte, err error) {
		data, version, err = d.Store.Load(ctx, key)
		return data, err
	})
	return data, version, err
}

func (d disturbed) Stat(ctx context.Context, key string) (info store.Info, err error) {
	err = d.call("stat", key, func() (err error) {
		info, err = d.Store.Stat(ctx, key)
		return err
	})
	return info, err
}

func (d disturbed) Create(ctx context.Context, key string, body io.ReadSeeker, size int64, sum store.Digest) error {
	return d.call("create", key, func() error { return d.Store.Create(ctx, key, body, size, sum) })
}

func (d disturbed) Swap(ctx context.Context, key string, old store.Version, data []byte) (version store.Version, err error) {
	err = d.call("swap", key, func() (err error) {
		version, err = d.Store.Swap(ctx, key, old, data)
		return err
	})
	return version, err
}

func (d disturbed) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		if err := d.call("list", prefix, func() error { return nil }); err != nil {
			yield(store.Info{}, err)
			return
		}
		d.Store.List(ctx, prefix)(yield)
	}
}

func (d disturbed) Delete(ctx context.Context, key string) error {
	return d.call("delete", key, func() error { return d.Store.Delete(ctx, key) })
}
