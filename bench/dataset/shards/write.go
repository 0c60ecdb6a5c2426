package shards

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/cidbench/cidbench/bench/dataset"
)

// A Writer writes a set, which is there once Finish has returned and not before.
type Writer struct {
	Index
	dir, folder string // where to, and where it is written meanwhile
	train, test split
}

// split is a part while it is written.
type split struct {
	name string
	per  int // images in a shard
	file *os.File
	out  *bufio.Writer
	sum  hash.Hash
	n    int // images in the open shard
}

// Create begins the set that the index names, in the data directory. Of the index the writer fills in what follows from
// the images.
func Create(dir string, x Index) (*Writer, error) {
	x.Scheme = Scheme
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(dir, ".importing-*")
	if err != nil {
		return nil, err
	}
	per := max(1, Bytes/x.image())
	return &Writer{Index: x, dir: dir, folder: folder, train: split{name: "train", per: per}, test: split{name: "test", per: per}}, nil
}

// Add appends an image [Height, Width, 3].
func (w *Writer) Add(test bool, label int32, pixels []uint8) error {
	s, part := &w.train, &w.Train
	if test {
		s, part = &w.test, &w.Test
	}
	if len(pixels) != w.image() {
		return fmt.Errorf("an image of %d bytes, where the set's have %d", len(pixels), w.image())
	}
	if s.n == s.per {
		if err := s.end(part); err != nil {
			return err
		}
	}
	if s.file == nil {
		file, err := os.Create(filepath.Join(w.folder, fmt.Sprintf("%s-%d.u8", s.name, len(part.Shards))))
		if err != nil {
			return err
		}
		s.file, s.sum, s.n = file, sha256.New(), 0
		s.out = bufio.NewWriterSize(io.MultiWriter(file, s.sum), 1<<20)
	}
	_, err := s.out.Write(pixels)
	s.n++
	part.Labels = append(part.Labels, label)
	return err
}

// Keep puts a licence or an attribution beside the images.
func (w *Writer) Keep(name string, content []byte) error {
	sum := sha256.New()
	sum.Write(content)
	w.Notices = append(w.Notices, Notice{name, digestOf(sum)})
	return os.WriteFile(filepath.Join(w.folder, name), content, 0o644)
}

// end closes the open shard, if there is one.
func (s *split) end(part *Split) error {
	if s.file == nil {
		return nil
	}
	err := errors.Join(s.out.Flush(), s.file.Sync(), s.file.Close())
	part.Shards = append(part.Shards, Shard{filepath.Base(s.file.Name()), s.n, digestOf(s.sum)})
	s.file, s.n = nil, 0
	return err
}

func digestOf(sum hash.Hash) string { return "sha256:" + hex.EncodeToString(sum.Sum(nil)) }

// Finish reads what was written once more, for the digest of the content, and puts the set in its place, where another
// of that name is replaced. Identity, if it is given, is the set's digest in place of that of its content; want, if it is
// given, is what that must be: dataset.ErrDigest if it is not.
func (w *Writer) Finish(identity, want string) (*Index, error) {
	if err := errors.Join(w.train.end(&w.Train), w.test.end(&w.Test)); err != nil {
		return nil, err
	}
	images, err := w.open(w.folder)
	if err != nil {
		return nil, err
	}
	d := dataset.Dataset{Images: images, Classes: w.Classes}
	if w.Content, err = d.Digest(); err != nil {
		return nil, err
	}
	if w.Index.Digest = identity; identity == "" {
		w.Index.Digest = w.Content
	}
	if want != "" && w.Index.Digest != want {
		return nil, fmt.Errorf("%w: these files make %s, and %s is %s: give them another name", dataset.ErrDigest, w.Index.Digest, w.Name, want)
	}
	text, err := json.Marshal(w.Index)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(w.folder, indexName), text, 0o644); err != nil {
		return nil, err
	}
	if err := os.Chmod(w.folder, 0o755); err != nil {
		return nil, err
	}
	place, old := filepath.Join(w.dir, w.Name), w.folder+".old"
	if err := os.Rename(place, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := os.Rename(w.folder, place); err != nil {
		return nil, err
	}
	return &w.Index, os.RemoveAll(old)
}

// Abort removes what was written; after Finish it does nothing.
func (w *Writer) Abort() {
	for _, s := range []*split{&w.train, &w.test} {
		if s.file != nil {
			_ = s.file.Close() // it is removed
		}
	}
	_ = os.RemoveAll(w.folder)
}

// Verify reads all of a set and compares it with its index: each shard, and with the labels the content. Errors:
// dataset.ErrDigest, which names the file; those of ReadIndex.
func Verify(dir, name string) (*Index, error) {
	x, err := ReadIndex(dir, name)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(dir, name)
	images, err := x.open(folder)
	if err != nil {
		return nil, err
	}
	held := slices.Clone(x.Notices)
	for _, shard := range slices.Concat(x.Train.Shards, x.Test.Shards) {
		held = append(held, Notice{shard.File, shard.Digest})
	}
	for _, h := range held {
		file := filepath.Join(folder, h.File)
		got, err := dataset.FileDigest(file)
		if err != nil {
			return nil, err
		}
		if got != h.Digest {
			return nil, fmt.Errorf("%w: %s: %s, not %s: import the set again", dataset.ErrDigest, file, got, h.Digest)
		}
	}
	d := dataset.Dataset{Images: images, Classes: x.Classes}
	content, err := d.Digest()
	if err != nil {
		return nil, err
	}
	if content != x.Content {
		return nil, fmt.Errorf("%w: %s: the labels or sizes in it are not those that were imported: %s, not %s", dataset.ErrDigest, filepath.Join(folder, indexName), content, x.Content)
	}
	return x, nil
}
