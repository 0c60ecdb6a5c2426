// Package shards keeps imported data sets: uint8 pixels, all images of one size, one after the other in a few large
// files that are read by index through the page cache, and beside them an index that says what they are. How pictures
// become pixels is package importer's business.
//
// A set is a folder of the data directory:
//
//	DIR/NAME/index.json
//	DIR/NAME/train-0.u8, train-1.u8, ..., test-0.u8, ...: images [Height, Width, 3], without a header
//	DIR/NAME/LICENSE, ATTRIBUTION.csv, ...: what came with the images, if there is any
package shards

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// Scheme is that of index and shards.
const Scheme = 1

// Bytes is the most that a shard has.
const Bytes = 1 << 30

const indexName = "index.json"

// An Index says what a set is.
type Index struct {
	Scheme int    `json:"scheme"`
	Name   string `json:"name"`
	From   string `json:"from"` // words for people
	// Reader is what read the files, with its version; Archive the digest of the one file that they came in, empty if it
	// was a folder.
	Reader  string `json:"reader"`
	Archive string `json:"archive,omitempty"`
	// Content is dataset.Dataset.Digest of the images.
	Content string `json:"content"`
	// Digest is the set's identity, in the keys of runs: that of a published archive with its reader, or Content.
	Digest  string          `json:"digest"`
	Height  int             `json:"height"`
	Width   int             `json:"width"`
	Classes []string        `json:"classes"` // by label, as the files name them
	Tree    taxonomy.Memory `json:"tree"`
	Train   Split           `json:"train"`
	Test    Split           `json:"test"`
	// Notices are licences and attributions that came with the images, and lie beside them.
	Notices []Notice `json:"notices,omitempty"`
	// Sizes of the pictures that were brought to Height x Width.
	Sizes *Sizes `json:"sizes,omitempty"`
	// LeftOut are files that gave no image, Noted those that gave one in spite of something.
	LeftOut []Finding `json:"left_out,omitempty"`
	Noted   []Finding `json:"noted,omitempty"`
}

// A Split is the images of training or of test.
type Split struct {
	Labels []int32 `json:"labels"`
	Shards []Shard `json:"shards"`
}

// Counts are the numbers of images by label.
func (s Split) Counts(classes int) []int {
	counts := make([]int, classes)
	for _, label := range s.Labels {
		counts[label]++
	}
	return counts
}

// A Notice is a text for people.
type Notice struct {
	File   string `json:"file"`
	Digest string `json:"digest"` // sha256
}

// A Shard is a file of images.
type Shard struct {
	File   string `json:"file"`
	Images int    `json:"images"`
	Digest string `json:"digest"` // sha256
}

// Sizes are the least and the most that pictures had, in pixels.
type Sizes struct {
	MinWidth  int `json:"min_width"`
	MinHeight int `json:"min_height"`
	MaxWidth  int `json:"max_width"`
	MaxHeight int `json:"max_height"`
	Resized   int `json:"resized"` // pictures that were not of the set's size
}

// A Finding is what there is to say of a file.
type Finding struct {
	File   string `json:"file"`
	What   string `json:"what"`             // its kind, to be counted by
	Detail string `json:"detail,omitempty"` // of this file
}

// Read is how a Source reads the set of that name.
func Read(name string) func(dir string) (dataset.Images, error) {
	return func(dir string) (dataset.Images, error) {
		index, err := ReadIndex(dir, name)
		if err != nil {
			return dataset.Images{}, err
		}
		return index.Open(dir)
	}
}

// Source is an imported set as a catalogue lists it.
func (x *Index) Source() *dataset.Source {
	return &dataset.Source{
		Name: x.Name, From: x.From, Digest: x.Digest,
		Tree: func() taxonomy.Tree { return &x.Tree }, Read: Read(x.Name), Import: &dataset.Import{Side: x.Height},
	}
}

// List names the sets in a data directory.
func List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, entry := range entries {
		if _, missing := os.Stat(filepath.Join(dir, entry.Name(), indexName)); missing == nil && !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}
	return names, err
}

