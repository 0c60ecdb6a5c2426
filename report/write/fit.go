package write

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/cidbench/cidbench/report/layout"
)

// How text fits a width: sentences break between words; a table that is too wide has its cells wrapped, and where no
// width is left for that, each of its rows becomes a paragraph.

// fill breaks text into lines of at most width runes, all but the first indented: between words, and within those that
// are longer than a line.
func fill(text, indent string, width int) string {
	var out strings.Builder
	column := 0
	breakLine := func() {
		out.WriteString("\n" + indent)
		column = len(indent)
	}
	for _, word := range strings.Fields(text) {
		rest := []rune(word)
		if column > 0 && column+1+len(rest) <= width {
			out.WriteByte(' ')
			column++
		} else if column > 0 {
			breakLine()
		}
		for len(rest) > width-column && width > len(indent) {
			out.WriteString(string(rest[:width-column]))
			rest = rest[width-column:]
			breakLine()
		}
		out.WriteString(string(rest))
		column += len(rest)
	}
	return out.String() + "\n"
}

// widest is the width of the longest line.
func widest(text string) (width int) {
	for line := range strings.Lines(text) {
		width = max(width, utf8.RuneCountInString(strings.TrimRight(line, " \n")))
	}
	return width
}

// terminal draws no lines but the one under the head.
var terminal = tw.Rendition{
	Borders: tw.BorderNone,
	Symbols: tw.NewSymbols(tw.StyleASCII),
	Settings: tw.Settings{
		Separators: tw.Separators{BetweenRows: tw.Off, BetweenColumns: tw.Off},
		Lines:      tw.Lines{ShowHeaderLine: tw.On, ShowTop: tw.Off, ShowBottom: tw.Off},
	},
}

// fitTable draws a table in a width.
func fitTable(t *layout.Table, width int) (string, error) {
	draw := func(t *layout.Table) (string, error) {
		var out bytes.Buffer
		err := drawTable(&out, t, func(s string) string { return s }, renderer.NewBlueprint(terminal))
		return out.String(), err
	}
	natural, err := draw(t)
	if err != nil || widest(natural) <= width {
		return natural, err
	}
	if narrow, ok := wrapped(t, width); ok {
		if drawn, err := draw(narrow); err != nil || widest(drawn) <= width {
			return drawn, err
		}
	}
	return stacked(t, width), nil
}

const (
	between   = 2  // columns of a table stand that far apart
	leastCell = 16 // the width that a cell of words keeps when it is wrapped
)

// wrapped is a table whose cells of words are wrapped so that it fits, if each keeps some width.
func wrapped(t *layout.Table, width int) (*layout.Table, bool) {
	widths, total := make([]int, len(t.Columns)), between*len(t.Columns)
	for i, c := range t.Columns {
		widths[i] = widest(c.Head)
		for _, row := range t.Rows {
			widths[i] = max(widths[i], widest(row.Cells[i]))
		}
		total += widths[i]
	}
	for total > width { // the widest gives way
		at := -1
		for i, c := range t.Columns {
			if !c.Number && widths[i] > leastCell && (at < 0 || widths[i] > widths[at]) {
				at = i
			}
		}
		if at < 0 {
			return nil, false
		}
		widths[at]--
		total--
	}
	wrap := func(text string, i int) string {
		var lines []string
		for line := range strings.SplitSeq(text, "\n") {
			lines = append(lines, strings.TrimSuffix(fill(line, "", widths[i]), "\n"))
		}
		return strings.Join(lines, "\n")
	}
	narrow := &layout.Table{}
	for i, c := range t.Columns {
		c.Head = wrap(c.Head, i)
		narrow.Columns = append(narrow.Columns, c)
	}
	for _, row := range t.Rows {
		var cells []string
		for i, cell := range row.Cells {
			cells = append(cells, wrap(cell, i))
		}
		narrow.Rows = append(narrow.Rows, layout.Row{Cells: cells})
	}
	return narrow, true
}

// stacked writes each row as a paragraph: its first cell, and below it the others with the heads of their columns. What
// belongs to several rows stands in the first of them.
func stacked(t *layout.Table, width int) string {
	var out strings.Builder
	out.WriteByte('\n')
	for _, row := range t.Rows {
		if row.Cells[0] != "" {
			out.WriteString(fill(row.Cells[0], "  ", width))
		}
		var said []string
		for i, cell := range row.Cells {
			if i > 0 && cell != "" {
				said = append(said, strings.ToLower(t.Columns[i].Head[:1])+t.Columns[i].Head[1:]+": "+cell)
			}
		}
		out.WriteString("  " + fill(strings.Join(said, "; "), "    ", width-2))
	}
	return out.String()
}
