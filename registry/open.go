package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/cidbench/cidbench/registry/s3"
	"github.com/cidbench/cidbench/registry/store"
)

// Open opens the registry at a URL that OpenStore accepts, and creates it if
// there is nothing at all.
//
// Errors: ErrForeign if there is something else than a registry; ErrCorrupt if
// there is one that this program cannot read; ErrUnavailable, also for a place
// where it may not write. Any other error is of the URL.
func Open(ctx context.Context, url string) (*Registry, error) {
	s, err := OpenStore(ctx, url)
	if err != nil {
		return nil, err
	}
	return OpenOn(ctx, s)
}

// OpenOver opens the registry at a URL as Open does, on top of another that is only read, such as evidence: the runs
// of both are there, and new ones go to the first.
func OpenOver(ctx context.Context, url, base string) (*Registry, error) {
	r, err := Open(ctx, url)
	if err != nil {
		return nil, err
	}
	below, err := OpenExisting(ctx, base)
	if err != nil {
		return nil, err
	}
	r.store = store.NewOverlay(r.store, below.store)
	return r, nil
}

// OpenExisting opens a registry for a command that only reads. It never writes.
// Errors: ErrNotExist if there is nothing, else as Open.
func OpenExisting(ctx context.Context, url string) (*Registry, error) {
	s, err := OpenStore(ctx, url)
	if err != nil {
		return nil, err
	}
	r := &Registry{store: s}
	if err = r.load(ctx); errors.Is(err, ErrNotExist) {
		err = cmp.Or(r.foreign(ctx), err)
	}
	if errors.Is(err, ErrNotExist) {
		return nil, fmt.Errorf("no registry at %s: check the place, or run an experiment, which creates it: %w", s, err)
	} else if err != nil {
		return nil, fmt.Errorf("cannot open the registry at %s: %w", s, err)
	}
	return r, nil
}

// OpenStore opens the store at a bare path, file://path, mem://name or an S3
// URL (s3.ParseURL), whether a registry is in it or not, and writes nothing. A
// bare path to a regular file is that of evidence (WriteEvidence). The
// path of a file URL is all that follows the slashes, relative or absolute, with
// %-escapes. A mem URL names a store shared by the whole process.
func OpenStore(ctx context.Context, rawURL string) (store.Store, error) {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	switch {
	case !ok:
		if info, err := os.Stat(rawURL); err == nil && info.Mode().IsRegular() {
			return openEvidence(ctx, rawURL)
		}
		return store.NewDir(rawURL)
	case scheme == "file":
		path, err := url.PathUnescape(rest)
		if err != nil {
			return nil, fmt.Errorf("registry: %s: %w", rawURL, err)
		}
		return store.NewDir(path)
	case scheme == "mem":
		s, _ := memories.LoadOrStore(rest, store.NewMemory(rest))
		return s.(store.Store), nil
	case scheme == "s3":
		return s3.Open(rawURL)
	}
	return nil, fmt.Errorf("registry: cannot open %s: unknown scheme %q; use a path or one of: file, mem, s3", store.Redacted(rawURL), scheme)
}

var memories sync.Map // name to *store.Memory
