package registry

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/registry/store"
)

// A ProblemKind is a kind of damage.
type ProblemKind string

const (
	Missing     ProblemKind = "missing"      // a run has an artifact that is not there
	WrongSize   ProblemKind = "wrong size"   // a blob is shorter or longer than a run says
	Flipped     ProblemKind = "flipped"      // bytes are not what was written
	Misplaced   ProblemKind = "misplaced"    // a whole blob under the name or in the folder of another
	Extra       ProblemKind = "extra"        // not a part of the layout
	BadManifest ProblemKind = "bad manifest" // it does not decode, or is that of another run
	Unreadable  ProblemKind = "unreadable"   // it cannot be read, though the store answers
	Special     ProblemKind = "special"      // a symbolic link, a named pipe, a folder that cannot be read: no object
	Trashed     ProblemKind = "in the trash" // what a run needs is there alone; a collection moves it back
	// With CheckOptions.PublicKey only:
	Unsigned     ProblemKind = "unsigned"      // a manifest has no signature by the key
	BadSignature ProblemKind = "bad signature" // it is not one by the key of the manifest; also if it is empty
)

// kindOf is the kind of the damage that an error tells of.
func kindOf(err error, usual ProblemKind) ProblemKind {
	if errors.Is(err, errUnreadable) {
		return Unreadable
	}
	return usual
}

// A Problem is one damage that Check found.
type Problem struct {
	Key    string      `json:"key"`
	Kind   ProblemKind `json:"kind"`
	Detail string      `json:"detail"`
}

func (p Problem) String() string {
	return store.Printable(p.Key + ": " + string(p.Kind) + ": " + p.Detail)
}

// CheckOptions says how thorough a check is.
type CheckOptions struct {
	// ReadData reads and hashes every blob and event. Without it, a flipped byte is noticed in manifests only.
	ReadData bool
	// PublicKey, if not nil, has to have signed every manifest; of evidence the list of them.
	PublicKey ed25519.PublicKey
	// Progress, if not nil, is called after each of total objects.
	Progress func(done, total int)
}

// Check looks for damage, and returns what it finds in the order of keys, at most one problem per key. Writers may
// be at work meanwhile: neither an unfinished run nor a blob that nothing refers to yet is a problem. The error
// says only that the check could not be finished.
func (r *Registry) Check(ctx context.Context, opts CheckOptions) ([]Problem, error) {
	c := checker{Registry: r, objects: make(map[string]store.Info), wanted: make(map[string][]reference), lacking: make(map[string]bool), manifests: make(map[string]Digest)}
	var keys, blobs []string
	for info, err := range r.store.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		c.objects[info.Key] = info
		if info.Special != "" {
			c.found(info.Key, Special, "a %s; nothing behind it is looked at", info.Special)
			continue
		}
		if parseKey(info.Key).kind == blobPart {
			blobs = append(blobs, info.Key)
		} else {
			keys = append(keys, info.Key)
		}
	}
	// Blobs are judged last, when all that refers to them is known.
	keys = append(keys, blobs...)
	for i, key := range keys {
		err := c.object(ctx, key, opts)
		if err != nil && !errors.Is(err, ErrNotExist) { // it went away since it was listed
			return nil, err
		}
		if opts.Progress != nil {
			opts.Progress(i+1, len(keys))
		}
	}
	if err := c.absences(ctx); err != nil {
		return nil, err
	}
	if err := c.index(ctx); err != nil {
		return nil, err
	}
	if err := c.checkList(ctx, opts.PublicKey); err != nil {
		return nil, err
	}
	slices.SortFunc(c.problems, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) })
	return c.problems, nil
}

type checker struct {
	*Registry
	objects  map[string]store.Info  // by key
	wanted   map[string][]reference // of runs, by the key of the blob
	lacking  map[string]bool        // manifests that were looked for
	problems []Problem
	// manifests are those that are whole, by run.
	manifests map[string]Digest
}

// A reference is the word of the object from about a blob.
type reference struct {
	from   string // key
	target Descriptor
}

func (c *checker) found(key string, kind ProblemKind, detail string, args ...any) {
	c.problems = append(c.problems, Problem{key, kind, fmt.Sprintf(detail, args...)})
}

