// Package dataset holds the labelled images an experiment trains and probes on. What a class tree is, and what it
// says of two classes, is in package taxonomy; augmentation and batching live with the trainer.
//
// A Source is a data set as a catalogue lists it: a literal, from which everything that a plan or a report needs is
// known without an image being read. The sources here are procedural: every image is a function of its split and
// index.
package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
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
	// Digest is Dataset.Digest, known before the images are: it is in the key of every run.
	Digest string
	// Tree gives the class tree, whose classes are those of the labels.
	Tree func() taxonomy.Tree `json:"-"`
	// Read gives the images, all or by index.
	Read func() (Images, error) `json:"-"`
}

// Validate reports what a plan could not do without.
func (s *Source) Validate() error {
	if s.Name == "" || s.From == "" || !strings.HasPrefix(s.Digest, "sha256:") || s.Tree == nil || s.Read == nil {
		return errors.New("name, origin, digest, tree and a way to read it must be given")
	}
	return nil
}

// Images is what a source reads.
type Images struct {
	Height, Width int // pixels
	Train, Test   Split
}

// A Split is one part, training or test, of a data set.
type Split struct {
	Reader
	Labels        []int32 // [Len], 0 to len(Classes)-1
	Height, Width int     // of the images
}

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

// ErrDigest says that the images are not those that the source promises.
var ErrDigest = errors.New("the data set is not what its digest says")

// Open reads the images and checks their digest.
func (s *Source) Open() (*Dataset, error) {
	d, err := s.open()
	if err != nil {
		return nil, err
	}
	got, err := d.Digest()
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", s.Name, err)
	}
	if got != s.Digest {
		return nil, fmt.Errorf("data set %s: %w: %s, not %s", s.Name, ErrDigest, got, s.Digest)
	}
	return d, nil
}

func (s *Source) open() (*Dataset, error) {
	images, err := s.Read()
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", s.Name, err)
	}
	tree := s.Tree()
	return &Dataset{Name: s.Name, Images: images, Tree: tree, Classes: taxonomy.Classes(tree)}, nil
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
