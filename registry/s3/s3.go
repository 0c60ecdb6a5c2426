// Package s3 is a store in a bucket: its configuration and URLs, and the requests that keep the promises of
// store.Store in spite of lost answers, broken connections and servers that promise less than they should. It knows
// nothing of registries. Package s3test has servers for tests.
package s3

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/minio/minio-go/v7"
)

// askFirst is the size from which it is cheaper to ask whether an object is there than to send it in vain.
const askFirst = 1 << 20

// A Store is a store.Store in a bucket of any server that speaks the S3 protocol and keeps three promises, which
// are tested before the first write: a PUT and the completion of a multipart upload honour If-None-Match and
// If-Match, and what does not match its x-amz-checksum-sha256 is refused. No lock is needed and no object is ever
// overwritten without a condition.
//
// Bodies of 96 MiB and more are sent in parts; an upload that was interrupted goes on where it was, also in another
// process on the same machine. docs/registry.md has the least that a policy must allow.
type Store struct {
	bucket
	config  Config
	mu      sync.Mutex // guards trusted
	trusted bool       // the probe has passed
}

// New returns the store that config describes. It sends nothing.
func New(config Config) (*Store, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	client, transport, err := config.connect()
	if err != nil {
		return nil, err
	}
	return &Store{bucket: bucket{client, transport, config.Bucket, strings.TrimPrefix(config.Prefix+"/", "/")}, config: config}, nil
}

// Open returns the store at a URL that ParseURL accepts. It sends nothing.
func Open(rawURL string) (*Store, error) {
	config, err := ParseURL(rawURL)
	if err != nil {
		return nil, err
	}
	return New(config)
}

func (s *Store) String() string { return s.config.String() }

// Probe tests that the server keeps its promises, unless that was done through the same endpoint within the last hour;
// Create and Swap call it before they write. Errors: ErrUnavailable, with the guarantee that is lacking.
func (s *Store) Probe(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trusted {
		return nil
	}
	if err := Trust(ctx, newWitness(s.bucket, s.config.Endpoint), newProbe(s.bucket).run); err != nil {
		return fmt.Errorf("registry: %s: %w", s, err)
	}
	s.trusted = true
	return nil
}

func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, store.Info, error) {
	if err := cmp.Or(store.CheckKey("get", key), ctx.Err()); err != nil {
		return nil, store.Info{}, err
	}
	body, info, err := s.open(ctx, key)
	if err != nil {
		return nil, store.Info{}, classified("get", key, err)
	}
	return body, objectInfo(key, info), nil
}

func (s *Store) Stat(ctx context.Context, key string) (store.Info, error) {
	if err := cmp.Or(store.CheckKey("stat", key), ctx.Err()); err != nil {
		return store.Info{}, err
	}
	info, err := s.client.StatObject(ctx, s.name, s.object(key), minio.StatObjectOptions{})
	if err != nil {
		return store.Info{}, classified("stat", key, err)
	}
	return objectInfo(key, info), nil
}

func (s *Store) Load(ctx context.Context, key string) ([]byte, store.Version, error) {
	if err := cmp.Or(store.CheckKey("load", key), ctx.Err()); err != nil {
		return nil, "", err
	}
	return s.load(ctx, "load", key)
}

// Create sends body with the condition that there is no such object. The server answers 412 to the second sending
// of a body whose first answer was lost, so what is there is read back and compared before it counts as another's.
func (s *Store) Create(ctx context.Context, key string, body io.ReadSeeker, size int64, sum store.Digest) error {
	if err := cmp.Or(store.CheckKey("create", key), ctx.Err()); err != nil {
		return err
	}
	if err := s.Probe(ctx); err != nil {
		return err
	}
	if size >= askFirst {
		if err := store.Holds(ctx, s, key, size, sum); !errors.Is(err, store.ErrNotExist) {
			return err
		}
	}
	send, err := s.prepare(ctx, key, body, size, sum)
	if err != nil {
		return fmt.Errorf("registry: create %s: %w", key, err)
	}
	for attempt := 0; ; attempt++ {
		err := send(ctx)
		if !refused(err) {
			return classified("create", key, err)
		}
		held := store.Holds(ctx, s, key, size, sum)
		if !errors.Is(held, store.ErrNotExist) {
			return held
		}
		// 409 says that another writer is at work, or, where keys are paths, that a folder or a file is in the way;
		// 412 and nothing to read, that the object was deleted meanwhile.
		if nested(err) {
			return fmt.Errorf("registry: create %s: %w: %w", key, store.ErrExist, err)
		}
		if attempt+1 == attempts {
			return fmt.Errorf("registry: create %s: %w: %w", key, store.ErrUnavailable, err)
		}
		if err := sleep(ctx, 100*time.Millisecond<<attempt); err != nil {
			return err
		}
	}
}