// object checks one object by itself.
func (c *checker) object(ctx context.Context, key string, opts CheckOptions) error {
	var damage error
	kind := Flipped
	switch p := parseKey(key); p.kind {
	case foreignPart:
		c.found(key, Extra, "not a part of a registry")
	case misplacedPart:
		c.found(key, Misplaced, "belongs to %s", blobKey(p.blob))
	case blobPart:
		damage = c.blob(ctx, key, p.blob, opts.ReadData)
	case configPart:
		damage = c.checkConfig(ctx)
	case manifestPart:
		var m Manifest
		var digest Digest
		if m, digest, damage = c.Run(ctx, p.run); damage == nil {
			c.manifests[p.run] = digest
		}
		kind = BadManifest
		for _, artifact := range m.Artifacts {
			blob := blobKey(artifact.Digest)
			c.wanted[blob] = append(c.wanted[blob], reference{key, artifact})
		}
		if _, listed := c.store.(evidence); damage == nil && opts.PublicKey != nil && !listed { // the list stands for those of evidence
			return c.signature(ctx, p.run, opts.PublicKey)
		}
	case eventPart:
		if opts.ReadData {
			_, damage = c.event(ctx, p.run, key)
		}
	case signaturePart:
		if opts.ReadData || c.objects[key].Size == 0 {
			damage, kind = c.statement(ctx, p.run, key), BadSignature
		}
		if key := manifestKey(p.run); !c.lacking[key] {
			c.lacking[key] = true
			if err := c.absent(ctx, key, "it was signed"); err != nil {
				return err
			}
		}
	}
	if errors.Is(damage, ErrCorrupt) {
		c.found(key, kindOf(damage, kind), "%v", damage)
		return nil
	}
	return damage
}

// statement checks that a signature is one of the manifest, by whatever key.
func (c *checker) statement(ctx context.Context, run, key string) error {
	m, digest, err := c.Run(ctx, run)
	if errors.Is(err, ErrCorrupt) {
		return nil // that is the manifest's problem
	} else if err != nil {
		return err
	}
	text, err := c.loadObject(ctx, key)
	if err != nil {
		return err
	}
	err = decodeEnvelope(text, parseKey(key).signer, m, digest)
	return err
}

func (c *checker) signature(ctx context.Context, run string, key ed25519.PublicKey) error {
	err := c.VerifySignature(ctx, run, key)
	switch {
	case errors.Is(err, ErrNotExist):
		c.found(manifestKey(run), Unsigned, "no signature by key %s", KeyID(key))
	case errors.Is(err, ErrCorrupt):
		if name := signatureKey(run, KeyID(key)); !slices.ContainsFunc(c.problems, func(p Problem) bool { return p.Key == name }) {
			c.found(name, BadSignature, "%v", err)
		}
	default:
		return err
	}
	return nil
}

func (c *checker) checkConfig(ctx context.Context) error {
	data, _, err := c.store.Load(ctx, configKey)
	if err != nil {
		return err
	}
	now, err := decodeConfig(data)
	if err == nil && now.ID != c.config.ID {
		err = fmt.Errorf("%w: the id of the registry has changed", ErrCorrupt)
	}
	return err
}

// blob compares a blob with its name and with what runs say about it.
func (c *checker) blob(ctx context.Context, key string, name Digest, readData bool) error {
	got := name
	if readData {
		err := c.read(ctx, key, func() (err error) {
			got, err = c.digestAt(ctx, key)
			return err
		})
		if err != nil {
			return err
		}
	}
	if _, stored := c.objects[blobKey(got)]; got != name && (stored || len(c.wanted[blobKey(got)]) > 0) {
		c.found(key, Misplaced, "holds the blob %s", got)
		return nil
	}
	size := c.objects[key].Size
	for _, ref := range c.wanted[key] {
		if ref.target.Size != size {
			c.found(key, WrongSize, "has %d bytes, %s wants %d", size, ref.from, ref.target.Size)
			return nil
		}
	}
	if got != name {
		c.found(key, Flipped, "hashes to %s", got)
	}
	return nil
}

