// Package files reads data sets as they are published or lie on a disk: CIFAR's binary version, idx files,
// Tiny-ImageNet, ImageNet's tars, and folders of class folders, plain, in a zip or in a tar. It says which files are
// images of which class, and gives their bytes; what they show is package pictures' business.
package files

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/dataset"
)

// A Set is a data set on a disk. Reading is safe for concurrent use.
type Set struct {
	// Reader is what read it, with a version that rises when the same files give other images or another order.
	Reader  string
	Classes []string // names by label
	// Images are in the order of the set: as published, or by training or test, class and name.
	Images []Image
	// Height and Width are those of raw pixels, 0 where images are picture files.
	Height, Width int
	// HasTest says that the set itself says what is for testing.
	HasTest bool
	// Others are files that are no image of a class. Unreadable are those of which nobody can say, since they cannot be read,
	// as links to folders in a tar; images that cannot be read are among Images, and Read says why.
	Others     []string
	Unreadable []Unreadable
	// Notices are licences and attributions that lie beside the images, by name: they go where the images go.
	Notices map[string][]byte

	pile   *pile
	unpack func(raw []uint8) []uint8 // to [Height, Width, 3]
}

// An Image is one of a set.
type Image struct {
	Name  string // of its file in the set; with a number where a file holds many
	Label int32  // 0 to len(Classes)-1
	Test  bool
	raw   []uint8 // as in the file, if not a file of its own
}

// Unreadable is a file that cannot be read, and why.
type Unreadable struct{ Name, Why string }

// Read gives the bytes of image i: raw pixels [Height, Width, 3] of a set that has those, and otherwise a picture
// file.
func (s *Set) Read(i int) ([]byte, error) {
	if s.Raw() {
		return s.unpack(s.Images[i].raw), nil
	}
	return s.pile.read(s.Images[i].Name)
}

// Raw says that images are pixels, and no picture files.
func (s *Set) Raw() bool { return s.Height > 0 }

// Close closes the files.
func (s *Set) Close() error { return s.pile.close() }

// Open finds out what lies at a path - a folder, a zip, a tar or a tar.gz - and reads it. Of classes only the chosen
// count, in that order; all of them, by name, if none are chosen.
func Open(at string, chosen []string) (*Set, error) {
	p, err := openPile(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", dataset.ErrFiles, err)
	}
	s, err := p.set(chosen)
	if err == nil && len(s.Images) == 0 {
		err = fmt.Errorf("%s: no images: want class folders of pictures, idx files, CIFAR's binary version, Tiny-ImageNet or ImageNet's tars", at)
	}
	if err != nil {
		_ = p.close() // nothing was written
		return nil, fmt.Errorf("%w: %w", dataset.ErrFiles, err)
	}
	s.Others = slices.DeleteFunc(s.Others, func(name string) bool {
		fault := p.files[name].fault
		if fault == nil || hidden(name) {
			return false
		}
		s.Unreadable = append(s.Unreadable, Unreadable{name, fault.Error()})
		return true
	})
	if err := s.takeNotices(p); err != nil {
		_ = p.close() // nothing was written
		return nil, fmt.Errorf("%w: %w", dataset.ErrFiles, err)
	}
	if s.pile = p; s.Raw() {
		p.files = nil // what was unpacked and is no image goes
	}
	return s, nil
}

// notices are what the names of licences and attributions begin with.
var notices = []string{"ATTRIBUTION", "COPYING", "LICENCE", "LICENSE", "NOTICE", "SOURCES"}

// maxNotice is the most bytes that one may have.
const maxNotice = 16 << 20

// takeNotices reads those among the other files.
func (s *Set) takeNotices(p *pile) (err error) {
	s.Notices = map[string][]byte{}
	s.Others = slices.DeleteFunc(s.Others, func(name string) bool {
		begins := func(with string) bool { return strings.HasPrefix(strings.ToUpper(name), with) }
		if strings.Contains(name, "/") || !slices.ContainsFunc(notices, begins) || p.files[name].size > maxNotice {
			return false
		}
		content, failed := p.read(name)
		err = cmp.Or(err, failed)
		s.Notices[name] = content
		return true
	})
	return err
}

// set reads the files as what they look like.
func (p *pile) set(chosen []string) (*Set, error) {
	has := func(name string) bool { _, ok := p.files[name]; return ok }
	var s *Set
	var err error
	switch {
	case has("data_batch_1.bin") || has("test_batch.bin"):
		s, err = p.cifar10()
	case has("train.bin") || has("fine_label_names.txt"):
		s, err = p.cifar100()
	case has("data_batch_1") || has("meta") && has("train"):
		return nil, fmt.Errorf("%s: this is CIFAR's Python version, which is a pickle: get the binary version", p.path)
	case slices.ContainsFunc(p.names(), isIdx):
		s, err = p.idx()
	case has("wnids.txt"):
		s, err = p.tinyImageNet()
	default:
		s, err = p.classFolders()
	}
	if err != nil || len(chosen) == 0 {
		return s, err
	}
	return s, s.choose(p.path, chosen)
}

// choose keeps the images of the chosen classes, whose labels are their places in that list.
func (s *Set) choose(at string, chosen []string) error {
	label := map[int32]int32{}
	for to, name := range chosen {
		from := slices.Index(s.Classes, name)
		if from < 0 {
			return fmt.Errorf("%s: no class %q among its %d", at, name, len(s.Classes))
		}
		if _, ok := label[int32(from)]; ok {
			return fmt.Errorf("class %q is chosen twice", name)
		}
		label[int32(from)] = int32(to)
	}
	s.Images = slices.DeleteFunc(s.Images, func(i Image) bool { _, ok := label[i.Label]; return !ok })
	for i := range s.Images {
		s.Images[i].Label = label[s.Images[i].Label]
	}
	s.Classes = chosen
	if !s.Raw() {
		s.sort()
	}
	return nil
}

// sort puts images in an order that does not depend on how the files lie.
func (s *Set) sort() {
	slices.SortFunc(s.Images, func(a, b Image) int {
		switch {
		case a.Test != b.Test && a.Test:
			return 1
		case a.Test != b.Test:
			return -1
		}
		return cmp.Or(cmp.Compare(a.Label, b.Label), strings.Compare(a.Name, b.Name))
	})
}

// lines are those of a text file, without blanks around them and without empty ones.
func (p *pile) lines(name string) ([]string, error) {
	text, err := p.read(name)
	if err != nil {
		return nil, err
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// hidden says whether a file is one that systems leave about.
func hidden(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".") || base == "Thumbs.db" || base == "desktop.ini" || strings.HasPrefix(name, "__MACOSX/")
}
