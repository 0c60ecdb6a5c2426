// Package importer turns the files of a data set into shards, once: it decodes what are pictures, finds duplicates,
// and says of each file that is not taken, or was not taken as it is, why. The same files give the same bytes,
// whatever the number of workers.
package importer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/files"
	"github.com/cidbench/cidbench/bench/dataset/pictures"
	"github.com/cidbench/cidbench/bench/dataset/shards"
	"github.com/cidbench/cidbench/bench/parallel"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// TestShare is the share of the images of each class that are for testing, where the set does not say.
const TestShare = 0.2

// Options say what becomes of a set of files.
type Options struct {
	Dir  string // data directory
	Name string // of the set in it
	From string // words for people
	Side int    // pixels; 0 takes raw pixels as they are
	Tree taxonomy.Tree
	// Archive is the digest of the file that the set came in, if it was one, and Published says that it is the one that
	// the catalogue names: then it is what identifies the set.
	Archive   string
	Published bool
	// Digest is what the set's must be; empty if any will do.
	Digest string
	// SkipBad leaves out what gives no image, which is an error otherwise.
	SkipBad bool
	Workers int
	// Progress is told of images decoded.
	Progress func(done, total int)
}

// What findings are called, besides the faults and notes of package pictures.
const (
	Unreadable = "unreadable"
	Twice      = "duplicate in its class"
	TwoClasses = "duplicate in two classes"
	TwoSplits  = "duplicate in training and test"
	NoClass    = "no image of a class"
)

// BadError says that files gave no image, and that nobody said to go on without them.
type BadError struct{ Findings []shards.Finding }

// shown is the number of findings that an error names; it counts them all, by kind.
const shown = 20

// Unwrap lets errors.Is find dataset.ErrFiles.
func (e *BadError) Unwrap() error { return dataset.ErrFiles }

func (e *BadError) Error() string {
	kinds := map[string]int{}
	for _, f := range e.Findings {
		kinds[f.What]++
	}
	var counts []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		counts = append(counts, fmt.Sprintf("%d %s", kinds[kind], kind))
	}
	text := fmt.Sprintf("%d files give no image: %s (--skip-bad imports the rest, and lists all of them):", len(e.Findings), strings.Join(counts, ", "))
	for _, f := range e.Findings[:min(shown, len(e.Findings))] {
		text += fmt.Sprintf("\n  %s: %s", f.File, f.What)
		if f.Detail != "" {
			text += ": " + f.Detail
		}
	}
	if more := len(e.Findings) - shown; more > 0 {
		text += fmt.Sprintf("\n  and %d more", more)
	}
	return text
}

// Run imports a set. Errors: *BadError; what cannot be imported at all.
func Run(ctx context.Context, set *files.Set, o Options) (*shards.Index, error) {
	x := shards.Index{
		Name: o.Name, From: o.From, Reader: set.Reader, Archive: o.Archive,
		Height: o.Side, Width: o.Side, Classes: set.Classes, Tree: *taxonomy.Copy(o.Tree),
	}
	if o.Side == 0 {
		if x.Height, x.Width = set.Height, set.Width; !set.Raw() {
			return nil, errors.New("pictures have no common size: say which with --size")
		}
	}
	im := &importing{Options: o, set: set, images: slices.Clone(set.Images), height: x.Height, width: x.Width}
	for _, name := range set.Others {
		im.noted = append(im.noted, shards.Finding{File: name, What: NoClass})
	}
	for _, u := range set.Unreadable {
		im.leaveOut(u.Name, Unreadable, u.Why)
	}
	if err := im.hash(ctx); err != nil {
		return nil, err
	}
	w, err := shards.Create(o.Dir, x)
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	for _, name := range slices.Sorted(maps.Keys(set.Notices)) {
		if err := w.Keep(name, set.Notices[name]); err != nil {
			return nil, err
		}
	}
	if err := im.write(ctx, w); err != nil {
		return nil, err
	}
	if len(im.bad) > 0 && !o.SkipBad {
		return nil, &BadError{im.bad}
	}
	if err := whole(&w.Index); err != nil {
		return nil, err
	}
	w.LeftOut, w.Noted, w.Sizes = im.bad, im.noted, im.sizes
	identity := ""
	if o.Published {
		identity = Identity(o.Archive, set.Reader)
	}
	return w.Finish(identity, o.Digest)
}

// Identity is the digest of a set that a published archive pins: the reader is part of it, since another one would
// make other images of the same archive.
func Identity(archive, reader string) string { return archive + "/" + reader }

// whole refuses a set that nothing can be learned from, or tested on.
func whole(x *shards.Index) error {
	train, test := x.Train.Counts(len(x.Classes)), x.Test.Counts(len(x.Classes))
	for label, class := range x.Classes {
		if train[label] == 0 || test[label] == 0 {
			return fmt.Errorf("%w: class %q has %d images for training and %d for test", dataset.ErrFiles, class, train[label], test[label])
		}
	}
	return nil
}

// importing is the state of an import.
type importing struct {
	Options
	set           *files.Set
	images        []files.Image // without those left out, once they are known
	at            []int         // their places in the set
	height, width int
	bad, noted    []shards.Finding
	sizes         *shards.Sizes
}

func (im *importing) leaveOut(name, what, detail string) {
	im.bad = append(im.bad, shards.Finding{File: name, What: what, Detail: detail})
}

// block is the number of images that are read at a time: workers fill it, then it is taken in order.
const block = 512

