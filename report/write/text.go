// Package write writes documents as text and Markdown, reports as CSV, and models as JSON. It computes nothing.
package write

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// TextOptions fit a report to a terminal.
type TextOptions struct {
	Width  int  // columns; 0 means 160, at which no cell of the tables wraps for sentences and as many as it takes for tables
	Colour bool // of verdicts, by ANSI escapes
}

// Text writes a document for a terminal. Details, such as the runs of each claim, are left to the other
// formats.
func Text(w io.Writer, d layout.Document, o TextOptions) error {
	var out bytes.Buffer
	for _, s := range d {
		fmt.Fprintf(&out, "%s\n%s\n\n", s.Title, strings.Repeat(underline[s.Level], len([]rune(s.Title))))
		for _, b := range s.Blocks {
			if err := textBlock(&out, b, o.Width); err != nil {
				return err
			}
		}
	}
	text := trailing.ReplaceAllString(out.String(), "")
	if o.Colour {
		text = paint.Replace(text)
	}
	_, err := io.WriteString(w, text)
	return err
}

func textBlock(out *bytes.Buffer, b layout.Block, columns int) error {
	width := cmp.Or(columns, 160)
	switch b := b.(type) {
	case layout.Alert:
		fmt.Fprintf(out, "%s\n", fill("!! "+string(b), "!! ", width))
	case layout.Paragraph:
		fmt.Fprintf(out, "%s\n", fill(string(b), "", width))
	case layout.Quote:
		fmt.Fprintf(out, "%s\n", fill(`"`+string(b)+`"`, " ", width))
	case *layout.Table:
		if b.Wide {
			return nil
		}
		drawn, err := fitTable(b, columns)
		fmt.Fprintf(out, "%s%s\n", fill(b.Caption, "", width), drawn)
		return err
	case layout.Facts:
		for _, f := range b {
			out.WriteString(fill(f.Name+": "+f.Text, "    ", width))
		}
		out.WriteByte('\n')
	case layout.List:
		for i, item := range b {
			out.WriteString(fill(fmt.Sprintf("[%d] %s", i+1, item), "    ", width))
		}
		out.WriteByte('\n')
	}
	return nil
}

var trailing = regexp.MustCompile(`(?m) +$`)

var underline = map[int]string{1: "=", 2: "-", 3: "-"}

// paint colours the labels of verdicts, wherever they stand. Every label has a mark, so nothing is lost
// without colour.
var paint = strings.NewReplacer(
	words.Label(stats.Supported, false), "\x1b[32m"+words.Label(stats.Supported, false)+"\x1b[0m",
	words.Label(stats.Refuted, false), "\x1b[31m"+words.Label(stats.Refuted, false)+"\x1b[0m",
	words.Label(stats.Inconclusive, false), "\x1b[33m"+words.Label(stats.Inconclusive, false)+"\x1b[0m",
	words.Label(model.NothingToJudge, false), "\x1b[2m"+words.Label(model.NothingToJudge, false)+"\x1b[0m",
)

// fill breaks text into lines of at most width runes where words allow it, all but the first indented.
func fill(text, indent string, width int) string {
	var out strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case column == 0:
		case column+1+n > width:
			out.WriteString("\n" + indent)
			column = len(indent)
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += n
	}
	return out.String() + "\n"
}
