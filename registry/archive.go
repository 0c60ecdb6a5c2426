package registry

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/cidbench/cidbench/registry/store"
)

// writeHeader starts a file; nothing in its header depends on time or place.
func writeHeader(archive *tar.Writer, name string, size int64) error {
	return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644})
}

func writeFile(archive *tar.Writer, name string, data []byte) error {
	if err := writeHeader(archive, name, int64(len(data))); err != nil {
		return err
	}
	_, err := archive.Write(data)
	return err
}

// readArchive calls f for every entry of an archive, of which it believes nothing but the size. All entries together
// may have limit bytes. Errors: ErrCorrupt; those of archive, ctx and f.
func readArchive(ctx context.Context, archive io.Reader, entries int, limit int64, f func(header *tar.Header, body io.Reader) error) error {
	files := tar.NewReader(store.ContextReader(ctx, archive))
	for range entries {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return archiveError(ctx, err)
		}
		for record := range header.PAXRecords {
			if strings.HasPrefix(record, "GNU.sparse.") {
				return corrupt("%.100q is a sparse file", header.Name)
			}
		}
		if header.Size < 0 || header.Size > limit {
			return corrupt("%.100q has %d bytes, more than are allowed", header.Name, header.Size)
		}
		limit -= header.Size
		if err := f(header, files); err != nil {
			return archiveError(ctx, err)
		}
	}
	if _, err := files.Next(); errors.Is(err, io.EOF) {
		return nil
	}
	return corrupt("it holds more than %d files", entries)
}

// archiveError tells an archive that is cut off or not one from one that cannot be read.
func archiveError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, tar.ErrFieldTooLong) || errors.Is(err, tar.ErrInsecurePath) {
		return corrupt("not a whole tar archive: %w", err)
	}
	return err
}

// The parts of the OCI image specification, version 1.1, that an export uses.
const (
	ociLayoutName   = "oci-layout"
	ociIndexName    = "index.json"
	ociBlobPrefix   = "blobs/sha256/"
	ociVersion      = "1.0.0"
	ociIndexType    = "application/vnd.oci.image.index.v1+json"
	ociManifestType = "application/vnd.oci.image.manifest.v1+json"
	ociEmptyType    = "application/vnd.oci.empty.v1+json"
	ociEmpty        = "{}"
	ociTag          = "org.opencontainers.image.ref.name"
	ociTitle        = "org.opencontainers.image.title"

	// signatureType is a layer with a signature of the run; its title is the id of the key and ".json".
	signatureType = "application/vnd.cidbench.signature.v1+json"
)

type ociLayout struct {
	Version string `json:"imageLayoutVersion"`
}

type ociIndex struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     string          `json:"mediaType,omitempty"`
	Manifests     []ociDescriptor `json:"manifests"`
}

type ociManifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType"`
	Config        ociDescriptor     `json:"config"`
	Layers        []ociDescriptor   `json:"layers"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

type ociDescriptor struct {
	Descriptor
	ArtifactType string `json:"artifactType,omitempty"`
}

// fileName is what a tool may name a file after when it unpacks a layer.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$`)
