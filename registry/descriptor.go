package registry

import (
	"fmt"

	"github.com/cidbench/cidbench/registry/store"
)

// A Descriptor points to a blob and says what it is.
type Descriptor struct {
	MediaType   string            `json:"mediaType"` // carries the version of the schema
	Digest      Digest            `json:"digest"`
	Size        int64             `json:"size"` // in bytes
	Annotations map[string]string `json:"annotations,omitempty"`
}

func (d Descriptor) validate() error {
	if d.MediaType == "" {
		return fmt.Errorf("registry: descriptor of %s has no media type", d.Digest)
	}
	if d.Size < 0 {
		return fmt.Errorf("registry: descriptor of %s has the negative size %d", d.Digest, d.Size)
	}
	_, err := store.ParseDigest(string(d.Digest))
	return err
}
