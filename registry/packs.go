package registry

import (
	"archive/zip"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/google/uuid"
)

// Packs are for buckets, where a request for each run of a report is too much: an object with the manifests of thousands
// of runs, and those of their artifacts that Pack names. A pack is a zip archive of objects under their keys, written
// once under a name of its own; the index says its digest, and which run is in which. Runs are together that were
// finished about the same time, as those of a tier mostly were.
//
// A pack is derived. Where one is missing or damaged, the originals are read; the next writer of the index packs again what
// is in none, and Repair drops what is damaged. What a pack holds is what its writer read from the originals: Check compares them.
const (
	packPrefix = "index/packs/"
	// packRuns and packBytes, before compression, are when a pack is full. A tier needs a few packs, and 100,000 runs
	// some thirty at the most, which with what else a command asks for is below 50 requests.
	packRuns  = 4096
	packBytes = 64 << 20
	// packGrowth says which packs are written again, together with the runs that are in none: those with at most so many
	// times their number. So a run is written again a few times at most, and packs that are not full are few.
	packGrowth = 4
	// packedMost is the size from which an object is not packed, in bytes.
	packedMost = 4 << 20
	// packGrace is how long a pack stays that no index names any more: somebody may be reading or about to name it.
	packGrace = 24 * time.Hour
)

// A pack is what the index says of one.
type pack struct {
	Name   string `json:"name"` // a uuid
	Digest Digest `json:"digest"`
	Full   bool   `json:"full,omitempty"`
}

func (p *pack) key() string { return packPrefix + p.Name }

// Pack says which artifacts are packed with their runs, by media type: what reports read of many runs, and small.
func (r *Registry) Pack(mediaTypes ...string) {
	r.packTypes = mediaTypes
	if r.top != nil {
		r.top.Pack(mediaTypes...)
	}
}

// openPacks are those that a registry has fetched, by name: it keeps them, in temporary files without a name.
type openPacks struct {
	mu    sync.Mutex
	packs map[string]*openPack
}

type openPack struct {
	done  chan struct{} // closed when the rest is known
	files map[string]*zip.File
	err   error
}

// openPack fetches a pack, once. Errors: those of fetch; ErrCorrupt.
func (r *Registry) openPack(ctx context.Context, p *pack) (*openPack, error) {
	r.packs.mu.Lock()
	x := r.packs.packs[p.Name]
	first := x == nil
	if first {
		x = &openPack{done: make(chan struct{})}
		if r.packs.packs == nil {
			r.packs.packs = make(map[string]*openPack)
		}
		r.packs.packs[p.Name] = x
	}
	r.packs.mu.Unlock()
	if first {
		x.files, x.err = r.fetchPack(ctx, p)
		close(x.done)
	}
	<-x.done
	return x, x.err
}

func (r *Registry) fetchPack(ctx context.Context, p *pack) (map[string]*zip.File, error) {
	file, size, err := r.fetch(ctx, p.key(), p.Digest)
	if err != nil {
		return nil, err
	}
	return readPack(file, size)
}

// readPack reads the table of a pack. Every error is ErrCorrupt.
func readPack(in io.ReaderAt, size int64) (map[string]*zip.File, error) {
	archive, err := zip.NewReader(in, size)
	if err != nil {
		return nil, corrupt("a pack: %w", err)
	}
	files := make(map[string]*zip.File, len(archive.File))
	for _, f := range archive.File {
		files[f.Name] = f
	}
	return files, nil
}

// object reads what a pack has under a key. Errors: ErrNotExist; ErrCorrupt.
func (x *openPack) object(key string) ([]byte, error) {
	f := x.files[key]
	if f == nil {
		return nil, ErrNotExist
	}
	if f.UncompressedSize64 > packedMost {
		return nil, corrupt("a pack has %d bytes under %s", f.UncompressedSize64, key)
	}
	in, err := f.Open()
	if err != nil {
		return nil, corrupt("a pack: %s: %w", key, err)
	}
	defer in.Close()
	data := make([]byte, f.UncompressedSize64)
	if _, err = io.ReadFull(in, data); err != nil {
		return nil, corrupt("a pack: %s: %w", key, err)
	}
	return data, nil
}

// packedRun is Run by a pack. An error says that the original is to be read.
func (r *Registry) packedRun(ctx context.Context, p *pack, id string) (Manifest, Digest, error) {
	x, err := r.openPack(ctx, p)
	var data []byte
	if err == nil {
		data, err = x.object(manifestKey(id))
	}
	if err != nil {
		return Manifest{}, "", err
	}
	m, err := manifestOf(id, data)
	return m, DigestOf(data), err
}

// packedBlob is Blob by the packs that are open.
func (r *Registry) packedBlob(ctx context.Context, d Descriptor) ([]byte, error) {
	r.packs.mu.Lock()
	open := slices.Collect(maps.Values(r.packs.packs))
	r.packs.mu.Unlock()
	for _, x := range open {
		select {
		case <-x.done:
		default: // whoever wants something of it waits for it
			continue
		}
		if data, err := x.object(blobKey(d.Digest)); err == nil && int64(len(data)) == d.Size && DigestOf(data) == d.Digest {
			return data, nil
		}
	}
	return nil, cmp.Or(ctx.Err(), ErrNotExist)
}

