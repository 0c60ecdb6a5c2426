package registry

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/cidbench/cidbench/registry/store"
)

// Evidence is a file with the manifests of some runs and, of their artifacts, only those of some media types:
// what a verdict rests on, without the checkpoints. It is a gzipped tar of objects under their keys, the
// configuration first and each blob after a manifest that refers to it. OpenStore opens such a file as a Store
// that cannot be written to. Artifacts that were left out do not exist there, and Check says so: a
// registry is copied by Export or Copy, not by this.

// The limits of an evidence file, which is held in memory. A thousand runs take 20 MB, and a third of that compressed.
const (
	maxEvidence      = 256 << 20 // bytes, compressed or not
	maxEvidenceRatio = 50        // of what it unpacks to and the file, from a megabyte on
	maxEvidenceFiles = 200_000
	maxPadding       = 64 << 10 // zeros after the archive
)

// WriteEvidence writes the manifests of the runs with their artifacts of the given media types. The same
// registry and runs give the same bytes.
//
// Errors: ErrNotExist if a run or artifact is not there; ErrCorrupt; ErrUnavailable; those of w.
func (r *Registry) WriteEvidence(ctx context.Context, w io.Writer, runs []string, mediaTypes ...string) error {
	compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	text, err := encode(r.config)
	if err == nil {
		err = writeFile(archive, configKey, text)
	}
	if err != nil {
		return err
	}
	written := map[Digest]bool{}
	for _, run := range slices.Compact(slices.Sorted(slices.Values(runs))) {
		m, _, err := r.Run(ctx, run)
		if err != nil {
			return err
		}
		if text, err = encode(m); err == nil { // the stored bytes, or Run would have refused them
			err = writeFile(archive, manifestKey(run), text)
		}
		if err != nil {
			return err
		}
		for _, d := range slices.SortedFunc(maps.Values(m.Artifacts), func(a, b Descriptor) int { return cmp.Compare(a.Digest, b.Digest) }) {
			if written[d.Digest] || !slices.Contains(mediaTypes, d.MediaType) {
				continue
			}
			written[d.Digest] = true
			data, err := r.Blob(ctx, d)
			if err == nil {
				err = writeFile(archive, blobKey(d.Digest), data)
			}
			if err != nil {
				return err
			}
		}
	}
	return errors.Join(archive.Close(), compressed.Close())
}

// evidence is an evidence file as a store.
type evidence struct {
	*store.Memory
	path string
}

// openEvidence reads a whole evidence file and verifies all of it. Errors: ErrCorrupt; ErrUnavailable.
func openEvidence(ctx context.Context, path string) (store.Store, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("registry: %w: %w", ErrUnavailable, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxEvidence+1))
	if err != nil {
		return nil, fmt.Errorf("registry: %w: %w", ErrUnavailable, err)
	}
	if len(data) > maxEvidence {
		return nil, fmt.Errorf("registry: %s is no evidence file: %w: it has more than %d bytes", path, ErrCorrupt, maxEvidence)
	}
	e := evidence{store.NewMemory(path), path}
	if err := readEvidence(ctx, e.Memory, data); err != nil {
		return nil, fmt.Errorf("registry: %s is not a whole evidence file: %w", path, err)
	}
	return e, nil
}

// readEvidence stores the objects of an evidence file.
func readEvidence(ctx context.Context, to *store.Memory, data []byte) error {
	plain, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return corrupt("%w", err)
	}
	limit := min(maxEvidence, 1<<20+maxEvidenceRatio*int64(len(data)))
	if err := readEvidenceArchive(ctx, to, plain, limit); err != nil {
		return err
	}
	// The checksum of the compressed data stands behind all of them.
	if rest, err := io.ReadAll(io.LimitReader(plain, maxPadding)); err != nil || len(rest) == maxPadding || len(bytes.Trim(rest, "\x00")) > 0 {
		return corrupt("%d bytes after the archive: %w", len(rest), cmp.Or(err, tar.ErrHeader))
	}
	return nil
}

// readEvidenceArchive stores the objects of the archive inside, which may have limit bytes together.
func readEvidenceArchive(ctx context.Context, to *store.Memory, plain io.Reader, limit int64) error {
	expected := map[Digest]int64{} // artifacts of the manifests so far, by size
	first := true
	// What is between the entries counts, too.
	err := readArchive(ctx, io.LimitReader(plain, 2*limit), maxEvidenceFiles, limit, func(header *tar.Header, body io.Reader) error {
		object, err := io.ReadAll(body)
		if err == nil {
			err = checkEvidence(header, object, first, expected)
		}
		if err != nil {
			return fmt.Errorf("%.100q: %w", header.Name, err)
		}
		first = false
		if _, err := to.Stat(ctx, header.Name); err == nil {
			return corrupt("%s is there twice", header.Name)
		}
		return to.Create(ctx, header.Name, bytes.NewReader(object), int64(len(object)), DigestOf(object))
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return corrupt("%w", err)
	case first:
		return corrupt("it is empty")
	}
	return nil
}

// checkEvidence fails unless an object is what its key says, and has a place in an evidence file.
func checkEvidence(header *tar.Header, object []byte, first bool, expected map[Digest]int64) error {
	p := parseKey(header.Name)
	if header.Typeflag != tar.TypeReg || first != (p.kind == configPart) {
		return corrupt("%.100q is no part of evidence, or in the wrong place", header.Name)
	}
	switch p.kind {
	case configPart:
		_, err := decodeConfig(object)
		return err
	case manifestPart:
		m, err := manifestOf(p.run, object)
		for _, d := range m.Artifacts {
			expected[d.Digest] = d.Size
		}
		return err
	case blobPart:
		if size, ok := expected[p.blob]; !ok || size != int64(len(object)) || DigestOf(object) != p.blob {
			return corrupt("%s is not an artifact of the runs before it", header.Name)
		}
		return nil
	}
	return corrupt("%.100q is no part of evidence", header.Name)
}

func (e evidence) String() string { return e.path }

var errEvidence = fmt.Errorf("%w: an evidence file is only read; choose a directory or a bucket", ErrUnavailable)

func (e evidence) Create(context.Context, string, io.ReadSeeker, int64, Digest) error {
	return errEvidence
}

func (e evidence) Swap(context.Context, string, store.Version, []byte) (store.Version, error) {
	return "", errEvidence
}

func (e evidence) Delete(context.Context, string) error { return errEvidence }
