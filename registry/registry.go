// Package registry stores the runs of an experiment so that a verdict can be
// trusted: what is read is what was written, a run is there as a whole or not
// at all, and of several writers one wins.
//
// A Registry is a fixed layout of keys on top of a Store:
//
//	cidbench-registry.json                 format, version and id of the registry
//	blobs/sha256/ab/<64 digits>            immutable bytes, named by their digest
//	runs/<run id>/manifest.json            the commit: written last, never changed
//	runs/<run id>/events/<seq>-<digest>.json  what happened during the run
//	runs/<run id>/lease.json               who is at work on the run
//	runs/<run id>/signatures/<key id>.json  who vouches for the manifest
//	refs/<name>.json                       mutable pointers to blobs
//	index/, locks/, trash/                 derived data, the lease of the garbage
//	                                       collector and what it has moved away
//
// The order of writing is blobs, then the manifest, then refs; a crash between
// any two steps leaves nothing that refers to what is not there.
//
// What lives elsewhere: training, statistics, and the meaning of keys, results
// and artifacts.
package registry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	configKey = "cidbench-registry.json"
	format    = "cidbench-registry"
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

// A Registry holds runs, blobs and refs. It is safe for concurrent use, and any
// number of processes may use the same one.
type Registry struct {
	store     Store
	config    config
	appending sync.Mutex

	sightings sync.Mutex
	seen      map[string]sighting // leases of others, by key
}

// openers has the store behind each URL scheme.
var openers = map[string]func(ctx context.Context, url string) (Store, error){
	"file": openFile,
	"mem":  openMemory,
	"s3":   openS3,
}

// OpenStore opens the store at a bare path, file://path, mem://name or an S3
// URL (ParseS3URL), whether a registry is in it or not, and writes nothing. A
// bare path to a regular file is that of evidence (WriteEvidence). The
// path of a file URL is all that follows the slashes, relative or absolute, with
// %-escapes. A mem URL names a store shared by the whole process.
func OpenStore(ctx context.Context, url string) (Store, error) {
	scheme, _, ok := strings.Cut(url, "://")
	if !ok {
		if info, err := os.Stat(url); err == nil && info.Mode().IsRegular() {
			return openEvidence(ctx, url)
		}
		return NewDir(url)
	}
	open, ok := openers[scheme]
	if !ok {
		known := slices.Sorted(maps.Keys(openers))
		return nil, fmt.Errorf("registry: cannot open %s: unknown scheme %q; use a path or one of: %s",
			redacted(url), scheme, strings.Join(known, ", "))
	}
	return open(ctx, url)
}

// redacted keeps passwords, and queries, where people put keys, out of error
// messages.
func redacted(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "the URL of the store" // whatever part of it is wrong may hold a secret
	}
	u.RawQuery, u.Fragment = "", ""
	return u.Redacted()
}

func openFile(_ context.Context, rawURL string) (Store, error) {
	path, err := url.PathUnescape(strings.TrimPrefix(rawURL, "file://"))
	if err != nil {
		return nil, fmt.Errorf("registry: %s: %w", rawURL, err)
	}
	return NewDir(path)
}

var memories sync.Map // name to *Memory

func openMemory(_ context.Context, rawURL string) (Store, error) {
	name := strings.TrimPrefix(rawURL, "mem://")
	store, _ := memories.LoadOrStore(name, NewMemory(name))
	return store.(Store), nil
}

// Open opens the registry at a URL that OpenStore accepts, and creates it if
// there is nothing at all.
//
// Errors: ErrForeign if there is something else than a registry; ErrCorrupt if
// there is one that this program cannot read; ErrUnavailable, also for a place
// where it may not write. Any other error is of the URL.
func Open(ctx context.Context, url string) (*Registry, error) {
	store, err := OpenStore(ctx, url)
	if err != nil {
		return nil, err
	}
	return OpenOn(ctx, store)
}

// OpenOn is Open for a store that is configured in code.
func OpenOn(ctx context.Context, store Store) (*Registry, error) {
	r := &Registry{store: store}
	var err error
	if s, ok := store.(*S3); ok {
		err = s.Probe(ctx)
	}
	if err == nil {
		err = r.create(ctx)
	}
	if errors.Is(err, ErrUnavailable) {
		return nil, fmt.Errorf("cannot open a registry at %s: check that it can be reached and written to: %w", store, err)
	} else if err != nil {
		return nil, fmt.Errorf("cannot open a registry at %s: %w", store, err)
	}
	return r, nil
}