// repack puts the runs that are in no pack, or in one that is gone, into packs, if this is a bucket. It returns the keys
// of packs that no run is in any more, nor anybody reads. An error leaves runs in no pack.
func (r *Registry) repack(ctx context.Context, runs []*Summary) (old []string, err error) {
	if r.Local() {
		return nil, nil
	}
	there := make(map[string]store.Info)
	for info, err := range r.store.List(ctx, packPrefix) {
		if err != nil {
			return nil, err
		}
		there[info.Key] = info
	}
	var loose []*Summary
	members := make(map[*pack][]*Summary)
	for _, s := range runs {
		if s.pack != nil && there[s.pack.key()].Key == "" {
			s.pack = nil
		}
		if s.Err == nil && s.pack == nil {
			loose = append(loose, s)
		} else if s.Err == nil {
			members[s.pack] = append(members[s.pack], s)
		}
	}
	smallest := slices.SortedFunc(maps.Keys(members), func(a, b *pack) int {
		return cmp.Or(cmp.Compare(len(members[a]), len(members[b])), strings.Compare(a.Name, b.Name))
	})
	for _, p := range smallest {
		if p.Full || len(loose) == 0 || len(members[p]) > packGrowth*len(loose) {
			continue
		}
		loose = append(loose, members[p]...)
	}
	slices.SortFunc(loose, func(a, b *Summary) int { return cmp.Or(a.Finished.Compare(b.Finished), byRun(a, b)) })
	for len(loose) > 0 && err == nil {
		loose, err = r.writePack(ctx, loose)
	}
	needed := make(map[string]bool)
	for _, s := range runs {
		if s.pack != nil {
			needed[s.pack.key()] = true
		}
	}
	for key, info := range there {
		if !needed[key] && time.Since(info.ModTime) > packGrace {
			old = append(old, key)
		}
	}
	return old, err
}

// writePack packs as many runs as fit, and returns the rest. Those that cannot be read, or are not as their summaries
// say, stay in the pack that they are in.
func (r *Registry) writePack(ctx context.Context, runs []*Summary) (rest []*Summary, err error) {
	f, err := os.CreateTemp("", "cidbench-*")
	if err != nil {
		return nil, scratch(err)
	}
	defer f.Close()
	os.Remove(f.Name())
	archive := zip.NewWriter(f)
	var packed []*Summary
	written := make(map[string]bool)
	size := 0
	for len(runs) > 0 && len(packed) < packRuns && size < packBytes {
		some := make([]*packing, min(len(runs), 8*concurrency, packRuns-len(packed)))
		for i := range some {
			some[i] = &packing{Summary: runs[i], objects: make(map[string][]byte)}
		}
		runs = runs[len(some):]
		if err := forEach(ctx, some, r.readForPack); err != nil {
			return nil, err
		}
		for _, x := range some {
			for _, key := range slices.Sorted(maps.Keys(x.objects)) {
				if written[key] {
					continue
				}
				written[key] = true
				size += len(x.objects[key])
				w, err := archive.CreateHeader(&zip.FileHeader{Name: key, Method: zip.Deflate})
				if err == nil {
					_, err = w.Write(x.objects[key])
				}
				if err != nil {
					return nil, scratch(err)
				}
			}
			if len(x.objects) > 0 {
				packed = append(packed, x.Summary)
			}
		}
	}
	if err := archive.Close(); err != nil || len(packed) == 0 {
		return runs, scratch(err)
	}
	length, err := f.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	p := &pack{Name: uuid.NewString(), Full: len(packed) == packRuns || size >= packBytes}
	if err == nil {
		p.Digest, err = store.DigestFrom(ctx, f)
	}
	if err != nil {
		return nil, scratch(err)
	}
	if err := r.store.Create(ctx, p.key(), f, length, p.Digest); err != nil {
		return nil, err
	}
	for _, s := range packed {
		s.pack = p
	}
	return runs, nil
}

// A packing is what goes into a pack of one run, by key.
type packing struct {
	*Summary
	objects map[string][]byte
}

// readForPack reads it, from the pack that the run is in, if there is one. Damage leaves the run, or an artifact, out.
func (r *Registry) readForPack(ctx context.Context, x *packing) error {
	text, err := r.manifestText(ctx, x.Summary)
	if tolerable(err) || len(text) > packedMost {
		return nil
	} else if err != nil {
		return err
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	x.objects[manifestKey(x.Run)] = text
	for _, d := range m.Artifacts {
		if d.Size > packedMost || !slices.Contains(r.packTypes, d.MediaType) {
			continue
		}
		data, err := r.packedBlob(ctx, d)
		if err != nil {
			data, err = r.Blob(ctx, d)
		}
		if err == nil {
			x.objects[blobKey(d.Digest)] = data
		} else if !tolerable(err) {
			return err
		}
	}
	return nil
}

// manifestText is the stored manifest of a run, which was verified when its summary was made: it has the same digest.
func (r *Registry) manifestText(ctx context.Context, s *Summary) ([]byte, error) {
	if s.pack != nil {
		if x, err := r.openPack(ctx, s.pack); err == nil {
			if text, err := x.object(manifestKey(s.Run)); err == nil && DigestOf(text) == s.Manifest {
				return text, nil
			}
		}
	}
	text, err := r.loadObject(ctx, manifestKey(s.Run))
	if err == nil && DigestOf(text) != s.Manifest {
		err = corrupt("%s is no longer what it was", manifestKey(s.Run))
	}
	return text, err
}
