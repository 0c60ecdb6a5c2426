package registry

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/registry/store"
)

// Export writes all finished runs, with every blob they rest on and every signature, as a tar archive that holds an
// OCI image layout: each run is an OCI manifest of artifact type ManifestSchema that is tagged with its id, its
// first layer the manifest of the run, the others its signatures and artifacts. Registries with the same runs and
// signatures have the same bytes. progress, which may be nil, is called after each of total blobs.
//
// A run of which something is damaged or missing is left out, and so is a damaged signature; what was bad is
// returned in the order of keys. Errors: ErrUnavailable; those of w.
func (r *Registry) Export(ctx context.Context, w io.Writer, progress func(done, total int)) ([]Problem, error) {
	e := exporter{Registry: r, index: []ociDescriptor{}, blobs: make(map[Digest]exported), users: make(map[Digest][]string)}
	for run, err := range r.Runs(ctx) {
		if err == nil {
			err = e.run(ctx, run)
		}
		if err != nil {
			return nil, err
		}
	}
	err := e.write(ctx, w, progress)
	slices.SortFunc(e.left, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) })
	return e.left, err
}

type exporter struct {
	*Registry
	index []ociDescriptor
	blobs map[Digest]exported
	users map[Digest][]string // runs, of artifacts
	left  []Problem
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

// leave notes what was bad, for which something is left out. It returns errors that concern more than that.
func (e *exporter) leave(key string, usual ProblemKind, err error) error {
	if err == nil || !tolerable(err) {
		return err
	}
	if errors.Is(err, ErrNotExist) {
		usual = Missing
	}
	e.left = append(e.left, Problem{key, kindOf(err, usual), err.Error()})
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
	m, digest, err := e.Run(ctx, run)
	if err != nil {
		return e.leave(manifestKey(run), BadManifest, err)
	}
	for _, d := range m.Artifacts {
		if there, ok := e.blobs[d.Digest]; ok && there.size != d.Size {
			return e.leave(manifestKey(run), WrongSize, corrupt("%s has %d bytes in one place and %d in another", d.Digest, there.size, d.Size))
		}
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
		text, err := e.loadObject(ctx, info.Key)
		if err == nil {
			err = decodeEnvelope(text, p.signer, m, digest)
		}
		if err != nil {
			if err := e.leave(info.Key, BadSignature, err); err != nil {
				return err
			}
			continue
		}
		layers = append(layers, titled(e.add(signatureType, text), p.signer+".json"))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Artifacts)) {
		d := m.Artifacts[name]
		if _, ok := e.blobs[d.Digest]; !ok {
			e.blobs[d.Digest] = exported{size: d.Size}
		}
		e.users[d.Digest] = append(e.users[d.Digest], run)
		layers = append(layers, titled(d, name))
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

// write writes the index last: what it names is there.
func (e *exporter) write(ctx context.Context, w io.Writer, progress func(done, total int)) error {
	layout, err := encode(ociLayout{ociVersion})
	if err != nil {
		return err
	}
	archive := tar.NewWriter(w)
	if err := writeFile(archive, ociLayoutName, layout); err != nil {
		return err
	}
	partial := make(map[string]bool) // runs
	for i, digest := range slices.Sorted(maps.Keys(e.blobs)) {
		whole, err := e.blob(ctx, archive, digest, e.blobs[digest])
		if err != nil {
			return err
		}
		if !whole {
			for _, run := range e.users[digest] {
				partial[run] = true
			}
		}
		if progress != nil {
			progress(i+1, len(e.blobs))
		}
	}
	e.index = slices.DeleteFunc(e.index, func(d ociDescriptor) bool { return partial[d.Annotations[ociTag]] })
	index, err := encode(ociIndex{2, ociIndexType, e.index})
	if err != nil {
		return err
	}
	return errors.Join(writeFile(archive, ociIndexName, index), archive.Close())
}

// blob reports whether it is there, whole, and now in the archive.
func (e *exporter) blob(ctx context.Context, archive *tar.Writer, digest Digest, blob exported) (whole bool, err error) {
	name := ociBlobPrefix + digest.Hex()
	if blob.data != nil {
		return true, writeFile(archive, name, blob.data)
	}
	file, size, err := e.fetchBlob(ctx, digest)
	if err == nil {
		defer file.Close()
		err = wantSize(store.Info{Key: blobKey(digest), Size: size}, Descriptor{Size: blob.size})
	}
	if err != nil {
		return false, e.leave(blobKey(digest), Flipped, err)
	}
	if err := writeHeader(archive, name, size); err != nil {
		return false, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	_, err = io.Copy(archive, file)
	return true, err
}

// fetchBlob is fetch that looks in the trash, too.
func (r *Registry) fetchBlob(ctx context.Context, d Digest) (tempFile, int64, error) {
	file, size, err := r.fetch(ctx, blobKey(d), d)
	if errors.Is(err, ErrNotExist) {
		for key, e := range r.trashed(ctx, d) {
			if e != nil {
				return file, size, e
			}
			if file, size, e := r.fetch(ctx, key, d); e == nil {
				return file, size, nil
			}
		}
	}
	return file, size, err
}
