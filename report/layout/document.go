// Package layout makes a document of a report: sections of blocks, in which every number is spelled. Writers
// differ only in how they draw it.
package layout

import (
	"slices"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
)

// A Document is a report laid out for reading.
type Document []Section

// Section is a part of a document under a heading.
type Section struct {
	ID     string // for links; unique
	Level  int    // of the heading, 1 to 3
	Title  string
	Link   string // the title in the table of contents, if shorter
	Blocks []Block
}

// with is the section with more blocks.
func (s Section) with(blocks ...Block) Section {
	s.Blocks = append(s.Blocks, blocks...)
	return s
}

// A Block is one of Alert, Paragraph, Quote, Facts, List, *Table, Figures, Pictures and Folded.
type Block interface{ block() }

type (
	// Alert must not be overlooked.
	Alert     string
	Paragraph string
	Quote     string
	Facts     []Fact
	// List is numbered from 1.
	List []string
	// Figures are drawn in HTML only; a table says the same in numbers.
	Figures []*figure.Figure
	// Pictures are images of the data set in rows, in HTML; elsewhere a table, and terminals leave them out.
	Pictures struct {
		Caption string
		Rows    []PictureRow
	}
	// Folded is a block put away under a title; terminals leave it out.
	Folded struct {
		Title string
		Block Block
	}
)

func (Alert) block()     {}
func (Paragraph) block() {}
func (Quote) block()     {}
func (Facts) block()     {}
func (List) block()      {}
func (*Table) block()    {}
func (Figures) block()   {}
func (Pictures) block()  {}
func (Folded) block()    {}

// Fact is a text with a name.
type Fact struct {
	Name, Text string
	Code       bool   // to be copied literally
	Link       string // a section
}

// PictureRow has groups of images with a name, in order.
type PictureRow struct {
	Title  string
	Groups []PictureGroup
}

// PictureGroup is some images that are of one kind.
type PictureGroup struct {
	Name     string
	Pictures []Shown
}

// Shown is a picture with its words: the caption below it, and the alternative text.
type Shown struct {
	model.Picture
	Words, Alt string
}

// figures is a block of those drawings that exist.
func figures(drawn ...*figure.Figure) []Block {
	drawn = slices.DeleteFunc(drawn, func(f *figure.Figure) bool { return f == nil })
	if len(drawn) == 0 {
		return nil
	}
	return []Block{Figures(drawn)}
}

// folded puts blocks away, each under the title.
func folded(title string, blocks []Block) (out []Block) {
	for _, b := range blocks {
		out = append(out, Folded{title, b})
	}
	return out
}
