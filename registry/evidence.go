package registry

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/registry/store"
)

// Evidence is a file with the manifests of some runs and, of their artifacts, only those of some media types:
// what a verdict rests on, without the checkpoints. It is a gzipped tar of objects under their keys, the
// configuration first and each blob after a manifest that refers to it. OpenStore opens such a file as a Store
// that cannot be written to. Artifacts that were left out do not exist there, and Check says so: a
// registry is copied by Export or Copy, not by this.
//
// After the configuration comes a list of the runs, with the digests of their manifests, so that leaving one out is
// seen; and it may be signed. Evidence of earlier versions has none, which Check reports.

// The limits of an evidence file, which is held in memory. A thousand runs take 20 MB, and a third of that compressed.
const (
	maxEvidence      = 256 << 20 // bytes, compressed or not
	maxEvidenceRatio = 50        // of what it unpacks to and the file, from a megabyte on
	maxEvidenceFiles = 200_000
	maxPadding       = 64 << 10 // zeros after the archive
)

const (
	listKey             = "index/evidence.json"
	listSignaturePrefix = "index/signatures/"
	listType            = "application/vnd.cidbench.evidence.v1+json"
)

// An EvidenceList says what an evidence file holds, and what there was.
type EvidenceList struct {
	Schema   string         `json:"schema"`
	Registry string         `json:"registry"` // its id
	Runs     []ListedRun    `json:"runs"`     // in the order of their ids
	Plans    []EvidencePlan `json:"plans,omitempty"`
}

// A ListedRun is a run with the digest of its stored manifest.
type ListedRun struct {
	Run      string `json:"run"`
	Manifest Digest `json:"manifest"`
}

// An EvidencePlan says how many runs of a plan the registry held when the evidence was written; all of them are in it.
type EvidencePlan struct {
	Plan     string `json:"plan"` // id
	Planned  int    `json:"planned"`
	Finished int    `json:"finished"`
}

// EvidenceOptions say what goes into evidence.
type EvidenceOptions struct {
	MediaTypes []string           // of artifacts that go with their runs
	Plans      []EvidencePlan     // that the runs are of
	Key        ed25519.PrivateKey // signs the list; nil: nobody does
}

