package registry

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	defaultImportSize = 1 << 40
	maxImportEntries  = 10_000_000
	maxImportJSON     = 256 << 20 // index.json
	maxManifest       = 16 << 20  // of a run, and the OCI manifest around it
)

// ImportOptions says what an import accepts. The zero value is a good choice.
type ImportOptions struct {
	// MaxBytes is the most that all files of the archive may hold together; 0
	// means 1 TiB.
	MaxBytes int64
	// TempDir is where the archive is unpacked, before anything of it is
	// believed; if empty, the folder for temporary files.
	TempDir string
	// Progress, if not nil, is called after each of total runs and refs.
	Progress func(done, total int)
}

// ImportReport says what an import found.
type ImportReport struct {
	Runs, Refs int
	// Kept are the names of refs that were there and point elsewhere.
	Kept []string
	// Ignored counts manifests that are neither runs nor refs.
	Ignored int
}

// Import reads what Export writes, or a tool for OCI images has rewritten, and
// adds its runs, signatures and refs to the registry. A ref that is there is
// left as it is. No name in the archive becomes the name of a file: whatever is
// not a part of an image layout, or a link, or larger than allowed, or unlike its
// digest, is refused before anything is stored.
//
// Errors: ErrCorrupt if the archive is not in order; ErrConflict if a run is
// there with another result; ErrUnavailable; those of archive.
func (r *Registry) Import(ctx context.Context, archive io.Reader, opts ImportOptions) (ImportReport, error) {
	if opts.MaxBytes <= 0 {
		opts.MaxBytes = defaultImportSize
	}
	dir, err := os.MkdirTemp(opts.TempDir, "cidbench-import-*")
	if err != nil {
		return ImportReport{}, err
	}
	defer os.RemoveAll(dir)
	i := importer{Registry: r, dir: dir, left: opts.MaxBytes, sizes: make(map[Digest]int64)}
	if err := i.unpack(ctx, archive); err != nil {
		return ImportReport{}, fmt.Errorf("registry: import: %w", err)
	}
	runs, refs, err := i.plan()
	if err != nil {
		return ImportReport{}, fmt.Errorf("registry: import: %w", err)
	}
	done := func() {
		if opts.Progress != nil {
			opts.Progress(i.report.Runs+i.report.Refs, len(runs)+len(refs))
		}
	}
	for _, run := range runs {
		if err := i.importRun(ctx, run); err != nil {
			return i.report, fmt.Errorf("registry: import run %s: %w", run.manifest.Run, err)
		}
		i.report.Runs++
		done()
	}
	for _, ref := range refs {
		if err := i.importRef(ctx, ref); err != nil {
			return i.report, fmt.Errorf("registry: import ref %s: %w", ref.name, err)
		}
		i.report.Refs++
		done()
	}
	return i.report, nil
}

type importer struct {
	*Registry
	dir    string           // blobs, by their digits
	left   int64            // bytes that may still come
	sizes  map[Digest]int64 // of blobs that are there
	index  []byte
	layout []byte
	report ImportReport
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}

// unpack takes the blobs of the archive, each verified.
func (i *importer) unpack(ctx context.Context, archive io.Reader) error {
	files := tar.NewReader(reader{ctx, archive})
	for n := 0; ; n++ {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return archiveError(ctx, err)
		}
		if n == maxImportEntries {
			return corrupt("more than %d files", maxImportEntries)
		}
		if err := i.entry(ctx, header, files); err != nil {
			return err
		}
	}
}

// archiveError tells an archive that is cut off or not one from one that cannot
// be read.
func archiveError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, tar.ErrFieldTooLong) || errors.Is(err, tar.ErrInsecurePath) {
		return corrupt("not a whole tar archive: %w", err)
	}
	return err
}

func (i *importer) entry(ctx context.Context, header *tar.Header, body io.Reader) error {
	name := strings.TrimPrefix(header.Name, "./")
	if header.Typeflag == tar.TypeDir {
		switch strings.TrimSuffix(name, "/") {
		case "", ".", "blobs", "blobs/sha256":
			return nil
		}
	}
	if header.Typeflag != tar.TypeReg {
		return corrupt("%.100q is not a regular file", header.Name)
	}
	for record := range header.PAXRecords {
		if strings.HasPrefix(record, "GNU.sparse.") {
			return corrupt("%.100q is a sparse file", header.Name)
		}
	}
	if header.Size < 0 || header.Size > i.left {
		return corrupt("%.100q has %d bytes, more than are allowed", header.Name, header.Size)
	}
	i.left -= header.Size
	switch name {
	case ociLayoutName:
		return i.small(ctx, &i.layout, header, body)
	case ociIndexName:
		return i.small(ctx, &i.index, header, body)
	}
	hex, ok := strings.CutPrefix(name, ociBlobPrefix)
	digest, err := ParseDigest(digestPrefix + hex)
	if !ok || err != nil {
		return corrupt("%.100q is not a part of an OCI image layout", header.Name)
	}
	if _, twice := i.sizes[digest]; twice {
		return corrupt("%s is there twice", name)
	}
	return i.blob(ctx, digest, header.Size, body)
}

func (i *importer) small(ctx context.Context, to *[]byte, header *tar.Header, body io.Reader) error {
	if *to != nil || header.Size > maxImportJSON {
		return corrupt("%s is there twice or has too many bytes: %d", header.Name, header.Size)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return archiveError(ctx, err)
	}
	*to = append([]byte{}, data...)
	return nil
}