// index compares the index with the manifests: one that is gone, or another than it was.
func (c *checker) index(ctx context.Context) error {
	if _, there := c.objects[indexKey]; !there || c.top != nil {
		return nil
	}
	text, err := c.loadObject(ctx, indexKey)
	if errors.Is(err, ErrNotExist) {
		return nil
	}
	var lines *indexLines
	var known []*Summary
	if err == nil {
		lines, err = readIndex(ctx, bytes.NewReader(text))
	}
	if err == nil {
		known, err = collectRuns(lines.all())
	}
	if errors.Is(err, ErrCorrupt) {
		c.found(indexKey, kindOf(err, Flipped), "%v; ls --reindex writes it anew", err)
		return nil
	} else if err != nil {
		return err
	}
	if err := c.packed(ctx, known); err != nil {
		return err
	}
	marks, err := c.marks(ctx)
	if err != nil {
		return err
	}
	marked := make(map[string]bool)
	for _, m := range marks {
		marked[m.run] = marked[m.run] || !m.begun // it is being forgotten, or was just replaced
	}
	for _, s := range known {
		key := manifestKey(s.Run)
		if marked[s.Run] || slices.ContainsFunc(c.problems, func(p Problem) bool { return p.Key == key }) {
			continue
		}
		if digest, there := c.manifests[s.Run]; there && digest != s.Manifest {
			c.found(key, BadManifest, "it is another than the index remembers, %s", s.Manifest)
		} else if !there {
			if err := c.absent(ctx, key, "the index remembers it"); err != nil {
				return err
			}
		}
	}
	return nil
}

// packed compares the manifests in the packs of an index with what that says.
func (c *checker) packed(ctx context.Context, runs []*Summary) error {
	members := make(map[*pack][]*Summary)
	for _, s := range runs {
		if s.pack != nil {
			members[s.pack] = append(members[s.pack], s)
		}
	}
	for p, runs := range members {
		files, err := c.fetchPack(ctx, p)
		switch {
		case errors.Is(err, ErrNotExist): // then the originals are read
			continue
		case errors.Is(err, ErrCorrupt):
			c.found(p.key(), kindOf(err, Flipped), "%v; ls --reindex writes it anew", err)
			continue
		case err != nil:
			return err
		}
		x := openPack{files: files}
		for _, s := range runs {
			if data, err := x.object(manifestKey(s.Run)); err != nil || DigestOf(data) != s.Manifest {
				c.found(p.key(), Flipped, "its manifest of run %s is not what the index says; ls --reindex writes it anew", s.Run)
				break
			}
		}
	}
	return nil
}

// digestAt is the digest of what a key holds.
func (r *Registry) digestAt(ctx context.Context, key string) (Digest, error) {
	body, _, err := r.store.Get(ctx, key)
	if err != nil {
		return "", err
	}
	defer body.Close()
	got, err := store.DigestFrom(ctx, body)
	if err != nil {
		err = fmt.Errorf("registry: %s: %w: %w", key, cmp.Or(ctx.Err(), ErrUnavailable), err)
	}
	return got, err
}

// absences checks everything that has to be there.
func (c *checker) absences(ctx context.Context) error {
	e, _ := c.store.(evidence)
	for key, references := range c.wanted {
		if e.leftOut[references[0].target.Digest] {
			continue
		}
		if err := c.absent(ctx, key, references[0].from+" wants it"); err != nil {
			return err
		}
	}
	return c.absent(ctx, configKey, "every registry has it")
}

// absent looks again for what was not listed: it may have been written since. A blob in the trash is not lost: Blob
// finds it there, and the next collection moves it back.
func (c *checker) absent(ctx context.Context, key, reason string) error {
	if _, listed := c.objects[key]; listed {
		return nil
	}
	_, err := c.store.Stat(ctx, key)
	if !errors.Is(err, ErrNotExist) {
		if errors.Is(err, ErrCorrupt) { // a folder above it is no folder, which is said of that
			return nil
		}
		return err
	}
	if p := parseKey(key); p.kind == blobPart {
		for trashed, err := range c.trashed(ctx, p.blob) {
			if err != nil {
				return err
			}
			if got, err := c.digestAt(ctx, trashed); err == nil && got == p.blob {
				c.found(key, Trashed, "%s; %s holds it", reason, trashed)
				return nil
			}
		}
	}
	c.found(key, Missing, "%s", reason)
	return nil
}
