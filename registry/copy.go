package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"syscall"

	"github.com/cidbench/cidbench/registry/store"
)

const concurrency = 8 // requests at once, where there are many

// CopyProgress says how far a copy is. All objects are counted, those that were
// there already too; Bytes are those of blobs that had to be sent.
type CopyProgress struct {
	Objects int   `json:"objects"`
	Total   int   `json:"total"`
	Skipped int   `json:"skipped"`
	Bytes   int64 `json:"bytes"`
	// Kept are the runs, in order, that were there with the same result and another provenance, which stays.
	Kept []string `json:"kept"`
}

// Copy copies blobs and events, then manifests, then signatures. Everything is verified on the way. A copy that was
// interrupted, whenever, is completed by another one; what is there already is not sent again. Leases, and what is
// in the trash and not needed, stay behind. progress may be nil; it is called after each object.
//
// Whatever is damaged in from, or is no object at all, does not keep the rest from being copied, and is reported in
// the end. Errors: ErrCorrupt; ErrConflict if a run is there with another result, or one that is signed with another
// provenance, which the same key has not signed; ErrExist if a damaged object is in the way; ErrUnavailable.
func Copy(ctx context.Context, from, to *Registry, progress func(CopyProgress)) error {
	c := copier{from: from, to: to, there: make(map[string]int64), report: progress}
	for info, err := range to.store.List(ctx, "") {
		if err != nil {
			return err
		}
		if info.Special == "" {
			c.there[info.Key] = info.Size
		}
	}
	var stages [3][]store.Info
	begun, finished := make(map[string]bool), make(map[string]bool)
	for info, err := range from.store.List(ctx, "") {
		if err != nil {
			return err
		}
		if info.Special != "" {
			c.failures = append(c.failures, corrupt("%s is a %s, and is not copied", store.Printable(info.Key), info.Special))
			continue
		}
		p := parseKey(info.Key)
		stage, ok := copyStages[p.kind]
		if !ok {
			continue
		}
		stages[stage] = append(stages[stage], info)
		c.progress.Total++
		_, there := c.there[info.Key]
		begun[p.run] = begun[p.run] || p.kind == eventPart && !there
		finished[p.run] = finished[p.run] || p.kind == manifestPart
	}
	maps.DeleteFunc(begun, func(run string, events bool) bool { return !events || finished[run] })
	if err := forEach(ctx, slices.Collect(maps.Keys(begun)), to.announceBegun); err != nil {
		return errors.Join(append(c.failures, err)...)
	}
	for _, stage := range stages {
		if err := forEach(ctx, stage, c.copy); err != nil {
			return errors.Join(append(c.failures, err)...)
		}
	}
	if _, err := to.Overview(ctx, none); err != nil { // whoever lists the runs next need not read them all
		c.failures = append(c.failures, err)
	}
	return errors.Join(c.failures...)
}

// copyStages is the order of copying.
var copyStages = map[partKind]int{blobPart: 0, eventPart: 0, manifestPart: 1, signaturePart: 2}

// tolerable reports whether err concerns one object, not all.
func tolerable(err error) bool {
	return !errors.Is(err, ErrUnavailable) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) &&
		(errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotExist) || errors.Is(err, ErrConflict) || errors.Is(err, ErrExist))
}

type copier struct {
	from, to *Registry
	there    map[string]int64 // sizes, by key
	report   func(CopyProgress)
	mu       sync.Mutex
	progress CopyProgress
	failures []error // tolerable ones
}

