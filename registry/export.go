package registry

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/cidbench/cidbench/registry/store"
)

// Export writes all finished runs, with every blob they rest on and every signature, as a tar archive that holds an
// OCI image layout: each run is an OCI manifest of artifact type ManifestSchema that is tagged with its id, its
// first layer the manifest of the run, the others its signatures and artifacts. Registries with the same runs and
// signatures have the same bytes. progress, which may be nil, is called after each of total blobs.
//
// Errors: ErrCorrupt if something is damaged; ErrNotExist if a blob is missing; ErrUnavailable; those of w.
func (r *Registry) Export(ctx context.Context, w io.Writer, progress func(done, total int)) error {
	e := exporter{Registry: r, index: []ociDescriptor{}, blobs: make(map[Digest]exported)}
	for run, err := range r.Runs(ctx) {
		if err != nil {
			return err
		}
		if err := e.run(ctx, run); err != nil {
			return err
		}
	}
	return e.write(ctx, w, progress)
}

type exporter struct {
	*Registry
	index []ociDescriptor
	blobs map[Digest]exported
}

// An exported blob is in memory, or else in the registry.
type exported struct {
	size int64
	data []byte
}

func (e *exporter) add(mediaType string, data []byte) Descriptor {
	d := Descriptor{MediaType: mediaType, Digest: DigestOf(data), Size: int64(len(data))}
	e.blobs[d.Digest] = exported{d.Size, data}
	return d
}

func (e *exporter) refer(d Descriptor) error {
	there, ok := e.blobs[d.Digest]
	if ok && there.size != d.Size {
		return fmt.Errorf("registry: export: %w: %s has %d bytes in one place and %d in another", ErrCorrupt, d.Digest, there.size, d.Size)
	}
	if !ok {
		e.blobs[d.Digest] = exported{size: d.Size}
	}
	return nil
}

// titled is d as a layer. What d says of itself stays in the run's manifest.
func titled(d Descriptor, title string) ociDescriptor {
	d.Annotations = nil
	if fileName.MatchString(title) {
		d.Annotations = map[string]string{ociTitle: title}
	}
	return ociDescriptor{Descriptor: d}
}

func (e *exporter) run(ctx context.Context, run string) error {
	m, _, err := e.Run(ctx, run)
	if err != nil {
		return err
	}
	text, err := encode(m) // the stored bytes, or Run would have refused them
	if err != nil {
		return err
	}
	layers := []ociDescriptor{titled(e.add(ManifestSchema, text), "manifest.json")}
	for info, err := range e.store.List(ctx, runPrefix+run+"/signatures/") {
		if err != nil {
			return err
		}
		p := parseKey(info.Key)
		if p.kind != signaturePart {
			continue
		}
		text, _, err := e.store.Load(ctx, info.Key)
		if err != nil {
			return err
		}
		layers = append(layers, titled(e.add(signatureType, text), p.signer+".json"))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Artifacts)) {
		if err := e.refer(m.Artifacts[name]); err != nil {
			return err
		}
		layers = append(layers, titled(m.Artifacts[name], name))
	}
	text, err = encode(ociManifest{
		SchemaVersion: 2,
		MediaType:     ociManifestType,
		ArtifactType:  ManifestSchema,
		Config:        ociDescriptor{Descriptor: e.add(ociEmptyType, []byte(ociEmpty))},
		Layers:        layers,
	})
	if err != nil {
		return err
	}
	d := e.add(ociManifestType, text)
	d.Annotations = map[string]string{ociTag: run}
	e.index = append(e.index, ociDescriptor{d, ManifestSchema})
	return nil
}

func (e *exporter) write(ctx context.Context, w io.Writer, progress func(done, total int)) error {
	layout, err := encode(ociLayout{ociVersion})
	if err != nil {
		return err
	}
	index, err := encode(ociIndex{2, ociIndexType, e.index})
	if err != nil {
		return err
	}
	archive := tar.NewWriter(w)
	if err := errors.Join(writeFile(archive, ociLayoutName, layout), writeFile(archive, ociIndexName, index)); err != nil {
		return err
	}
	for i, digest := range slices.Sorted(maps.Keys(e.blobs)) {
		if err := e.blob(ctx, archive, digest, e.blobs[digest]); err != nil {
			return err
		}
		if progress != nil {
			progress(i+1, len(e.blobs))
		}
	}
	return archive.Close()
}

func (e *exporter) blob(ctx context.Context, archive *tar.Writer, digest Digest, blob exported) error {
	name := ociBlobPrefix + digest.Hex()
	if blob.data != nil {
		return writeFile(archive, name, blob.data)
	}
	body, info, err := e.openBlob(ctx, digest)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := writeHeader(archive, name, blob.size); err != nil {
		return err
	}
	if err := store.CopyVerified(ctx, archive, body, blob.size, digest); err != nil {
		return fmt.Errorf("registry: export %s: %w", info.Key, err)
	}
	return nil
}
