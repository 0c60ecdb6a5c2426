// Package registry stores the runs of an experiment so that a verdict can be
// trusted: what is read is what was written, a run is there as a whole or not
// at all, and of several writers one wins.
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
// The order of writing is blobs, then what refers to them; a crash between any
// two steps leaves nothing that refers to what is not there. Only manifests, and
// the events of live runs, refer to blobs.
//
// What lives elsewhere: how bytes are kept (package store, with package s3 for
// buckets), training, statistics, and the meaning of keys, results and artifacts.
package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/google/uuid"
)

const (
	format = "cidbench-registry"
	// formatVersion rises when older programs could no longer read or safely
	// write the registry; additions that they may ignore do not raise it.
	formatVersion = 1
)

// config is the content of configKey.
type config struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
}

// A Registry holds runs and blobs. It is safe for concurrent use, and any number
// of processes may use the same one.
type Registry struct {
	store     store.Store
	config    config
	appending sync.Mutex
	leases    sightings // of others
}

// OpenOn is Open for a store that is configured in code. A store that has to find
// out whether it can keep its promises has a method Probe, which is called first.
func OpenOn(ctx context.Context, s store.Store) (*Registry, error) {
	r := &Registry{store: s}
	var err error
	if s, ok := s.(interface{ Probe(context.Context) error }); ok {
		err = s.Probe(ctx)
	}
	if err == nil {
		err = r.create(ctx)
	}
	if errors.Is(err, ErrUnavailable) {
		return nil, fmt.Errorf("cannot open a registry at %s: check that it can be reached and written to: %w", s, err)
	} else if err != nil {
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
		return fmt.Errorf("%w: it holds %s but no %s; choose an empty place", kind, info.Key, configKey)
	}
	return nil
}

// create loads the configuration, after writing it if there is none.
func (r *Registry) create(ctx context.Context) error {
	if err := r.load(ctx); !errors.Is(err, ErrNotExist) {
		return err
	}
	if err := r.foreign(ctx); err != nil {
		return err
	}
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

// put creates a key with the given bytes.
func (r *Registry) put(ctx context.Context, key string, data []byte) error {
	return r.store.Create(ctx, key, bytes.NewReader(data), int64(len(data)), DigestOf(data))
}