func (c *copier) copy(ctx context.Context, info store.Info) error {
	p := parseKey(info.Key)
	size, there := c.there[info.Key]
	same := there && size == info.Size && p.kind != signaturePart
	var sent int64
	var kept bool
	var err error
	switch {
	case p.kind == signaturePart:
		err = c.copySignature(ctx, p, info.Key)
	case p.kind == manifestPart && same:
		kept, err = c.compareManifest(ctx, p.run)
	case same:
	case p.kind == blobPart:
		sent, err = copyObject(ctx, c.from, info.Key, c.to, info.Key, p.blob)
	case p.kind == eventPart: // its key verifies it
		if _, err = c.from.event(ctx, p.run, info.Key); err == nil {
			err = c.forward(ctx, info.Key)
		}
	case p.kind == manifestPart:
		var m Manifest
		var digest, there Digest
		if m, digest, err = c.from.Run(ctx, p.run); err == nil {
			sent, err = c.fromTrash(ctx, m)
		}
		if err == nil {
			there, err = c.to.Commit(ctx, m)
			kept = err == nil && there != digest
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if tolerable(err) {
		c.failures = append(c.failures, err)
		return nil
	} else if err != nil {
		return err
	}
	c.progress.Objects++
	c.progress.Bytes += sent
	if same {
		c.progress.Skipped++
	}
	if kept {
		at, _ := slices.BinarySearch(c.progress.Kept, p.run)
		c.progress.Kept = slices.Insert(c.progress.Kept, at, p.run)
	}
	if c.report != nil {
		c.report(c.progress)
	}
	return nil
}

// fromTrash copies what a run needs and a collector has moved away, and returns how many bytes.
func (c *copier) fromTrash(ctx context.Context, m Manifest) (sent int64, err error) {
	for _, d := range m.Artifacts {
		if there, err := c.to.HasBlob(ctx, d); err != nil {
			return sent, err
		} else if there {
			continue
		}
		for key, err := range c.from.trashed(ctx, d.Digest) {
			if err != nil {
				return sent, err
			}
			n, err := copyObject(ctx, c.from, key, c.to, blobKey(d.Digest), d.Digest)
			if sent += n; err == nil {
				break
			} else if !tolerable(err) {
				return sent, err
			}
		}
	}
	return sent, nil
}

// forward copies a small object as it is.
func (c *copier) forward(ctx context.Context, key string) error {
	text, err := c.from.loadObject(ctx, key)
	if err != nil {
		return err
	}
	return c.to.put(ctx, key, text)
}

// compareManifest looks for another result in a manifest of the same size, and says whether it has another provenance.
func (c *copier) compareManifest(ctx context.Context, run string) (differs bool, err error) {
	m, digest, err := c.from.Run(ctx, run)
	if err != nil {
		return false, err
	}
	there, thereDigest, err := c.to.Run(ctx, run)
	if err != nil {
		return false, err
	}
	if digest != thereDigest && m.ResultDigest != there.ResultDigest {
		return false, fmt.Errorf("registry: copy run %s: %w: it is there with the result %s, not %s", run, ErrConflict, there.ResultDigest, m.ResultDigest)
	}
	return digest != thereDigest, nil
}

// copySignature leaves out the signature of another manifest with the same result, and fails unless there is one by the
// same key of the manifest that stays.
func (c *copier) copySignature(ctx context.Context, p part, key string) error {
	m, digest, err := c.from.Run(ctx, p.run)
	if err != nil {
		return err
	}
	there, thereDigest, err := c.to.Run(ctx, p.run)
	switch {
	case err != nil:
		return err
	case thereDigest == digest:
		return c.forward(ctx, key)
	case there.ResultDigest != m.ResultDigest: // which was said
		return nil
	}
	text, err := c.to.loadObject(ctx, key)
	if err == nil {
		err = decodeEnvelope(text, p.signer, there, thereDigest)
	}
	if errors.Is(err, ErrNotExist) || errors.Is(err, ErrCorrupt) {
		return fmt.Errorf("registry: copy run %s: %w: it is there with the same result and another provenance, which key %s has not signed; look at both, and forget one",
			p.run, ErrConflict, p.signer)
	}
	return err
}

// copyObject copies what one key holds to another, of the same registry or not, if it is what sum says.
// Errors: those of fetch and Create.
func copyObject(ctx context.Context, from *Registry, fromKey string, to *Registry, toKey string, sum Digest) (size int64, err error) {
	file, size, err := from.fetch(ctx, fromKey, sum)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return size, to.store.Create(ctx, toKey, file, size, sum)
}

// A tempFile has no name any more: it is gone when it is closed. Create may read it again and again.
type tempFile struct{ *os.File }

// fetch is spool that verifies: ErrCorrupt if it is not what sum says.
func (r *Registry) fetch(ctx context.Context, key string, sum Digest) (file tempFile, size int64, err error) {
	return r.download(ctx, key, func(w io.Writer, body io.Reader, size int64) error {
		return store.CopyVerified(ctx, w, body, size, sum)
	})
}

// spool reads an object into a temporary file. Errors: those of Get; ErrUnavailable, also where there is no room for the
// file.
func (r *Registry) spool(ctx context.Context, key string) (file tempFile, err error) {
	file, _, err = r.download(ctx, key, func(w io.Writer, body io.Reader, _ int64) error {
		_, err := io.Copy(w, store.ContextReader(ctx, body))
		return err
	})
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	return file, scratch(err)
}

func (r *Registry) download(ctx context.Context, key string, transfer func(w io.Writer, body io.Reader, size int64) error) (file tempFile, size int64, err error) {
	err = r.read(ctx, key, func() (err error) {
		body, info, err := r.store.Get(ctx, key)
		if err != nil {
			return err
		}
		defer body.Close()
		f, err := os.CreateTemp("", "cidbench-*")
		if err != nil {
			return err
		}
		os.Remove(f.Name())
		file, size = tempFile{f}, info.Size
		if err := transfer(f, broken{body}, info.Size); err != nil {
			return errors.Join(fmt.Errorf("registry: %s: %w", key, err), f.Close())
		}
		return nil
	})
	return file, size, scratch(err)
}

// scratch says of a failure of the disk for temporary files, which belongs to no object, that it is one of storage.
func scratch(err error) error {
	_, local := errors.AsType[syscall.Errno](err)
	if local && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrCorrupt) {
		return fmt.Errorf("a temporary file, for which TMPDIR says where: %w: %w", ErrUnavailable, err)
	}
	return err
}

// A broken body that cannot be read to its end is a failure of the storage.
type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return n, err
}

// forEach calls f for every item, several at a time, until one fails. Of many
// that stop because the first has failed, the first counts.
func forEach[T any](parent context.Context, items []T, f func(ctx context.Context, item T) error) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	var workers sync.WaitGroup
	slots := make(chan struct{}, concurrency)
	for _, item := range items {
		slots <- struct{}{}
		workers.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() != nil {
				return
			}
			if err := f(ctx, item); err != nil {
				cancel(err)
			}
		})
	}
	workers.Wait()
	return cmp.Or(parent.Err(), context.Cause(ctx))
}
