package registry

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/cidbench/cidbench/registry/store"
)

const concurrency = 8 // requests at once, where there are many

// copyObject copies what one key holds to another, of the same store or not,
// if it is what sum says. Errors: those of Get and Create; ErrCorrupt.
func copyObject(ctx context.Context, from store.Store, fromKey string, to store.Store, toKey string, sum Digest) (size int64, err error) {
	body, info, err := from.Get(ctx, fromKey)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	// Create may read its body again and again.
	file, err := os.CreateTemp("", "cidbench-*")
	if err != nil {
		return 0, err
	}
	defer file.Close()
	os.Remove(file.Name())
	if err := store.CopyVerified(ctx, file, body, info.Size, sum); err != nil {
		return 0, fmt.Errorf("registry: %s: %w", fromKey, err)
	}
	return info.Size, to.Create(ctx, toKey, file, info.Size, sum)
}

// forEach calls f for every item, several at a time, until one fails. Of many
// that stop because the first has failed, the first counts.
func forEach[T any](parent context.Context, items []T, f func(ctx context.Context, item T) error) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	var workers sync.WaitGroup
	slots := make(chan struct{}, concurrency)
	for _, item := range items {
		slots <- struct{}{}
		workers.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() != nil {
				return
			}
			if err := f(ctx, item); err != nil {
				cancel(err)
			}
		})
	}
	workers.Wait()
	return cmp.Or(parent.Err(), context.Cause(ctx))
}
