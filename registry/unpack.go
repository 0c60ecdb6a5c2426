package registry

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cidbench/cidbench/registry/store"
)

// The limits of an evidence file, which is held in memory. A thousand runs take 20 MB, and a third of that compressed.
const (
	maxEvidence      = 256 << 20 // bytes, compressed or not
	maxEvidenceRatio = 50        // of what it unpacks to and the file, from a megabyte on
	maxEvidenceFiles = 200_000
	maxPadding       = 64 << 10 // zeros after the archive
)

// evidence is an evidence file as a store.
type evidence struct {
	*store.Memory
	path    string
	leftOut map[Digest]bool // artifacts of its runs that were not to be in it
}

// openEvidence reads a whole evidence file and verifies all of it. Errors: ErrCorrupt; ErrUnavailable.
func openEvidence(ctx context.Context, path string) (store.Store, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("registry: %w: %w", ErrUnavailable, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("registry: %w: %w", ErrUnavailable, err)
	}
	if info.Size() > maxEvidence {
		return nil, fmt.Errorf("registry: %s is no evidence file: %w: it has more than %d bytes", path, ErrCorrupt, maxEvidence)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxEvidence))
	if err != nil {
		return nil, fmt.Errorf("registry: %w: %w", ErrUnavailable, err)
	}
	e := evidence{Memory: store.NewMemory(path), path: path}
	if e.leftOut, err = readEvidence(ctx, e.Memory, data); err != nil {
		return nil, fmt.Errorf("registry: %s is not a whole evidence file: %w", path, err)
	}
	return e, nil
}

// readEvidence stores the objects of an evidence file, and returns the artifacts that were left out.
func readEvidence(ctx context.Context, to *store.Memory, data []byte) (leftOut map[Digest]bool, err error) {
	plain, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, corrupt("%w", err)
	}
	limit := min(maxEvidence, 1<<20+maxEvidenceRatio*int64(len(data)))
	if leftOut, err = readEvidenceArchive(ctx, to, plain, limit); err != nil {
		return nil, err
	}
	// The checksum of the compressed data stands behind all of them.
	if rest, err := io.ReadAll(io.LimitReader(plain, maxPadding)); err != nil || len(rest) == maxPadding || len(bytes.Trim(rest, "\x00")) > 0 {
		return nil, corrupt("%d bytes after the archive: %w", len(rest), cmp.Or(err, tar.ErrHeader))
	}
	return leftOut, nil
}

// readEvidenceArchive is readEvidence of the archive inside, whose objects may have limit bytes together.
func readEvidenceArchive(ctx context.Context, to *store.Memory, plain io.Reader, limit int64) (leftOut map[Digest]bool, err error) {
	e := unpacking{expected: map[Digest]Descriptor{}, here: map[Digest]bool{}, runs: map[string]Digest{}, first: true}
	// What is between the entries counts, too.
	err = readArchive(ctx, io.LimitReader(plain, 2*limit), maxEvidenceFiles, limit, func(header *tar.Header, body io.Reader) error {
		object, err := io.ReadAll(body)
		beside := false
		if err == nil {
			beside, err = e.check(header, object)
		}
		if err != nil {
			return fmt.Errorf("%.100q: %w", header.Name, err)
		}
		e.first = false
		if beside {
			return nil
		}
		if _, err := to.Stat(ctx, header.Name); err == nil {
			return corrupt("%s is there twice", header.Name)
		}
		return to.Create(ctx, header.Name, bytes.NewReader(object), int64(len(object)), DigestOf(object))
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, corrupt("%w", err)
	case e.first:
		return nil, corrupt("it is empty")
	case e.list != nil:
		err = e.compare()
	}
	return e.leftOut(), err
}

// An unpacking is how far an evidence file has been read.
type unpacking struct {
	first    bool
	expected map[Digest]Descriptor // artifacts of the manifests so far
	here     map[Digest]bool       // those of them that have come
	runs     map[string]Digest     // the manifests
	list     *EvidenceList
	beside   map[string]Digest // files of the list that have not come yet
}

// leftOut are the artifacts of the media types of which none is here: evidence holds all of a type, or none.
func (e *unpacking) leftOut() map[Digest]bool {
	taken, left := map[string]bool{}, map[Digest]bool{}
	for d := range e.here {
		taken[e.expected[d].MediaType] = true
	}
	for d, as := range e.expected {
		if !taken[as.MediaType] {
			left[d] = true
		}
	}
	return left
}

// compare fails unless runs and files are those of the list.
func (e *unpacking) compare() error {
	for _, x := range e.list.Runs {
		switch digest, there := e.runs[x.Run]; {
		case !there:
			return corrupt("run %s was left out: it is in the list of the evidence", x.Run)
		case digest != x.Manifest:
			return corrupt("run %s has another manifest than the list of the evidence says", x.Run)
		}
		delete(e.runs, x.Run)
	}
	for run := range e.runs {
		return corrupt("run %s is not in the list of the evidence", run)
	}
	for name := range e.beside {
		return corrupt("%s was left out: it is in the list of the evidence", name)
	}
	return nil
}

// check fails unless an object is what its key says, and has a place in an evidence file. It may be a file beside the
// registry's own.
func (e *unpacking) check(header *tar.Header, object []byte) (beside bool, err error) {
	p := parseKey(header.Name)
	if header.Typeflag != tar.TypeReg || e.first != (p.kind == configPart) {
		return false, corrupt("%.100q is no part of evidence, or in the wrong place", header.Name)
	}
	if want, ok := e.beside[header.Name]; ok {
		delete(e.beside, header.Name)
		if got := DigestOf(object); got != want {
			return true, corrupt("it is %s, not %s as the list of the evidence says", got, want)
		}
		return true, nil
	}
	return false, e.checkOwn(p, header.Name, object)
}

// checkOwn is check of what is in the registry's layout.
func (e *unpacking) checkOwn(p part, name string, object []byte) error {
	signer, signature := strings.CutPrefix(strings.TrimSuffix(name, ".json"), listSignaturePrefix)
	switch {
	case p.kind == configPart:
		_, err := decodeConfig(object)
		return err
	case name == listKey && len(e.runs) == 0 && e.list == nil:
		list, err := decodeList(object)
		if err == nil {
			e.list = &list
			e.beside, err = list.files()
		}
		return err
	case signature && e.list != nil && len(e.runs) == 0:
		_, err := decodeSealed(object, signer)
		return err
	case p.kind == manifestPart:
		m, err := manifestOf(p.run, object)
		for _, d := range m.Artifacts {
			e.expected[d.Digest] = d
		}
		e.runs[p.run] = DigestOf(object)
		return err
	case p.kind == blobPart:
		if d, ok := e.expected[p.blob]; !ok || d.Size != int64(len(object)) || DigestOf(object) != p.blob {
			return corrupt("%s is not an artifact of the runs before it", name)
		}
		e.here[p.blob] = true
		return nil
	}
	return corrupt("%.100q is no part of evidence", name)
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
