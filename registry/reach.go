package registry

import (
	"context"
	"errors"

	"github.com/cidbench/cidbench/registry/s3"
	"github.com/cidbench/cidbench/registry/store"
)

// Standing is how a store stands: what it is, whether a registry is there, and whether one could write.
type Standing struct {
	Kind     string `json:"kind"`  // directory, bucket, evidence or memory
	Place    string `json:"place"` // the URL, without secrets
	Registry bool   `json:"registry"`
	Writable bool   `json:"writable"`
	Reason   string `json:"reason,omitempty"` // why it is not
}

// Reach looks at the store at a URL that OpenStore accepts, and leaves it as it was but for the note that a server was
// probed. Errors: as OpenExisting, but a place without a registry is none, if one could be made there.
func Reach(ctx context.Context, url string) (Standing, error) {
	s, err := OpenStore(ctx, url)
	if err != nil {
		return Standing{}, err
	}
	standing := Standing{Place: s.String()}
	var writable func() error
	switch s := s.(type) {
	case *store.Dir:
		standing.Kind, writable = "directory", s.Writable
	case *s3.Store:
		standing.Kind, writable = "bucket", func() error { return s.Probe(ctx) }
	case evidence:
		standing.Kind, writable = "evidence", func() error { return errEvidence }
	default:
		standing.Kind, writable = "memory", func() error { return nil }
	}
	switch _, err := OpenExisting(ctx, url); {
	case err == nil:
		standing.Registry = true
	case !errors.Is(err, ErrNotExist):
		return standing, err
	}
	err = writable()
	if err != nil {
		standing.Reason = err.Error()
		if !standing.Registry { // there can be none
			return standing, err
		}
	}
	standing.Writable = err == nil
	return standing, nil
}