// OpenExisting opens a registry for a command that only reads. It never writes.
// Errors: ErrNotExist if there is nothing, else as Open.
func OpenExisting(ctx context.Context, url string) (*Registry, error) {
	store, err := OpenStore(ctx, url)
	if err != nil {
		return nil, err
	}
	r := &Registry{store: store}
	if err = r.load(ctx); errors.Is(err, ErrNotExist) {
		err = cmp.Or(r.foreign(ctx), err)
	}
	if errors.Is(err, ErrNotExist) {
		return nil, fmt.Errorf("no registry at %s: check the place, or run an experiment, which creates it: %w", store, err)
	} else if err != nil {
		return nil, fmt.Errorf("cannot open the registry at %s: %w", store, err)
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

// Created is the time at which the registry was created.
func (r *Registry) Created() time.Time { return r.config.Created }

// String is the URL of the registry, without secrets.
func (r *Registry) String() string { return r.store.String() }

// put creates a key with the given bytes.
func (r *Registry) put(ctx context.Context, key string, data []byte) error {
	return r.store.Create(ctx, key, bytes.NewReader(data), int64(len(data)), DigestOf(data))
}

const blobPrefix = "blobs/sha256/"

func blobKey(d Digest) string {
	hex := d.Hex()
	return blobPrefix + hex[:2] + "/" + hex
}

// PutBlob stores data under its digest; storing it again changes nothing.
// Errors: ErrCorrupt if the registry holds other bytes under that digest, that
// is, a damaged blob; ErrUnavailable.
func (r *Registry) PutBlob(ctx context.Context, mediaType string, data []byte) (Descriptor, error) {
	d := Descriptor{MediaType: mediaType, Digest: DigestOf(data), Size: int64(len(data))}
	if err := d.validate(); err != nil {
		return Descriptor{}, err
	}
	err := r.put(ctx, blobKey(d.Digest), data)
	if errors.Is(err, ErrExist) {
		return Descriptor{}, fmt.Errorf("%w: the stored blob is damaged, remove it and store it again: %w", ErrCorrupt, err)
	} else if err != nil {
		return Descriptor{}, err
	}
	return d, nil
}

// Blob reads a blob and verifies it. Errors: ErrNotExist; ErrCorrupt if size or
// digest are not those of the descriptor; ErrUnavailable.
func (r *Registry) Blob(ctx context.Context, d Descriptor) ([]byte, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	key := blobKey(d.Digest)
	body, info, err := r.store.Get(ctx, key)
	if errors.Is(err, ErrNotExist) { // a collector may be about to move it back
		if trashed, info2, err2 := r.store.Get(ctx, trashKey(d.Digest)); err2 == nil {
			key, body, info, err = trashKey(d.Digest), trashed, info2, nil
		}
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if info.Size != d.Size { // before memory is set aside for it
		return nil, fmt.Errorf("registry: %s: %w: it has %d bytes, want %d", key, ErrCorrupt, info.Size, d.Size)
	}
	data := make([]byte, d.Size)
	if _, err := io.ReadFull(reader{ctx, body}, data); err != nil {
		return nil, fmt.Errorf("registry: %s: %w: %w", key, cmp.Or(ctx.Err(), ErrUnavailable), err)
	}
	if got := DigestOf(data); got != d.Digest {
		return nil, fmt.Errorf("registry: %s: %w: it hashes to %s, want %s", key, ErrCorrupt, got, d.Digest)
	}
	return data, nil
}

// HasBlob reports whether the blob is there, without reading it. Errors:
// ErrCorrupt if its size is not that of the descriptor; ErrUnavailable.
func (r *Registry) HasBlob(ctx context.Context, d Descriptor) (bool, error) {
	if err := d.validate(); err != nil {
		return false, err
	}
	key := blobKey(d.Digest)
	info, err := r.store.Stat(ctx, key)
	if errors.Is(err, ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	if info.Size != d.Size {
		return false, fmt.Errorf("registry: %s: %w: it has %d bytes, want %d", key, ErrCorrupt, info.Size, d.Size)
	}
	return true, nil
}

// wantBlob fails with ErrNotExist where HasBlob is false: nothing is written
// that refers to what is not there. It moves the blob back if a collector has
// moved it away. Whoever writes a reference calls it before and after: a
// collector that has not seen the reference has moved the blob by then.
func (r *Registry) wantBlob(ctx context.Context, what string, d Descriptor) error {
	ok, err := r.HasBlob(ctx, d)
	if err == nil && !ok {
		if ok, err = r.untrash(ctx, d.Digest); ok {
			ok, err = r.HasBlob(ctx, d)
		}
	}
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("registry: %s: blob %s %w; store it first", what, d.Digest, ErrNotExist)
	}
	return nil
}

const runPrefix = "runs/"

func manifestKey(run string) string { return runPrefix + run + "/manifest.json" }

// Commit makes a finished run visible, once and for all. It returns the digest
// of the stored manifest. If the run is there already with the same result
// digest, that one stays and Commit succeeds.
//
// Errors: ErrNotExist if an artifact is not there; ErrConflict if the run is
// there with another result; ErrCorrupt if a field that follows from others is
// set to something else or an artifact has another size; ErrUnavailable.
func (r *Registry) Commit(ctx context.Context, m Manifest) (Digest, error) {
	sealed, text, err := m.seal()
	if err != nil {
		return "", fmt.Errorf("registry: commit: %w", err)
	}
	if err := m.agrees(sealed); err != nil {
		return "", fmt.Errorf("registry: commit: %w: %w", ErrCorrupt, err)
	}
	if err := r.wantArtifacts(ctx, sealed); err != nil {
		return "", err
	}
	digest, err := r.putManifest(ctx, sealed, text)
	if err != nil {
		return "", err
	}
	return digest, r.wantArtifacts(ctx, sealed)
}

func (r *Registry) wantArtifacts(ctx context.Context, m Manifest) error {
	for _, name := range slices.Sorted(maps.Keys(m.Artifacts)) {
		if err := r.wantBlob(ctx, fmt.Sprintf("commit run %s: artifact %q", m.Run, name), m.Artifacts[name]); err != nil {
			return err
		}
	}
	return nil
}

// putManifest returns the digest of the manifest that is there in the end.
func (r *Registry) putManifest(ctx context.Context, m Manifest, text []byte) (Digest, error) {
	err := r.put(ctx, manifestKey(m.Run), text)
	if err == nil {
		return DigestOf(text), nil
	} else if !errors.Is(err, ErrExist) {
		return "", err
	}
	there, digest, err := r.Run(ctx, m.Run)
	if err != nil {
		return "", err
	}
	if there.ResultDigest != m.ResultDigest {
		return "", fmt.Errorf("registry: commit run %s: %w: it is there with the result %s, not %s",
			m.Run, ErrConflict, there.ResultDigest, m.ResultDigest)
	}
	return digest, nil
}

// Run reads and verifies the manifest of a finished run, and returns the digest
// of its stored form, too.
// Errors: ErrNotExist if the run is not finished; ErrCorrupt; ErrUnavailable.
func (r *Registry) Run(ctx context.Context, id string) (Manifest, Digest, error) {
	if err := checkRunID(id); err != nil {
		return Manifest{}, "", err
	}
	key := manifestKey(id)
	data, _, err := r.store.Load(ctx, key)
	if err != nil {
		return Manifest{}, "", err
	}
	m, err := DecodeManifest(data)
	if err == nil && m.Run != id {
		err = fmt.Errorf("%w: it is the manifest of run %s", ErrCorrupt, m.Run)
	}
	if err != nil {
		return Manifest{}, "", fmt.Errorf("registry: %s: %w", key, err)
	}
	return m, DigestOf(data), nil
}

// Runs yields the ids of all finished runs, complete or failed, in order. It
// does not read their manifests. An error is yielded last.
func (r *Registry) Runs(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for info, err := range r.store.List(ctx, runPrefix) {
			if err != nil {
				yield("", err)
				return
			}
			if p := parseKey(info.Key); p.kind == manifestPart && !yield(p.run, nil) {
				return
			}
		}
	}
}
