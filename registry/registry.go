// Package registry stores the runs of an experiment so that a verdict can be trusted: what is read is what was
// written, a run is there as a whole or not at all, and of several writers one wins.
//
// A Registry is a fixed layout of keys on top of a store.Store:
//
//	cidbench-registry.json                 format, version and id of the registry
//	blobs/sha256/ab/<64 digits>            immutable bytes, named by their digest
//	runs/<run id>/manifest.json            the commit: written last, never changed
//	runs/<run id>/events/<seq>-<digest>.json  what happened during the run
//	runs/<run id>/lease.json               who is at work on the run
//	runs/<run id>/signatures/<key id>.json  who vouches for the manifest
//	index/, locks/, trash/                 derived data, the lease of the garbage
//	                                       collector and what it has moved away
//
// The order of writing is blobs, then what refers to them; a crash between any two steps leaves nothing that refers
// to what is not there. Only manifests, and the events of live runs, refer to blobs.
//
// What lives elsewhere: how bytes are kept (package store, with package s3 for
// buckets), training, statistics, and the meaning of keys, results and artifacts.
package registry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cidbench/cidbench/registry/s3"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/google/uuid"
)

const (
	format = "cidbench-registry"
	// formatVersion rises when older programs could no longer read or safely
	// write the registry; additions that they may ignore do not raise it.
	formatVersion = 1
)

// A Digest is that of package store: who reads a registry need not know stores.
type Digest = store.Digest

// DigestOf hashes data.
func DigestOf(data []byte) Digest { return store.DigestOf(data) }

// The classes of failure are those of package store, too.
var (
	ErrNotExist    = store.ErrNotExist    // no such object, or no registry at this URL
	ErrExist       = store.ErrExist       // the key is taken by other bytes
	ErrConflict    = store.ErrConflict    // another writer was first
	ErrCorrupt     = store.ErrCorrupt     // a digest, size or schema is not what it has to be
	ErrUnavailable = store.ErrUnavailable // out of reach, denied, read-only or full
)

func corrupt(message string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(message, args...))
}

// config is the content of configKey.
type config struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
}

// A Registry holds runs and blobs. It is safe for concurrent use, and any number of processes may use the same one.
type Registry struct {
	store     store.Store
	config    config
	writing   bool      // it was opened to be written to
	top, base *Registry // what it is made of, if it is one on top of another
	appending sync.Mutex
	leases    sightings // of others
	packs     openPacks
	packTypes []string        // of artifacts that are packed
	index     sync.Mutex      // guards the rest
	indexed   time.Time       // when the index was looked after
	begun     map[string]bool // runs that this process has marked as begun, and since then as nothing else
}

// Open opens the registry at a URL that OpenStore accepts, and creates it if there is nothing at all.
//
// Errors: ErrForeign if there is something else than a registry; ErrCorrupt if there is one that this program
// cannot read; ErrUnavailable, also for a place where it may not write. Any other error is of the URL.
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
	return &Registry{store: store.NewOverlay(r.store, below.store), config: r.config, writing: true, top: r, base: below}, nil
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

// OpenStore opens the store at a bare path, file://path, mem://name or an S3 URL (s3.ParseURL), whether a registry
// is in it or not, and writes nothing. A bare path to a regular file is that of evidence (WriteEvidence). The path
// of a file URL is all that follows the slashes, relative or absolute, with %-escapes. A mem URL names a store
// shared by the whole process.
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
			return nil, fmt.Errorf("registry: %s: the path has a %% that is not followed by two hexadecimal digits", store.Redacted(rawURL))
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

// OpenOn is Open for a store that is configured in code. A store that has to find out whether it can keep its promises
// has a method Probe, if that asks a server, or Safe, which is called first.
func OpenOn(ctx context.Context, s store.Store) (*Registry, error) {
	r := &Registry{store: s, writing: true}
	trusted := make(chan error, 1)
	go func() {
		switch s := s.(type) {
		case interface{ Probe(context.Context) error }:
			trusted <- s.Probe(ctx)
		case interface{ Safe() error }:
			trusted <- s.Safe()
		default:
			trusted <- nil
		}
	}()
	there, err := r.look(ctx) // meanwhile
	err = cmp.Or(<-trusted, err)
	if err == nil && !there {
		err = r.create(ctx)
	}
	if errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("check that it can be reached and written to: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open a registry at %s: %w", s, err)
	}
	return r, nil
}

