package registry

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/registry/store"
)

const (
	defaultImportSize = 1 << 40
	maxImportFiles    = 10_000_000
	maxImportJSON     = 64 << 20 // index.json; that of 100,000 runs has half of it
	maxManifest       = 16 << 20 // of a run, the OCI manifest around it, and a signature
)

// ImportOptions says what an import accepts. The zero value is a good choice.
type ImportOptions struct {
	// MaxBytes is the most that all files of the archive may hold together; 0 means 1 TiB.
	MaxBytes int64
	// PublicKeys are those by which signatures are verified. A signature that no such key has made is not kept; with
	// at least one key, a run that none has signed is not either. A signature is all that vouches for a run's
	// provenance, which does not follow from its key.
	PublicKeys []ed25519.PublicKey
	// Progress, if not nil, is called after each of total runs.
	Progress func(done, total int)
}

// ImportReport says what an import found.
type ImportReport struct {
	Runs     int `json:"runs"`
	Ignored  int `json:"ignored"`  // manifests of other things than runs
	Unsigned int `json:"unsigned"` // runs left out: no key of the options has signed them
	Unknown  int `json:"unknown"`  // signatures left out: by keys that are none of the options
	// Kept are runs that were there with the same result and another provenance, which stays.
	Kept []string `json:"kept"`
	// Displaced are those of them that a key of the options has signed in the archive, and none as they are there: what
	// nobody vouches for stands in the place of what somebody does.
	Displaced []string `json:"displaced"`
}

// Import reads what Export writes, or a tool for OCI images has rewritten, and adds its runs and signatures to the
// registry. The archive is unpacked into the folder for temporary files before anything of it is believed. No name
// in it becomes the name of a file: whatever is not a part of an image layout, or a link, or larger than allowed,
// or unlike its digest, is refused before anything is stored.
//
// Errors: ErrCorrupt if the archive is not in order; ErrConflict if a run is
// there with another result; ErrUnavailable; those of archive.
func (r *Registry) Import(ctx context.Context, archive io.Reader, opts ImportOptions) (ImportReport, error) {
	if opts.MaxBytes <= 0 {
		opts.MaxBytes = defaultImportSize
	}
	i := importer{Registry: r, opts: opts, sizes: make(map[Digest]int64)}
	defer func() { os.RemoveAll(i.dir) }()
	unpack := func(header *tar.Header, body io.Reader) error { return i.unpack(ctx, header, body) }
	if err := readArchive(ctx, archive, maxImportFiles, opts.MaxBytes, unpack); err != nil {
		return ImportReport{}, fmt.Errorf("registry: import: %w", err)
	}
	runs, err := i.plan()
	if err != nil {
		return ImportReport{}, fmt.Errorf("registry: import: %w", err)
	}
	for n, run := range runs {
		if err := i.importRun(ctx, run); err != nil {
			return i.report, fmt.Errorf("registry: import run %s: %w", run.manifest.Run, err)
		}
		i.report.Runs++
		if opts.Progress != nil {
			opts.Progress(n+1, len(runs))
		}
	}
	_, err = r.Overview(ctx, none) // whoever lists them next need not read them all
	return i.report, err
}

type importer struct {
	*Registry
	opts   ImportOptions
	dir    string           // blobs, by their digits; empty before the first
	sizes  map[Digest]int64 // of blobs that are there
	index  []byte
	layout []byte
	report ImportReport
}

// unpack takes an entry of the archive; blobs are verified.
func (i *importer) unpack(ctx context.Context, header *tar.Header, body io.Reader) error {
	name := strings.TrimPrefix(header.Name, "./")
	if header.Typeflag == tar.TypeDir && slices.Contains([]string{"", ".", "blobs", "blobs/sha256"}, strings.TrimSuffix(name, "/")) {
		return nil
	}
	if header.Typeflag != tar.TypeReg {
		return corrupt("%.100q is not a regular file", header.Name)
	}
	switch name {
	case ociLayoutName:
		return small(&i.layout, header, body)
	case ociIndexName:
		return small(&i.index, header, body)
	}
	hex, ok := strings.CutPrefix(name, ociBlobPrefix)
	digest, err := digestOfHex(hex)
	if !ok || err != nil {
		return corrupt("%.100q is not a part of an OCI image layout", header.Name)
	}
	if _, twice := i.sizes[digest]; twice {
		return corrupt("%s is there twice", name)
	}
	if i.dir == "" {
		if i.dir, err = os.MkdirTemp("", "cidbench-import-*"); err != nil {
			return scratch(err)
		}
	}
	f, err := os.OpenFile(i.path(digest), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return scratch(err)
	}
	defer f.Close()
	if err := store.CopyVerified(ctx, f, body, header.Size, digest); err != nil {
		return fmt.Errorf("blob %s: %w", digest, scratch(err))
	}
	i.sizes[digest] = header.Size
	return scratch(f.Close())
}