func (i *importer) path(d Digest) string { return filepath.Join(i.dir, d.Hex()) }

func (i *importer) blob(ctx context.Context, digest Digest, size int64, body io.Reader) error {
	f, err := os.OpenFile(i.path(digest), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, hash), body); err != nil {
		return archiveError(ctx, err)
	}
	if got := digestFrom(hash.Sum(nil)); got != digest {
		return corrupt("the blob %s hashes to %s", digest, got)
	}
	i.sizes[digest] = size
	return f.Close()
}

// want fails if a blob is not in the archive as it is described.
func (i *importer) want(d Descriptor) error {
	if err := d.validate(); err != nil {
		return corrupt("%w", err)
	}
	size, ok := i.sizes[d.Digest]
	if !ok || size != d.Size {
		return corrupt("the blob %s with %d bytes is missing", d.Digest, d.Size)
	}
	return nil
}

func (i *importer) read(d Descriptor) ([]byte, error) {
	if err := i.want(d); err != nil {
		return nil, err
	}
	if d.Size > maxManifest {
		return nil, corrupt("%s has %d bytes, which is too much for a manifest", d.Digest, d.Size)
	}
	return os.ReadFile(i.path(d.Digest))
}

// A plannedRun is whole: everything it refers to is in the archive.
type plannedRun struct {
	manifest   Manifest
	digest     Digest // of its stored form
	signatures map[string][]byte
}

type plannedRef struct {
	name   string
	target Descriptor
}

// plan decides what to import, before anything is stored.
func (i *importer) plan() (runs []plannedRun, refs []plannedRef, err error) {
	var layout ociLayout
	if err := json.Unmarshal(i.layout, &layout); err != nil || !strings.HasPrefix(layout.Version, "1.") {
		return nil, nil, corrupt("no %s of version 1", ociLayoutName)
	}
	var index ociIndex
	if err := json.Unmarshal(i.index, &index); err != nil || index.SchemaVersion != 2 {
		return nil, nil, corrupt("no %s of version 2", ociIndexName)
	}
	for _, d := range index.Manifests {
		if d.MediaType != ociManifestType {
			i.report.Ignored++
			continue
		}
		text, err := i.read(d.Descriptor)
		if err != nil {
			return nil, nil, err
		}
		var m ociManifest
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, nil, corrupt("manifest %s: %w", d.Digest, err)
		}
		switch {
		case m.ArtifactType == ManifestSchema && len(m.Layers) > 0:
			run, err := i.planRun(m.Layers)
			if err != nil {
				return nil, nil, fmt.Errorf("manifest %s: %w", d.Digest, err)
			}
			runs = append(runs, run)
		case m.ArtifactType == refArtifactType && len(m.Layers) == 1:
			ref := plannedRef{m.Annotations[refAnnotation], m.Layers[0].Descriptor}
			if _, err := refKey(ref.name); err != nil {
				return nil, nil, corrupt("%w", err)
			}
			if err := i.want(ref.target); err != nil {
				return nil, nil, err
			}
			refs = append(refs, ref)
		default:
			i.report.Ignored++
		}
	}
	return runs, refs, nil
}

func (i *importer) planRun(layers []ociDescriptor) (plannedRun, error) {
	text, err := i.read(layers[0].Descriptor)
	if err != nil {
		return plannedRun{}, err
	}
	m, err := DecodeManifest(text)
	if err != nil {
		return plannedRun{}, err
	}
	for _, artifact := range m.Artifacts {
		if err := i.want(artifact); err != nil {
			return plannedRun{}, err
		}
	}
	run := plannedRun{m, DigestOf(text), make(map[string][]byte)}
	for _, layer := range layers[1:] {
		if layer.MediaType != signatureType {
			continue
		}
		id, ok := strings.CutSuffix(layer.Annotations[ociTitle], ".json")
		key := signatureKey(m.Run, id)
		if !ok || parseKey(key).kind != signaturePart {
			return plannedRun{}, corrupt("%.100q does not name a key", layer.Annotations[ociTitle])
		}
		if run.signatures[key], err = i.read(layer.Descriptor); err != nil {
			return plannedRun{}, err
		}
	}
	return run, nil
}

func (i *importer) importRun(ctx context.Context, run plannedRun) error {
	for _, artifact := range run.manifest.Artifacts {
		if err := i.storeBlob(ctx, artifact); err != nil {
			return err
		}
	}
	there, err := i.Commit(ctx, run.manifest)
	if err != nil {
		return err
	}
	if there != run.digest { // an equal run was there, which nobody has signed here
		return nil
	}
	for key, text := range run.signatures {
		if err := i.put(ctx, key, text); err != nil {
			return err
		}
	}
	return nil
}

func (i *importer) importRef(ctx context.Context, ref plannedRef) error {
	there, _, err := i.Ref(ctx, ref.name)
	if err == nil {
		same, err := sameDescriptor(there, ref.target)
		if !same {
			i.report.Kept = append(i.report.Kept, ref.name)
		}
		return err
	} else if !errors.Is(err, ErrNotExist) {
		return err
	}
	if err := i.storeBlob(ctx, ref.target); err != nil {
		return err
	}
	_, err = i.SetRef(ctx, ref.name, ref.target, "")
	return err
}

// storeBlob stores a blob of the archive.
func (i *importer) storeBlob(ctx context.Context, d Descriptor) error {
	f, err := os.Open(i.path(d.Digest))
	if err != nil {
		return err
	}
	defer f.Close()
	return i.putBody(ctx, d, f)
}