// blocks has workers do their part of each image, by place in im.at, and then takes what they left in order.
func (im *importing) blocks(ctx context.Context, work func(slot, i int), take func(slot, i int) error) error {
	for start := 0; start < len(im.at); start += block {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := im.at[start:min(start+block, len(im.at))]
		parallel.Each(len(part), im.Workers, func(_, k int) { work(k, part[k]) })
		for k, i := range part {
			if err := take(k, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// hash reads all files for their digests: duplicates are found, and what is for testing is chosen where the set does
// not say, so that it depends on nothing but the pictures.
func (im *importing) hash(ctx context.Context) error {
	for i := range im.images {
		im.at = append(im.at, i)
	}
	type sum = [sha256.Size]byte
	sums := make([]sum, len(im.images))
	var failed [block]error
	good := im.at[:0:0]
	err := im.blocks(ctx, func(slot, i int) {
		content, err := im.set.Read(i)
		sums[i], failed[slot] = sha256.Sum256(content), err
		if err == nil && len(content) == 0 {
			failed[slot] = &pictures.Error{Fault: pictures.Empty, Detail: "it has no bytes"}
		}
	}, func(slot, i int) error {
		var fault *pictures.Error
		switch err := failed[slot]; {
		case errors.As(err, &fault):
			im.leaveOut(im.images[i].Name, string(fault.Fault), fault.Detail)
		case err != nil:
			im.leaveOut(im.images[i].Name, Unreadable, err.Error())
		default:
			good = append(good, i)
		}
		return nil
	})
	if err != nil {
		return err
	}
	im.at = good
	copies := map[sum][]int{}
	for _, i := range im.at {
		copies[sums[i]] = append(copies[sums[i]], i)
	}
	drop := map[int]bool{}
	for _, i := range im.at {
		if same := copies[sums[i]]; len(same) > 1 && same[0] == i {
			im.duplicates(same, drop)
		}
	}
	im.at = slices.DeleteFunc(im.at, func(i int) bool { return drop[i] })
	if !im.set.HasTest {
		im.split(func(a, b int) int { return slices.Compare(sums[a][:], sums[b][:]) })
	}
	return nil
}

// duplicates decides about files of the same content. Of one class, the first is kept, and for testing if one of them
// is; of two classes, none, since nobody knows which is right. A published set, and one of raw pixels, is taken
// whole, for it is what others have too: they are noted alone.
func (im *importing) duplicates(same []int, drop map[int]bool) {
	first := im.images[same[0]]
	keep, what := same[0], Twice
	for _, i := range same[1:] {
		switch other := im.images[i]; {
		case other.Label != first.Label:
			keep, what = -1, TwoClasses
		case other.Test != first.Test && what != TwoClasses:
			what = TwoSplits
			if other.Test && !im.images[keep].Test {
				keep = i
			}
		}
	}
	for _, i := range same {
		if i == keep {
			continue
		}
		of := im.images[same[0]].Name
		if i == same[0] {
			of = im.images[same[len(same)-1]].Name
		}
		finding := shards.Finding{File: im.images[i].Name, What: what, Detail: "same content as " + of}
		if im.Published || im.set.Raw() {
			im.noted = append(im.noted, finding)
			continue
		}
		im.bad, drop[i] = append(im.bad, finding), true
	}
}

// split makes the first images of each class, in the order of their digests, those for testing.
func (im *importing) split(compare func(a, b int) int) {
	byClass := make([][]int, len(im.set.Classes))
	for _, i := range im.at {
		label := im.images[i].Label
		byClass[label] = append(byClass[label], i)
	}
	for _, class := range byClass {
		slices.SortFunc(class, compare)
		for _, i := range class[:int(TestShare*float64(len(class))+0.5)] {
			im.images[i].Test = true
		}
	}
}

// write decodes the images, and adds them in order.
func (im *importing) write(ctx context.Context, w *shards.Writer) error {
	var decoded [block]*pictures.Picture
	var failed [block]error
	done := 0
	return im.blocks(ctx, func(slot, i int) {
		decoded[slot], failed[slot] = im.decode(i)
	}, func(slot, i int) error {
		if done++; im.Progress != nil {
			im.Progress(done, len(im.at))
		}
		image := im.images[i]
		var fault *pictures.Error
		switch err := failed[slot]; {
		case errors.As(err, &fault):
			im.leaveOut(image.Name, string(fault.Fault), fault.Detail)
			return nil
		case err != nil:
			im.leaveOut(image.Name, Unreadable, err.Error())
			return nil
		}
		p := decoded[slot]
		for _, note := range p.Notes {
			im.noted = append(im.noted, shards.Finding{File: image.Name, What: string(note)})
		}
		im.measure(p)
		return w.Add(image.Test, image.Label, p.Pixels)
	})
}

func (im *importing) decode(i int) (*pictures.Picture, error) {
	content, err := im.set.Read(i)
	if err != nil {
		return nil, err
	}
	if !im.set.Raw() {
		return pictures.Decode(im.images[i].Name, content, im.height)
	}
	p := &pictures.Picture{Pixels: content, Height: im.set.Height, Width: im.set.Width}
	if im.height != im.set.Height || im.width != im.set.Width {
		p.Pixels = pictures.Resize(content, p.Height, p.Width, im.height)
	}
	return p, nil
}

// measure takes note of a picture's size.
func (im *importing) measure(p *pictures.Picture) {
	if im.sizes == nil {
		im.sizes = &shards.Sizes{MinWidth: p.Width, MinHeight: p.Height}
	}
	s := im.sizes
	s.MinWidth, s.MinHeight = min(s.MinWidth, p.Width), min(s.MinHeight, p.Height)
	s.MaxWidth, s.MaxHeight = max(s.MaxWidth, p.Width), max(s.MaxHeight, p.Height)
	if p.Width != im.width || p.Height != im.height {
		s.Resized++
	}
}