// ErrForeign says that what is there is no registry.
var ErrForeign = errors.New("is no registry")

// foreign says what keeps a place without a configuration from being an empty one; nil if nothing does, or if
// another process has made a registry there meanwhile.
func (r *Registry) foreign(ctx context.Context) error {
	for info, err := range r.store.List(ctx, "") {
		if err != nil {
			return err
		}
		if err := r.load(ctx); !errors.Is(err, ErrNotExist) {
			return err // another process may have begun to fill it
		}
		kind := ErrCorrupt // what is left of a registry
		if parseKey(info.Key).kind == foreignPart {
			kind = ErrForeign
		}
		return fmt.Errorf("%w: it holds %s but no %s; choose an empty place", kind, store.Printable(info.Key), configKey)
	}
	return nil
}

// look loads the configuration. There is none where a registry can be made.
func (r *Registry) look(ctx context.Context) (there bool, err error) {
	if err := r.load(ctx); !errors.Is(err, ErrNotExist) {
		return err == nil, err
	}
	err = r.foreign(ctx)
	return r.config.ID != "", err // another process may have made one
}

// create writes the configuration, and loads that which is there in the end.
func (r *Registry) create(ctx context.Context) error {
	text, err := encode(config{format, formatVersion, uuid.NewString(), time.Now().UTC()})
	if err != nil {
		return err
	}
	if err := r.put(ctx, configKey, text); err != nil && !errors.Is(err, ErrExist) {
		return err
	}
	return r.load(ctx)
}

func (r *Registry) load(ctx context.Context) error {
	data, _, err := r.store.Load(ctx, configKey)
	if err != nil {
		return err
	}
	r.config, err = decodeConfig(data)
	return err
}

func decodeConfig(data []byte) (config, error) {
	var c config
	if err := json.Unmarshal(data, &c); err != nil {
		return config{}, fmt.Errorf("%w: %s: %w", ErrCorrupt, configKey, err)
	}
	if c.Format != format {
		return config{}, fmt.Errorf("%w: %s has the format %.100q, not %q", ErrCorrupt, configKey, c.Format, format)
	}
	if c.Version != formatVersion {
		return config{}, fmt.Errorf("%w: the registry has version %d of the format, and this program reads version %d; use a program that reads it",
			ErrCorrupt, c.Version, formatVersion)
	}
	if uuid.Validate(c.ID) != nil {
		return config{}, fmt.Errorf("%w: %s has the id %.100q, which is no uuid", ErrCorrupt, configKey, c.ID)
	}
	return c, nil
}

// ID is the uuid that the registry was given when it was created.
func (r *Registry) ID() string { return r.config.ID }

// String is the URL of the registry, without secrets.
func (r *Registry) String() string { return r.store.String() }

// errUnreadable is the ErrCorrupt of one object that cannot be read.
var errUnreadable = fmt.Errorf("%w: it cannot be read, though its store answers", ErrCorrupt)

// read does what reads one object. Where that is not to be had although the store answers, be it for a bad sector or
// a missing permission, the failure is that object's: errUnreadable, and nothing else need stop for it.
func (r *Registry) read(ctx context.Context, key string, do func() error) error {
	err := do()
	if !errors.Is(err, ErrUnavailable) || ctx.Err() != nil || key == configKey {
		return err
	}
	if _, _, e := r.store.Load(ctx, configKey); e != nil {
		return err
	}
	if err = do(); errors.Is(err, ErrUnavailable) { // not only for a moment
		return fmt.Errorf("registry: %s: %w: %v", store.Printable(key), errUnreadable, err) //nolint:errorlint // it is no failure of the store
	}
	return err
}

// loadObject is Load of the store, as read does it.
func (r *Registry) loadObject(ctx context.Context, key string) (data []byte, err error) {
	err = r.read(ctx, key, func() (err error) {
		data, _, err = r.store.Load(ctx, key)
		return err
	})
	return data, err
}

// put creates a key with the given bytes.
func (r *Registry) put(ctx context.Context, key string, data []byte) error {
	return r.store.Create(ctx, key, bytes.NewReader(data), int64(len(data)), DigestOf(data))
}
