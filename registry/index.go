package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/cidbench/cidbench/registry/store"
)

// indexLag is how many manifests may be read again and again before the index is written anew.
const indexLag = 100

// A RunStatus is what a list of runs says of one.
type RunStatus struct {
	Run          string `json:"run"`
	Status       Status `json:"status"`
	ResultDigest Digest `json:"resultDigest"`
	Manifest     Digest `json:"manifest"` // of the stored form
	// Err, if not nil, is the ErrCorrupt of reading the manifest, in place of all but Run.
	Err error `json:"-"`
}

// indexed is what the index remembers of a manifest, as long as it has the same size and time.
type indexed struct {
	RunStatus
	Size    int64     `json:"size"`
	ModTime time.Time `json:"modTime"`
}

// Statuses returns the status of all finished runs in the order of their ids. It reads the manifests that the index
// does not know, and adds them to the index if they are many and the registry can be written to. What it says of
// the others is what it has read before: whoever decides on a result calls Run, which verifies. Errors:
// ErrUnavailable.
func (r *Registry) Statuses(ctx context.Context) ([]RunStatus, error) {
	known, version, err := r.loadIndex(ctx)
	if err != nil {
		return nil, err
	}
	var index, unknown []*indexed
	for info, err := range r.store.List(ctx, runPrefix) {
		if err != nil {
			return nil, err
		}
		p := parseKey(info.Key)
		if p.kind != manifestPart {
			continue
		}
		entry, ok := known[p.run]
		if !ok || entry.Size != info.Size || !entry.ModTime.Equal(info.ModTime) {
			entry = &indexed{RunStatus{Run: p.run}, info.Size, info.ModTime.UTC()}
			unknown = append(unknown, entry)
		}
		index = append(index, entry)
	}
	err = forEach(ctx, unknown, func(ctx context.Context, entry *indexed) error {
		m, digest, err := r.Run(ctx, entry.Run)
		if errors.Is(err, ErrCorrupt) {
			entry.Err = err
			return nil
		} else if err != nil {
			return err
		}
		entry.Status, entry.ResultDigest, entry.Manifest = m.Status, m.ResultDigest, digest
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(unknown) >= indexLag || len(known) > len(index)+indexLag {
		r.saveIndex(ctx, index, version)
	}
	var all []RunStatus
	for _, entry := range index {
		all = append(all, entry.RunStatus)
	}
	return all, nil
}

// loadIndex returns an empty index if there is none, or a damaged one.
func (r *Registry) loadIndex(ctx context.Context) (map[string]*indexed, store.Version, error) {
	text, version, err := r.store.Load(ctx, indexKey)
	if errors.Is(err, ErrNotExist) {
		return nil, "", nil
	} else if err != nil {
		return nil, "", err
	}
	sum, text, _ := bytes.Cut(text, []byte("\n"))
	var entries []*indexed
	known := make(map[string]*indexed)
	if Digest(sum) == DigestOf(text) && json.Unmarshal(text, &entries) == nil {
		for _, entry := range entries {
			known[entry.Run] = entry
		}
	}
	return known, version, nil
}

// saveIndex does what it can: somebody else may be faster, or the only one who may write.
func (r *Registry) saveIndex(ctx context.Context, entries []*indexed, old store.Version) {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e *indexed) bool { return e.Manifest == "" })
	text, err := json.Marshal(entries)
	if err == nil {
		_, _ = r.store.Swap(ctx, indexKey, old, append([]byte(DigestOf(text)+"\n"), text...))
	}
}