// ReadIndex reads the index of a set. A set that is not there is fs.ErrNotExist, one that cannot be right
// dataset.ErrDigest.
func ReadIndex(dir, name string) (*Index, error) {
	at := filepath.Join(dir, name, indexName)
	text, err := os.ReadFile(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notHere{dir, name}
	}
	if err != nil {
		return nil, err
	}
	x, err := parse(text)
	if err == nil && x.Name != name {
		err = fmt.Errorf("it is that of %q", x.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", dataset.ErrDigest, at, err)
	}
	return x, nil
}

// notHere is fs.ErrNotExist in words.
type notHere struct{ dir, name string }

func (notHere) Unwrap() error { return fs.ErrNotExist }

func (e notHere) Error() string {
	return fmt.Sprintf("it is not in the data directory %s: `data fetch %s` brings what can be downloaded, `data import PATH --name %s` a copy of yours", e.dir, e.name, e.name)
}

// parse reads and checks an index.
func parse(text []byte) (*Index, error) {
	var x Index
	if err := json.Unmarshal(text, &x); err != nil {
		if wrong := new(json.SyntaxError); errors.As(err, &wrong) {
			return nil, fmt.Errorf("byte %d: want JSON: %w", wrong.Offset, err)
		}
		return nil, err
	}
	switch {
	case x.Scheme != Scheme:
		return nil, fmt.Errorf("scheme %d; this program reads %d: import the set again", x.Scheme, Scheme)
	case x.Height < 1 || x.Width < 1 || x.Height > Bytes/dataset.Channels/x.Width:
		return nil, fmt.Errorf("images of %dx%d pixels", x.Height, x.Width)
	case !strings.HasPrefix(x.Content, "sha256:") || !strings.HasPrefix(x.Digest, "sha256:"):
		return nil, errors.New("want content and digest such as sha256:c4a3")
	case len(x.Classes) != x.Tree.Leaves() || len(x.Classes) == 0:
		return nil, fmt.Errorf("%d classes, and a tree of %d", len(x.Classes), x.Tree.Leaves())
	}
	for _, n := range x.Notices {
		if filepath.Base(n.File) != n.File {
			return nil, fmt.Errorf("notice %q: want a file beside the index", n.File)
		}
	}
	for _, s := range []Split{x.Train, x.Test} {
		total := 0
		for i, shard := range s.Shards {
			if filepath.Base(shard.File) != shard.File || shard.Images < 1 {
				return nil, fmt.Errorf("shard %q of %d images", shard.File, shard.Images)
			}
			if i < len(s.Shards)-1 && shard.Images != s.Shards[0].Images || shard.Images > s.Shards[0].Images {
				return nil, fmt.Errorf("shard %s has %d images, the first %d: all but the last have as many", shard.File, shard.Images, s.Shards[0].Images)
			}
			total += shard.Images
		}
		if total != len(s.Labels) {
			return nil, fmt.Errorf("%d labels for %d images", len(s.Labels), total)
		}
		for i, label := range s.Labels {
			if label < 0 || int(label) >= len(x.Classes) {
				return nil, fmt.Errorf("label %d of image %d; want 0 to %d", label, i, len(x.Classes)-1)
			}
		}
	}
	return &x, nil
}

// image is the bytes of one.
func (x *Index) image() int { return x.Height * x.Width * dataset.Channels }

// Open opens the shards of a set in a data directory; they stay open as long as the process lives. Errors: those of the
// system; dataset.ErrDigest if a shard has another length than the index says.
func (x *Index) Open(dir string) (dataset.Images, error) { return x.open(filepath.Join(dir, x.Name)) }

// open opens the shards in the set's folder; they stay open as long as the process lives.
func (x *Index) open(folder string) (dataset.Images, error) {
	images := dataset.Images{Height: x.Height, Width: x.Width, Stated: x.Digest, Tree: &x.Tree}
	var err error
	if images.Train, err = x.openSplit(folder, x.Train); err == nil {
		images.Test, err = x.openSplit(folder, x.Test)
	}
	return images, err
}

func (x *Index) openSplit(folder string, s Split) (dataset.Split, error) {
	r := &reader{image: x.image()}
	for _, shard := range s.Shards {
		file, err := os.Open(filepath.Join(folder, shard.File))
		if err != nil {
			return dataset.Split{}, err
		}
		info, err := file.Stat()
		if err != nil {
			return dataset.Split{}, err
		}
		if want := int64(shard.Images) * int64(r.image); info.Size() != want {
			return dataset.Split{}, fmt.Errorf("%w: %s has %d bytes; want %d", dataset.ErrDigest, file.Name(), info.Size(), want)
		}
		r.files = append(r.files, file)
		r.per = s.Shards[0].Images
	}
	return dataset.Split{Reader: r, Labels: s.Labels, Height: x.Height, Width: x.Width}, nil
}

// reader reads images from shards of per images, the last of which may have fewer.
type reader struct {
	files      []*os.File
	per, image int
}

// Read implements dataset.Reader.
func (r *reader) Read(i int, image []uint8) error {
	file := r.files[i/r.per]
	at := int64(i%r.per) * int64(r.image)
	if _, err := file.ReadAt(image[:r.image], at); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%s: byte %d: image %d: %w", file.Name(), at, i, err)
	}
	return nil
}
