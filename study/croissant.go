package study

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/croissant"
)

// Croissant describes a data set of the catalogue, or one that was imported, in that format: what the catalogue says, and
// its index if it is here. Errors: those of Index, of shards.ReadIndex and of dataset.Source.Pin; dataset.ErrDigest.
func (d Data) Croissant(name string) ([]byte, error) {
	s := d.Catalogue.Dataset(name)
	if s != nil && s.Import == nil {
		return croissant.Describe(s, nil)
	}
	index, err := d.Index(name)
	switch {
	case err == nil && s == nil:
		return croissant.Describe(index.Source(), index)
	case err == nil && s.Digest != "" && index.Digest != s.Digest:
		return nil, fmt.Errorf("data set %s: %w: %s, not %s", name, dataset.ErrDigest, index.Digest, s.Digest)
	case err != nil && (s == nil || !errors.Is(err, fs.ErrNotExist)):
		return nil, err
	}
	if s, err = s.Pin(d.Dir); err != nil {
		return nil, err
	}
	return croissant.Describe(s, index)
}
