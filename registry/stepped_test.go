package registry_test

import (
	"context"
	"io"

	"github.com/cidbench/cidbench/registry/store"
)

// A steppedStore calls step before each of its operations on one key.
type steppedStore struct {
	store.Store
	step func()
}

func (s *steppedStore) Get(ctx context.Context, key string) (io.ReadCloser, store.Info, error) {
	s.step()
	return s.Store.Get(ctx, key)
}

func (s *steppedStore) Stat(ctx context.Context, key string) (store.Info, error) {
	s.step()
	return s.Store.Stat(ctx, key)
}

func (s *steppedStore) Load(ctx context.Context, key string) ([]byte, store.Version, error) {
	s.step()
	return s.Store.Load(ctx, key)
}

func (s *steppedStore) Create(ctx context.Context, key string, body io.ReadSeeker, size int64, sum store.Digest) error {
	s.step()
	return s.Store.Create(ctx, key, body, size, sum)
}

func (s *steppedStore) Swap(ctx context.Context, key string, old store.Version, data []byte) (store.Version, error) {
	s.step()
	return s.Store.Swap(ctx, key, old, data)
}

func (s *steppedStore) Delete(ctx context.Context, key string) error {
	s.step()
	return s.Store.Delete(ctx, key)
}