func small(to *[]byte, header *tar.Header, body io.Reader) error {
	if *to != nil || header.Size > maxImportJSON {
		return corrupt("%s is there twice or has too many bytes: %d", header.Name, header.Size)
	}
	data, err := io.ReadAll(body)
	*to = data
	return err
}

func (i *importer) path(d Digest) string { return filepath.Join(i.dir, d.Hex()) }

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

// plan decides what to import, before anything is stored.
func (i *importer) plan() ([]plannedRun, error) {
	var layout ociLayout
	if err := json.Unmarshal(i.layout, &layout); err != nil || !strings.HasPrefix(layout.Version, "1.") {
		return nil, corrupt("no %s of version 1", ociLayoutName)
	}
	var index ociIndex
	if err := json.Unmarshal(i.index, &index); err != nil || index.SchemaVersion != 2 {
		return nil, corrupt("no %s of version 2", ociIndexName)
	}
	var runs []plannedRun
	for _, d := range index.Manifests {
		if d.MediaType != ociManifestType {
			i.report.Ignored++
			continue
		}
		text, err := i.read(d.Descriptor)
		if err != nil {
			return nil, err
		}
		var m ociManifest
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, corrupt("manifest %s: %w", d.Digest, err)
		}
		if m.ArtifactType != ManifestSchema || len(m.Layers) == 0 {
			i.report.Ignored++
			continue
		}
		run, err := i.planRun(m.Layers)
		if err != nil {
			return nil, fmt.Errorf("manifest %s: %w", d.Digest, err)
		}
		if len(run.signatures) == 0 && len(i.opts.PublicKeys) > 0 {
			i.report.Unsigned++
			continue
		}
		runs = append(runs, run)
	}
	return runs, nil
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
		text, err := i.read(layer.Descriptor)
		if err != nil {
			return plannedRun{}, err
		}
		by := slices.IndexFunc(i.opts.PublicKeys, func(k ed25519.PublicKey) bool { return KeyID(k) == id })
		if by < 0 {
			i.report.Unknown++
			continue
		}
		if err := verifyEnvelope(text, i.opts.PublicKeys[by], m, run.digest); err != nil {
			return plannedRun{}, fmt.Errorf("signature by key %s: %w", id, err)
		}
		run.signatures[key] = text
	}
	return run, nil
}

func (i *importer) importRun(ctx context.Context, run plannedRun) error {
	for _, artifact := range run.manifest.Artifacts {
		f, err := os.Open(i.path(artifact.Digest))
		if err != nil {
			return err
		}
		err = i.store.Create(ctx, blobKey(artifact.Digest), f, artifact.Size, artifact.Digest)
		if err = cmp.Or(err, f.Close()); err != nil {
			return err
		}
	}
	there, err := i.Commit(ctx, run.manifest)
	if err != nil {
		return err
	}
	if there != run.digest { // what is signed is not what stays
		i.report.Kept = append(i.report.Kept, run.manifest.Run)
		vouched, err := i.vouched(ctx, run.manifest.Run)
		if len(run.signatures) > 0 && !vouched {
			i.report.Displaced = append(i.report.Displaced, run.manifest.Run)
		}
		return err
	}
	for key, text := range run.signatures {
		if err := i.put(ctx, key, text); err != nil {
			return err
		}
	}
	return nil
}

// vouched says whether a key of the options has signed a run as it is in the registry.
func (i *importer) vouched(ctx context.Context, run string) (bool, error) {
	for _, key := range i.opts.PublicKeys {
		switch err := i.VerifySignature(ctx, run, key); {
		case err == nil:
			return true, nil
		case !errors.Is(err, ErrNotExist) && !errors.Is(err, ErrCorrupt):
			return false, err
		}
	}
	return false, nil
}
