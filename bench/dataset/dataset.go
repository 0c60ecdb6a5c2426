// Package dataset holds the labelled images an experiment trains and probes on. What a class tree is, and what it
// says of two classes, is in package taxonomy; augmentation and batching live with the trainer.
//
// A Source is a data set as a catalogue lists it: a literal, from which everything that a plan or a report needs is
// known without an image being read. The glyphs here are procedural: every image is a function of its split and
// index. Sets of pictures are imported once, into shards (package shards) in a data directory.
package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/taxonomy"
)

// Channels is the number of colour channels of every image: red, green, blue.
const Channels = 3

// A Source is a data set that can be opened.
type Source struct {
	Name string
	// From says where the images are from.
	From string
	// Digest identifies the images, and is in the key of every run. It is Dataset.Digest of images that were there when
	// it was written down; where an archive pins them, the archive's digest and what reads it
	// ("sha256:c4a3.../cifar10-v1"); and empty where each user brings a copy, which Pin looks up.
	Digest string
	// Tree gives the class tree, whose classes are those of the labels; nil: the images bring theirs.
	Tree func() taxonomy.Tree `json:"-"`
	// Read gives the images, all or by index. Sets that are imported lie in the data directory dir.
	Read func(dir string) (Images, error) `json:"-"`
	// Import says how files become the images; nil: they are drawn.
	Import *Import `json:",omitempty"`
	// Extent is that of the set as it is drawn or published, for who plans without it; zero if it is not known.
	Extent Extent `json:",omitzero"`
}

// Import says how a set that is not drawn comes into the data directory.
type Import struct {
	// Side is the height and width in pixels to which pictures are brought; 0: they are raw pixels of one size.
	Side int
	// URL and Digest ("sha256:...") are those of the archive that is published, Bytes its length, 0 if not known. All are
	// empty where users have a copy of their own.
	URL    string
	Digest string
	Bytes  int64
	// WordNet says that the classes are synsets, and their tree is WordNet's.
	WordNet bool
	// Classes are those that are taken of the files, by label; nil: all, or those that the user chooses.
	Classes []string
}

// Extent is how large a set is.
type Extent struct {
	Side        int // of the images, in pixels
	Classes     int
	Train, Test int // images
	// Resident says that all images are held in memory.
	Resident bool
}

// Validate reports what a plan could not do without. What is imported may leave its digest and tree to Pin.
func (s *Source) Validate() error {
	if s.Name == "" || s.From == "" || s.Read == nil {
		return errors.New("name, origin and a way to read it must be given")
	}
	if s.Digest != "" && !strings.HasPrefix(s.Digest, "sha256:") {
		return errors.New("want a digest such as sha256:c4a3")
	}
	if s.Import == nil && (s.Digest == "" || s.Tree == nil) {
		return errors.New("digest and tree of what is not imported must be given")
	}
	return nil
}

// Pin completes a source from what was imported, without an image being read: the result has a digest and a tree.
func (s *Source) Pin(dir string) (*Source, error) {
	if s.Digest != "" && s.Tree != nil {
		return s, nil
	}
	images, err := s.Read(dir)
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", s.Name, err)
	}
	pinned := *s
	if pinned.Digest == "" {
		pinned.Digest = images.Stated
	}
	if pinned.Tree == nil {
		pinned.Tree = func() taxonomy.Tree { return images.Tree }
	}
	return &pinned, nil
}

// Images is what a source reads.
type Images struct {
	Height, Width int // pixels
	Train, Test   Split
	// Stated and Tree are what imported images state of themselves: their Source's digest, and their class tree. Empty:
	// the digest is computed from the images, and the tree is the source's.
	Stated string
	Tree   taxonomy.Tree
}

// A Split is one part, training or test, of a data set.
type Split struct {
	Reader
	Labels        []int32 // [Len], 0 to len(Classes)-1
	Height, Width int     // of the images
}

// Until is the split whose images can be read until a context is cancelled: then reading one fails with its error, and so
// does whatever goes through them all.
func (s Split) Until(ctx context.Context) Split {
	s.Reader = ending{s.Reader, ctx}
	return s
}

// ending is a Reader with an end.
type ending struct {
	Reader
	ctx context.Context //nolint:containedctx // it is the reader's extent
}

func (e ending) Read(i int, image []uint8) error {
	if err := e.ctx.Err(); err != nil {
		return err
	}
	return e.Reader.Read(i, image)
}

