package registry

import (
	"context"
	"errors"
	"iter"
)

// Manifests yields the manifests of all finished runs in the order of their ids,
// verified as by Run, several being read at a time. A damaged one is yielded as
// its ErrCorrupt, with its id in Manifest.Run, and the next ones follow; after
// any other error there is no more.
func (r *Registry) Manifests(ctx context.Context) iter.Seq2[Manifest, error] {
	type result struct {
		m   Manifest
		err error
	}
	return func(yield func(Manifest, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		// The queue keeps the order: each read delivers to a channel of its own.
		queue := make(chan chan result, 4*concurrency)
		slots := make(chan struct{}, concurrency)
		go func() {
			defer close(queue)
			for run, err := range r.Runs(ctx) {
				next := make(chan result, 1)
				if err != nil {
					next <- result{err: err}
				}
				select {
				case queue <- next:
				case <-ctx.Done():
					return
				}
				if err != nil {
					return
				}
				slots <- struct{}{}
				go func() {
					defer func() { <-slots }()
					m, _, err := r.Run(ctx, run)
					if err != nil {
						m.Run = run
					}
					next <- result{m, err}
				}()
			}
		}()
		for next := range queue {
			read := <-next
			if !yield(read.m, read.err) || read.err != nil && !errors.Is(read.err, ErrCorrupt) {
				return
			}
		}
		if err := ctx.Err(); err != nil { // else a list cut short would look whole
			yield(Manifest{}, err)
		}
	}
}