// WriteEvidence writes the manifests of the runs with their artifacts of the given media types. The same
// registry, runs and options give the same bytes.
//
// Errors: ErrNotExist if a run or artifact is not there; ErrCorrupt; ErrUnavailable; those of w.
func (r *Registry) WriteEvidence(ctx context.Context, w io.Writer, runs []string, opts EvidenceOptions) error {
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
	runs = slices.Compact(slices.Sorted(slices.Values(runs)))
	list := EvidenceList{Schema: listType, Registry: r.ID(), Plans: opts.Plans, Runs: []ListedRun{}}
	for _, run := range runs {
		_, digest, err := r.Run(ctx, run)
		if err != nil {
			return err
		}
		list.Runs = append(list.Runs, ListedRun{run, digest})
	}
	if text, err = encode(list); err == nil {
		err = writeFile(archive, listKey, text)
	}
	if err == nil && opts.Key != nil {
		id := KeyID(opts.Key.Public().(ed25519.PublicKey))
		if text, err = sealEnvelope(listStatement(text), opts.Key); err == nil {
			err = writeFile(archive, listSignaturePrefix+id+".json", text)
		}
	}
	if err != nil {
		return err
	}
	written := map[Digest]bool{}
	for _, run := range runs {
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
			if written[d.Digest] || !slices.Contains(opts.MediaTypes, d.MediaType) {
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
	e := unpacking{expected: map[Digest]int64{}, runs: map[string]Digest{}, first: true}
	// What is between the entries counts, too.
	err := readArchive(ctx, io.LimitReader(plain, 2*limit), maxEvidenceFiles, limit, func(header *tar.Header, body io.Reader) error {
		object, err := io.ReadAll(body)
		if err == nil {
			err = e.check(header, object)
		}
		if err != nil {
			return fmt.Errorf("%.100q: %w", header.Name, err)
		}
		e.first = false
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
	case e.first:
		return corrupt("it is empty")
	case e.list != nil:
		return e.compare()
	}
	return nil
}

// An unpacking is how far an evidence file has been read.
type unpacking struct {
	first    bool
	expected map[Digest]int64  // artifacts of the manifests so far, by size
	runs     map[string]Digest // the manifests
	list     *EvidenceList
}

// compare fails unless the runs are those of the list.
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
	return nil
}

// check fails unless an object is what its key says, and has a place in an evidence file.
func (e *unpacking) check(header *tar.Header, object []byte) error {
	p := parseKey(header.Name)
	if header.Typeflag != tar.TypeReg || e.first != (p.kind == configPart) {
		return corrupt("%.100q is no part of evidence, or in the wrong place", header.Name)
	}
	signer, signature := strings.CutPrefix(strings.TrimSuffix(header.Name, ".json"), listSignaturePrefix)
	switch {
	case p.kind == configPart:
		_, err := decodeConfig(object)
		return err
	case header.Name == listKey && len(e.runs) == 0:
		list, err := decodeList(object)
		e.list = &list
		return err
	case signature && e.list != nil && len(e.runs) == 0:
		_, err := decodeSealed(object, signer)
		return err
	case p.kind == manifestPart:
		m, err := manifestOf(p.run, object)
		for _, d := range m.Artifacts {
			e.expected[d.Digest] = d.Size
		}
		e.runs[p.run] = DigestOf(object)
		return err
	case p.kind == blobPart:
		if size, ok := e.expected[p.blob]; !ok || size != int64(len(object)) || DigestOf(object) != p.blob {
			return corrupt("%s is not an artifact of the runs before it", header.Name)
		}
		return nil
	}
	return corrupt("%.100q is no part of evidence", header.Name)
}

// decodeList reads the list of an evidence file. Every error is ErrCorrupt.
func decodeList(text []byte) (list EvidenceList, err error) {
	if err = decodeStored(text, &list); err != nil {
		return list, corrupt("%s: %w", listKey, err)
	}
	if list.Schema != listType {
		return list, corrupt("%s has the schema %.100q, and this program reads %q", listKey, list.Schema, listType)
	}
	return list, nil
}

// listStatement is the in-toto statement about a list.
func listStatement(text []byte) map[string]any {
	return map[string]any{
		"_type":         statementType,
		"subject":       []any{map[string]any{"name": listKey, "digest": map[string]string{"sha256": DigestOf(text).Hex()}}},
		"predicateType": "https://github.com/cidbench/cidbench/evidence/v1",
		"predicate":     json.RawMessage(text),
	}
}

// EvidenceList is what evidence says of itself; nil if this is no evidence, or such of an earlier version, which does
// not. Errors: ErrUnavailable.
func (r *Registry) EvidenceList(ctx context.Context) (*EvidenceList, error) {
	if _, ok := r.store.(evidence); !ok {
		return nil, nil
	}
	text, _, err := r.store.Load(ctx, listKey)
	if errors.Is(err, ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	list, err := decodeList(text) // as it was when the file was opened
	return &list, err
}

// checkList looks at the list of evidence, and at its signature if there is a key to have made one.
func (c *checker) checkList(ctx context.Context, key ed25519.PublicKey) error {
	if _, ok := c.store.(evidence); !ok {
		return nil
	}
	text, _, err := c.store.Load(ctx, listKey)
	if errors.Is(err, ErrNotExist) {
		c.found(listKey, Missing, "nothing says which runs there were, so that some may have been left out")
		return nil
	} else if err != nil || key == nil {
		return err
	}
	name := listSignaturePrefix + KeyID(key) + ".json"
	signed, _, err := c.store.Load(ctx, name)
	if errors.Is(err, ErrNotExist) {
		c.found(listKey, Unsigned, "no signature by key %s", KeyID(key))
		return nil
	} else if err != nil {
		return err
	}
	want, err := canonical(listStatement(text))
	if err == nil {
		err = verifySealed(signed, key, want)
	}
	if errors.Is(err, ErrCorrupt) {
		c.found(name, BadSignature, "%v", err)
		return nil
	}
	return err
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
