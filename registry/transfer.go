package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/cidbench/cidbench/registry/store"
)

const (
	inMemory    = 1 << 20 // bodies up to this size are not spooled to disk
	concurrency = 8       // requests at once, where there are many
)

// spool takes all of body, verified, so that it can be read again and again. It
// is in memory or in a temporary file without a name. Errors: ErrCorrupt.
func spool(ctx context.Context, body io.Reader, size int64, sum Digest) (io.ReadSeeker, func(), error) {
	var data bytes.Buffer
	var w io.Writer = &data
	var file *os.File
	if size > inMemory {
		var err error
		if file, err = os.CreateTemp("", "cidbench-*"); err != nil {
			return nil, nil, err
		}
		os.Remove(file.Name())
		w = file
	}
	done := func() {
		if file != nil {
			file.Close()
		}
	}
	if err := store.CopyVerified(ctx, w, unseekable{body}, size, sum); err != nil {
		done()
		return nil, nil, err
	}
	if file != nil {
		return file, done, nil
	}
	return bytes.NewReader(data.Bytes()), done, nil
}

// unseekable is a body that stands at its start, and is read once.
type unseekable struct{ io.Reader }

func (unseekable) Seek(int64, int) (int64, error) { return 0, nil }

// copyObject copies what one key holds to another, of the same store or not,
// if it is what sum says. Errors: those of Get and Create; ErrCorrupt.
func copyObject(ctx context.Context, from store.Store, fromKey string, to store.Store, toKey string, sum Digest) (size int64, err error) {
	body, info, err := from.Get(ctx, fromKey)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	spooled, done, err := spool(ctx, body, info.Size, sum)
	if err != nil {
		return 0, fmt.Errorf("registry: %s: %w", fromKey, err)
	}
	defer done()
	return info.Size, to.Create(ctx, toKey, spooled, info.Size, sum)
}

// forEach calls f for every item, several at a time. An error for which
// goOn is true does not keep it from the others; all errors are returned.
func forEach[T any](ctx context.Context, items []T, goOn func(error) bool, f func(ctx context.Context, item T) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan T)
	var mu sync.Mutex
	var failures []error
	var workers sync.WaitGroup
	for range min(concurrency, len(items)) {
		workers.Go(func() {
			for item := range queue {
				err := f(ctx, item)
				if err == nil {
					continue
				}
				mu.Lock()
				// Of many that stop because the first has failed, the first counts.
				if len(failures) == 0 || !errors.Is(err, context.Canceled) {
					failures = append(failures, err)
				}
				mu.Unlock()
				if !goOn(err) {
					cancel()
				}
			}
		})
	}
	for _, item := range items {
		select {
		case queue <- item:
		case <-ctx.Done():
		}
	}
	close(queue)
	workers.Wait()
	if len(failures) == 0 {
		return ctx.Err()
	}
	return errors.Join(failures...)
}

func never(error) bool { return false }
