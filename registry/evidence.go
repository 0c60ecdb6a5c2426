package registry

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"

	"github.com/cidbench/cidbench/registry/store"
)

// Evidence is a file with the manifests of some runs and, of their artifacts, only those of some media types:
// what a verdict rests on, without the checkpoints. It is a gzipped tar of objects under their keys, the
// configuration first and each blob after a manifest that refers to it. OpenStore opens such a file as a Store
// that cannot be written to. Artifacts that were left out, which are all of their media types, do not exist there, and
// Check does not ask for them: a registry is copied by Export or Copy, not by this. After the runs come files for the tools of others, which are
// verified and not read.
//
// After the configuration comes a list of the runs, with the digests of their manifests, so that leaving one out is
// seen; and it may be signed. Evidence of earlier versions has none, which Check reports.

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
	Files    []ListedFile   `json:"files,omitempty"` // beside the registry's own, for the tools of others
}

// A ListedFile is one beside the registry's own.
type ListedFile struct {
	Name   string `json:"name"`
	Digest Digest `json:"digest"`
}

// files are the digests of the files beside the registry's own. An error wraps ErrCorrupt: a name that is the registry's,
// none for a file, or there twice.
func (l EvidenceList) files() (map[string]Digest, error) {
	all := map[string]Digest{}
	for _, f := range l.Files {
		if !store.ValidKey(f.Name) || parseKey(f.Name).kind != foreignPart || all[f.Name] != "" {
			return nil, corrupt("%s names a file %.100q, which cannot be", listKey, f.Name)
		}
		all[f.Name] = f.Digest
	}
	return all, nil
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
	// Beside makes the files that lie beside the registry's own, for the tools of others, from the runs in the order of
	// their ids; nil: there are none. They are in the list, and nothing is judged by them.
	Beside func([]EvidenceRun) ([]File, error)
}

// An EvidenceRun is a run in evidence: its manifest, and the files that it has there.
type EvidenceRun struct {
	Manifest
	Stored    StoredFile            // the manifest
	Artifacts map[string]StoredFile // by the name of the artifact; those that are not there are in the manifest alone
}

// A StoredFile is a file of an evidence archive.
type StoredFile struct {
	Name string
	Descriptor
}

// A File is one that lies beside the registry's own in an evidence archive.
type File struct {
	Name string // a key that is none of the registry's layout
	Data []byte
}

// WriteEvidence writes the manifests of the runs with their artifacts of the given media types. The same
// registry, runs and options give the same bytes.
//
// Errors: ErrNotExist if a run or artifact is not there; ErrCorrupt; ErrUnavailable; those of opts.Beside and w.
func (r *Registry) WriteEvidence(ctx context.Context, w io.Writer, runs []string, opts EvidenceOptions) error {
	held, err := r.gather(ctx, slices.Compact(slices.Sorted(slices.Values(runs))), opts.MediaTypes)
	if err != nil {
		return err
	}
	list := EvidenceList{Schema: listType, Registry: r.ID(), Plans: opts.Plans, Runs: []ListedRun{}}
	for _, run := range held {
		list.Runs = append(list.Runs, ListedRun{run.Run, run.Stored.Digest})
	}
	var beside []File
	if opts.Beside != nil {
		if beside, err = opts.Beside(held); err != nil {
			return err
		}
	}
	for _, file := range beside {
		list.Files = append(list.Files, ListedFile{file.Name, DigestOf(file.Data)})
	}
	if _, err := list.files(); err != nil {
		return err
	}
	compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := evidenceArchive{tar.NewWriter(compressed), map[Digest]bool{}}
	err = archive.head(r.config, list, opts.Key)
	for _, run := range held {
		if err == nil {
			err = archive.run(ctx, r, run)
		}
	}
	for _, file := range beside {
		if err == nil {
			err = writeFile(archive.Writer, file.Name, file.Data)
		}
	}
	if err != nil {
		return err
	}
	return errors.Join(archive.Close(), compressed.Close())
}

// gather reads the manifests of runs, and says which files of them go into evidence.
func (r *Registry) gather(ctx context.Context, runs, mediaTypes []string) (held []EvidenceRun, err error) {
	for _, id := range runs {
		m, digest, err := r.Run(ctx, id)
		if err != nil {
			return nil, err
		}
		text, err := encode(m) // the stored bytes, or Run would have refused them
		if err != nil {
			return nil, err
		}
		run := EvidenceRun{
			Manifest: m, Artifacts: map[string]StoredFile{},
			Stored: StoredFile{manifestKey(id), Descriptor{MediaType: ManifestSchema, Digest: digest, Size: int64(len(text))}},
		}
		for name, d := range m.Artifacts {
			if slices.Contains(mediaTypes, d.MediaType) {
				run.Artifacts[name] = StoredFile{blobKey(d.Digest), d}
			}
		}
		held = append(held, run)
	}
	return held, nil
}

// An evidenceArchive is one that is being written.
type evidenceArchive struct {
	*tar.Writer
	written map[Digest]bool // blobs
}

// head writes what stands before the runs.
func (a evidenceArchive) head(c config, list EvidenceList, key ed25519.PrivateKey) error {
	text, err := encode(c)
	if err == nil {
		err = writeFile(a.Writer, configKey, text)
	}
	if err != nil {
		return err
	}
	if text, err = encode(list); err == nil {
		err = writeFile(a.Writer, listKey, text)
	}
	if err != nil || key == nil {
		return err
	}
	if text, err = listStatement(text).Text(); err == nil {
		text, err = Seal(text, key)
	}
	if err != nil {
		return err
	}
	return writeFile(a.Writer, listSignaturePrefix+KeyID(key.Public().(ed25519.PublicKey))+".json", text)
}

// run writes a manifest, and the artifacts that are not there yet.
func (a evidenceArchive) run(ctx context.Context, r *Registry, run EvidenceRun) error {
	text, err := encode(run.Manifest)
	if err == nil {
		err = writeFile(a.Writer, run.Stored.Name, text)
	}
	if err != nil {
		return err
	}
	for _, file := range slices.SortedFunc(maps.Values(run.Artifacts), func(a, b StoredFile) int { return cmp.Compare(a.Digest, b.Digest) }) {
		if a.written[file.Digest] {
			continue
		}
		a.written[file.Digest] = true
		data, err := r.Blob(ctx, file.Descriptor)
		if err == nil {
			err = writeFile(a.Writer, file.Name, data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// listStatement is the in-toto statement about a list.
func listStatement(text []byte) Statement {
	return Statement{
		Subject:       []Subject{SubjectOf(listKey, DigestOf(text))},
		PredicateType: Home + "/evidence/v1",
		Predicate:     json.RawMessage(text),
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

// LeftOut is how many artifacts of its runs evidence does not hold, since it was written without those of their media
// types; 0 if this is no evidence.
func (r *Registry) LeftOut() int {
	e, _ := r.store.(evidence)
	return len(e.leftOut)
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
	want, err := listStatement(text).Text()
	if err == nil {
		err = verifySealed(signed, key, want)
	}
	if errors.Is(err, ErrCorrupt) {
		c.found(name, BadSignature, "%v", err)
		return nil
	}
	return err
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