// Sample is so many of the images, spread evenly over the classes and over the images of each; all of them for 0, or if
// there are no more.
func (s Split) Sample(n int) Split {
	if n <= 0 || n >= s.Len() {
		return s
	}
	members := map[int32][]int{}
	for i, l := range s.Labels {
		members[l] = append(members[l], i)
	}
	wanted, left := map[int32]int{}, n
	for left > 0 { // a turn gives each class one, while it has more
		for _, l := range slices.Sorted(maps.Keys(members)) {
			if left > 0 && wanted[l] < len(members[l]) {
				wanted[l]++
				left--
			}
		}
	}
	var at []int
	for l, all := range members {
		for k := range wanted[l] {
			at = append(at, all[k*len(all)/wanted[l]])
		}
	}
	slices.Sort(at)
	labels := make([]int32, n)
	for i, j := range at {
		labels[i] = s.Labels[j]
	}
	return Split{Reader: picked{s.Reader, at}, Labels: labels, Height: s.Height, Width: s.Width}
}

// picked are some images of a reader, by index.
type picked struct {
	Reader
	at []int
}

// Read implements Reader.
func (p picked) Read(i int, image []uint8) error { return p.Reader.Read(p.at[i], image) }

// A Reader reads images by index, so that a split may be larger than memory. It is safe for concurrent use.
type Reader interface {
	// Read fills image, [Height, Width, 3], row-major, 0 to 255, with image i.
	Read(i int, image []uint8) error
}

// Len is the number of images.
func (s Split) Len() int { return len(s.Labels) }

// Buffer has room for an image.
func (s Split) Buffer() []uint8 { return make([]uint8, s.Height*s.Width*Channels) }

// Memory is a Reader of images that are there one after the other.
type Memory []uint8

// Read implements Reader.
func (m Memory) Read(i int, image []uint8) error {
	copy(image, m[i*len(image):])
	return nil
}

// A Dataset is an open data set. It is not changed after Open, so it may be shared.
type Dataset struct {
	Name string
	Images
	Tree    taxonomy.Tree
	Classes []string // by label
}

var (
	// ErrDigest says that the images are not those that the source promises.
	ErrDigest = errors.New("the data set is not what its digest says")
	// ErrFiles says that files are no data set, or none that can be taken as it is.
	ErrFiles = errors.New("the files cannot be imported")
)

// Open reads the images, from the data directory dir if they were imported, and checks their digest. Imported images
// say which they are, and are not all read for that: shards.Verify does so.
func (s *Source) Open(dir string) (*Dataset, error) {
	d, err := s.open(dir)
	if err != nil {
		return nil, err
	}
	got := d.Stated
	if got == "" {
		if got, err = d.Digest(); err != nil {
			return nil, fmt.Errorf("data set %s: %w", s.Name, err)
		}
	}
	if s.Digest != "" && got != s.Digest {
		return nil, fmt.Errorf("data set %s: %w: %s, not %s", s.Name, ErrDigest, got, s.Digest)
	}
	return d, nil
}

func (s *Source) open(dir string) (*Dataset, error) {
	images, err := s.Read(dir)
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", s.Name, err)
	}
	tree := images.Tree
	if s.Tree != nil {
		tree = s.Tree()
	}
	return &Dataset{Name: s.Name, Images: images, Tree: tree, Classes: taxonomy.Classes(tree)}, nil
}

// Extent is how large the set is.
func (d *Dataset) Extent() Extent {
	_, resident := d.Train.Reader.(Memory)
	return Extent{Side: d.Height, Classes: len(d.Classes), Train: d.Train.Len(), Test: d.Test.Len(), Resident: resident}
}

// FileDigest is that of the bytes of the file at a path, as "sha256:" and 64 hexadecimal digits. Errors: the system's.
func FileDigest(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// Digest identifies what encoders see as "sha256:" and 64 hexadecimal digits, over shape, number of classes, labels
// and images. What classes are called and how they hang together is in taxonomy.Digest: another tree does not
// make another training.
func (d *Dataset) Digest() (string, error) {
	h := sha256.New()
	write := func(values any) { binary.Write(h, binary.LittleEndian, values) } // a hash never fails to write
	write([]int64{int64(d.Height), int64(d.Width), Channels, int64(len(d.Classes))})
	for _, s := range []Split{d.Train, d.Test} {
		write(int64(s.Len()))
		write(s.Labels)
		image := s.Buffer()
		for i := range s.Len() {
			if err := s.Read(i, image); err != nil {
				return "", err
			}
			h.Write(image)
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
