// Package layout makes a document of a report: sections of blocks, in which every number is spelled. Writers
// differ only in how they draw it.
package layout

import (
	"slices"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// A Document is a report laid out for reading.
type Document []Section

// Section is a part of a document under a heading.
type Section struct {
	// Detail is what is put away until it is asked for: pages fold it, and Markdown leaves it out.
	Detail bool
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

// A Block is one of Alert, Conclusion, Paragraph, Quote, Reference, Answers, Terms, Facts, List, *Table, Figures, Pictures and Folded.
type Block interface{ block() }

type (
	// Alert must not be overlooked.
	Alert string
	// Conclusion is what all comes to, in a sentence or two.
	Conclusion string
	// Paragraph is a text of our own.
	Paragraph string
	// Quote is one of the paper's.
	Quote string
	// Reference is a work with its address.
	Reference struct{ Text, Address string }
	// Answers are what a reader wants to know, in plain words.
	Answers []Answer
	// Terms are a glossary; terminals leave it out.
	Terms []words.Term
	// Facts are texts with names.
	Facts []Fact
	// List is numbered from 1.
	List []string
	// Figures are drawings; terminals leave them out, as tables say the same in numbers.
	Figures []*figure.Figure
	// Pictures are images of the data set in rows, in HTML only.
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

func (Alert) block()      {}
func (Conclusion) block() {}
func (Paragraph) block()  {}
func (Quote) block()      {}
func (Reference) block()  {}
func (Answers) block()    {}
func (Terms) block()      {}
func (Facts) block()      {}
func (List) block()       {}
func (*Table) block()     {}
func (Figures) block()    {}
func (Pictures) block()   {}
func (Folded) block()     {}

// Answer says how the claims of a statement came out.
type Answer struct {
	Statement string
	Lines     []Line
}

// Line is an outcome with the numbers behind it. Mark and Lead may be empty.
type Line struct {
	Mark, Lead, Words string
	Link              string // a section
}

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

// Table has a head and rows of cells.
type Table struct {
	Caption string
	Columns []Column
	Rows    []Row
	// Wide tables repeat with more columns what stands elsewhere; terminals leave them out.
	Wide bool
}

// Column is the head of a column, whether its cells are numbers, which are aligned right, and the tier and temperature of
// what it shows, by which a reader may choose; empty for any. Of a cell with several lines the first is what counts.
type Column struct {
	Head        string
	Number      bool
	Tier        string
	Temperature string
}

// Row has a cell for each column.
type Row struct {
	Cells []string
	Link  string // the section that the first cell points to; may be empty
	Small string // below the first cell; may be empty
}

// Shows is a column of what it shows of each T.
type Shows[T any] struct {
	Column
	Cell func(T) string
}

// Text is a column of words.
func Text[T any](head string, cell func(T) string) Shows[T] {
	return Shows[T]{Column{Head: head}, cell}
}

// Number is a column of numbers.
func Number[T any](head string, cell func(T) string) Shows[T] {
	return Shows[T]{Column{Head: head, Number: true}, cell}
}

// Tabulate makes a table with a row for each of the elements.
func Tabulate[T any](caption string, elements []T, columns ...Shows[T]) *Table {
	t := &Table{Caption: caption}
	for _, c := range columns {
		t.Columns = append(t.Columns, c.Column)
	}
	for _, x := range elements {
		row := Row{}
		for _, c := range columns {
			row.Cells = append(row.Cells, c.Cell(x))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// Member is an element of a group, of which only the first shows what belongs to all.
type Member[G, T any] struct {
	Group G
	Of    T
	First bool
}

// Members lists the elements of all groups.
func Members[G, T any](groups []G, of func(*G) []T) (all []Member[G, T]) {
	for _, g := range groups {
		for i, x := range of(&g) {
			all = append(all, Member[G, T]{g, x, i == 0})
		}
	}
	return all
}

// Once is the cell of a group, in its first row alone.
func Once[G, T any](cell func(G) string) func(Member[G, T]) string {
	return func(x Member[G, T]) string {
		if !x.First {
			return ""
		}
		return cell(x.Group)
	}
}

// wide marks a table as one that terminals leave out.
func wide(t *Table) *Table {
	t.Wide = true
	return t
}
