// Package icons makes a data set of pictures that many hands drew of the same things: icons of the npm package
// @iconify/json whose names are nouns, by 115 classes of WordNet. It chooses icons by licence, name and class, has them
// rendered, places them as small grey images, leaves out what is nearly the same drawing twice, and divides what is left
// by families of sets, so that no hand is in two parts. Everything random has a fixed seed: the same packages give the
// same bytes.
//
// What it writes are idx files with their sources, which `cidbench data import` takes. Nothing here is needed to train,
// and node only to render.
package icons

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/dataset"
)

// Package and Renderer are what npm brings, and Rendered is the digest of all icons that are rendered of them.
const (
	Package  = "@iconify/json 2.2.535"
	Renderer = "@resvg/resvg-js 2.6.2"
	Rendered = "sha256:4dd229de36797c65aebde18c094d14695707f88e35e3e29507d3c68fb459f589"
)

// An Icon is a drawing of a class.
type Icon struct {
	Set, Name string
	Label     int32
	svg       string
}

// ID is the icon's name among all sets.
func (i Icon) ID() string { return i.Set + ":" + i.Name }

// Render turns SVGs, as many as there are, into renders [renderSide, renderSide], grey, 0 black, and hands each over in
// order; nil is one of which the renderer makes nothing.
type Render func(ctx context.Context, svgs []string, take func(i int, grey []uint8) error) error

// Options say what is made of what.
type Options struct {
	Dir     string // of @iconify/json
	Classes []Class
	Render  Render
	// Rendered is what the digest of the renders must be, empty if any will do.
	Rendered string
}

// A Picture is an icon as it is learned from, and as it is compared with others.
type Picture struct {
	Icon
	Pixels  []uint8   // [Side, Side], grey
	drawing []float32 // see twins.go
}

// Counts say what became of the icons.
type Counts struct {
	Named          int            // whose name is one of a class, in sets that may be used
	Rendered       int            // at most so many of a set and class
	Left           map[string]int // left out after that, by reason
	Sets, Families int
	Twins          []Twins
}

// Build makes the data set. Errors: dataset.ErrFiles if the package is not what it should be, dataset.ErrDigest if the
// renders are not.
func Build(ctx context.Context, o Options) (*Set, error) {
	collections, err := readCollections(o.Dir)
	if err != nil {
		return nil, err
	}
	chosen, named, err := choose(o.Dir, collections, o.Classes)
	if err != nil {
		return nil, err
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("%w: %s has no icon of a class", dataset.ErrFiles, o.Dir)
	}
	pictures, digest, err := draw(ctx, o.Render, chosen)
	if err != nil {
		return nil, err
	}
	if o.Rendered != "" && digest != o.Rendered {
		return nil, fmt.Errorf("%w: the %d renders make %s, not %s: are the packages others than %s and %s, or does this platform render otherwise?",
			dataset.ErrDigest, len(chosen), digest, o.Rendered, Package, Renderer)
	}
	s := &Set{Classes: o.Classes, Digest: digest, collections: collections}
	s.Counts = Counts{Named: named, Rendered: len(chosen), Left: map[string]int{}}
	pictures = s.drop(pictures, blank(pictures), "nothing is drawn")
	pictures = s.drop(pictures, inTwoClasses(pictures), "the same drawing in two classes")
	families := familiesOf(pictures, collections)
	pictures = s.drop(pictures, twins(pictures), "nearly another of its class")
	if err := s.divide(pictures, families); err != nil {
		return nil, err
	}
	s.Counts.Twins = s.remaining()
	return s, nil
}

func (s *Set) drop(pictures []Picture, out map[int]bool, reason string) []Picture {
	s.Counts.Left[reason] = len(out)
	kept := pictures[:0:0]
	for i, p := range pictures {
		if !out[i] {
			kept = append(kept, p)
		}
	}
	return kept
}

// draw renders the icons and places them.
func draw(ctx context.Context, render Render, chosen []Icon) ([]Picture, string, error) {
	svgs := make([]string, len(chosen))
	for i, icon := range chosen {
		svgs[i] = icon.svg
	}
	pictures, h := make([]Picture, 0, len(chosen)), sha256.New()
	err := render(ctx, svgs, func(i int, grey []uint8) error {
		if i != len(pictures) || grey != nil && len(grey) != renderSide*renderSide {
			return errors.New("renders come out of order, or with another size")
		}
		p := Picture{Icon: chosen[i]}
		fmt.Fprintf(h, "%s %d\n", p.ID(), len(grey))
		h.Write(grey)
		if grey != nil {
			p.drawing = drawing(grey)
		}
		if p.drawing != nil {
			p.Pixels = place(grey, p.ID())
		}
		pictures = append(pictures, p)
		return nil
	})
	if err == nil && len(pictures) != len(chosen) {
		err = fmt.Errorf("%d of %d icons were rendered", len(pictures), len(chosen))
	}
	return pictures, "sha256:" + hex.EncodeToString(h.Sum(nil)), err
}

// blank are those with next to nothing on them, or that the renderer could not draw.
func blank(pictures []Picture) map[int]bool {
	out := map[int]bool{}
	for i, p := range pictures {
		if p.drawing == nil {
			out[i] = true
		}
	}
	return out
}

// byID orders pictures by class, and in it by name.
func byID(a, b Picture) int {
	if a.Label != b.Label {
		return int(a.Label - b.Label)
	}
	return strings.Compare(a.ID(), b.ID())
}

func sorted(pictures []Picture) []Picture { return slices.SortedFunc(slices.Values(pictures), byID) }