// prepare reads all of body: nothing is sent that is not what it has to be. What
// it returns sends body, in parts if it is large, if key is absent.
func (s *Store) prepare(ctx context.Context, key string, body io.ReadSeeker, size int64, sum store.Digest) (send func(context.Context) error, err error) {
	if size < multipartSize {
		return func(ctx context.Context) error {
			_, _, err := s.put(ctx, key, ifVersion(""), body, size, sum)
			return err
		}, store.CopyVerified(ctx, io.Discard, body, size, sum)
	}
	var h partHasher
	whole := bufio.NewWriterSize(&h, partSizeOf(size))
	if err := store.CopyVerified(ctx, whole, body, size, sum); err != nil {
		return nil, err
	}
	if err := whole.Flush(); err != nil {
		return nil, err
	}
	name := store.DigestOf(fmt.Appendf(nil, "%s\n%s\n%s\n%d", s, key, sum, partSizeOf(size))).Hex()
	return partsUpload{s.bucket, key, body, h.parts, filepath.Join(s.config.Journal, name)}.send, nil
}

// Swap uses the ETag of the object as its version.
func (s *Store) Swap(ctx context.Context, key string, old store.Version, data []byte) (store.Version, error) {
	if err := cmp.Or(store.CheckKey("swap", key), ctx.Err()); err != nil {
		return "", err
	}
	if err := s.Probe(ctx); err != nil {
		return "", err
	}
	etag, resent, err := s.put(ctx, key, ifVersion(old), bytes.NewReader(data), int64(len(data)), store.DigestOf(data))
	switch {
	case err == nil:
		return store.Version(etag), nil
	case !refused(err) && !missing(err):
		return "", classified("swap", key, err)
	case resent: // it may be this very swap that was first, its answer lost
		there, version, err := s.Load(ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotExist) {
			return "", err
		}
		if err == nil && bytes.Equal(there, data) {
			return version, nil
		}
	}
	return "", fmt.Errorf("registry: swap %s: %w: %w", key, store.ErrConflict, err)
}

func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		if err := cmp.Or(store.CheckPrefix(prefix), ctx.Err()); err != nil {
			yield(store.Info{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		opts := minio.ListObjectsOptions{Prefix: s.object(prefix), Recursive: true}
		last := ""
		for object := range s.client.ListObjectsIter(ctx, s.name, opts) {
			if object.Err == nil && object.Key <= last {
				object.Err = fmt.Errorf("%w: %q comes after %q", errEndless, object.Key, last)
			}
			if object.Err != nil {
				yield(store.Info{}, classified("list", prefix, object.Err))
				return
			}
			last = object.Key
			key := strings.TrimPrefix(object.Key, s.root)
			if key == "" || strings.HasPrefix(key, ".") || strings.Contains(key, "/.") {
				continue
			}
			if !yield(objectInfo(key, object), nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil { // else a listing cut short would look whole
			yield(store.Info{}, err)
		}
	}
}

// Names is that of store.Dir, by a request for a thousand names.
func (s *Store) Names(ctx context.Context, folder string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := cmp.Or(store.CheckPrefix(folder), ctx.Err()); err != nil {
			yield("", err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		root, last, behind := s.object(folder), "", 0
		for object := range s.client.ListObjectsIter(ctx, s.name, minio.ListObjectsOptions{Prefix: root}) {
			if object.Key > last {
				last, behind = object.Key, 0
			} else if behind++; object.Err == nil && behind > listPage { // in a page, folders come after objects
				object.Err = fmt.Errorf("%w: %q comes after %q", errEndless, object.Key, last)
			}
			if object.Err != nil {
				yield("", classified("list", folder, object.Err))
				return
			}
			name := strings.TrimSuffix(strings.TrimPrefix(object.Key, root), "/")
			if name != "" && !strings.HasPrefix(name, ".") && !yield(name, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield("", err)
		}
	}
}

// listPage is the most that a server lists in one answer.
const listPage = 1000

func (s *Store) Delete(ctx context.Context, key string) error {
	if err := cmp.Or(store.CheckKey("delete", key), ctx.Err()); err != nil {
		return err
	}
	return s.remove(ctx, "delete", key)
}

func objectInfo(key string, object minio.ObjectInfo) store.Info {
	return store.Info{Key: key, Size: object.Size, ModTime: object.LastModified}
}
