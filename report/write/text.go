// Package write writes documents as text and Markdown, reports as CSV, and models as JSON. It computes nothing.
package write

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// TextOptions fit a report to a terminal.
type TextOptions struct {
	Width   int  // columns; 0 means 80
	Colour  bool // of verdicts, by ANSI escapes
	Details bool // also what other formats fold away, and tables that repeat with more columns what stands elsewhere
}

func (o TextOptions) columns() int { return cmp.Or(o.Width, 80) }

// Sentences writes each as lines that fit.
func Sentences(w io.Writer, all []string, o TextOptions) error {
	var out strings.Builder
	for _, sentence := range all {
		out.WriteString(store.PrintableLines(fill(sentence, "  ", o.columns())))
	}
	_, err := io.WriteString(w, o.painted(out.String()))
	return err
}

// Text writes a document for a terminal.
func Text(w io.Writer, d layout.Document, o TextOptions) error {
	var out bytes.Buffer
	for _, s := range d {
		if len(s.Blocks) > 0 && !slices.ContainsFunc(s.Blocks, onTerminals) {
			continue
		}
		title := fill(s.Title, "", o.columns())
		fmt.Fprintf(&out, "%s%s\n\n", title, strings.Repeat(underline[s.Level], widest(title)))
		for _, b := range s.Blocks {
			if err := textBlock(&out, b, o); err != nil {
				return err
			}
		}
	}
	text := store.PrintableLines(trailing.ReplaceAllString(out.String(), "")) // manifests say what anybody wrote
	_, err := io.WriteString(w, o.painted(text))
	return err
}

func (o TextOptions) painted(text string) string {
	if !o.Colour {
		return text
	}
	return paint.Replace(text)
}

// onTerminals says whether a terminal shows a block, or what is folded in it elsewhere.
func onTerminals(b layout.Block) bool {
	switch b := b.(type) {
	case *layout.Table:
		return !b.Wide
	case layout.Figures, layout.Pictures, layout.Terms:
		return false
	case layout.Folded:
		return onTerminals(b.Block)
	}
	return true
}

func textBlock(out *bytes.Buffer, b layout.Block, o TextOptions) error {
	width := o.columns()
	switch b := b.(type) {
	case layout.Alert:
		fmt.Fprintf(out, "%s\n", fill("!! "+string(b), "!! ", width))
	case layout.Conclusion:
		fmt.Fprintf(out, "%s\n", fill(string(b), "", width))
	case layout.Paragraph:
		fmt.Fprintf(out, "%s\n", fill(string(b), "", width))
	case layout.Quote:
		fmt.Fprintf(out, "%s\n", fill(`"`+string(b)+`"`, " ", width))
	case layout.Reference:
		fmt.Fprintf(out, "%s\n", fill(b.Text+"; "+b.Address, "", width))
	case layout.Answers:
		for _, a := range b {
			out.WriteString(fill(a.Statement, "", width))
			for _, l := range a.Lines {
				out.WriteString("  " + fill(strings.TrimSpace(strings.Join([]string{l.Mark, l.Lead, l.Words}, " ")), "    ", width-2))
			}
			out.WriteByte('\n')
		}
	case *layout.Table:
		if b.Wide && !o.Details || len(b.Rows) == 0 {
			return nil
		}
		drawn, err := fitTable(b, width)
		fmt.Fprintf(out, "%s%s\n", fill(b.Caption, "", width), drawn)
		return err
	case layout.Folded:
		if o.Details {
			return textBlock(out, b.Block, o)
		}
	case layout.Facts:
		for _, f := range b {
			text := f.Name + ": " + f.Text
			filled := fill(text, "    ", width)
			if f.Code && strings.Contains(f.Text, " ") && strings.Count(filled, "\n") > 1 { // a command can be copied as it stands
				filled = strings.ReplaceAll(strings.TrimSuffix(fill(text, "    ", width-2), "\n"), "\n", " \\\n") + "\n"
			}
			out.WriteString(filled)
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
	words.Label(model.NotTestable, false), "\x1b[2m"+words.Label(model.NotTestable, false)+"\x1b[0m",
)

// drawTable draws a table as the renderer does, each text spelled so, numbers aligned right.
func drawTable(w io.Writer, t *layout.Table, spell func(string) string, draw tw.Renderer, options ...tablewriter.Option) error {
	var head []string
	var align []tw.Align
	for _, c := range t.Columns {
		head = append(head, spell(c.Head))
		if c.Number {
			align = append(align, tw.AlignRight)
		} else {
			align = append(align, tw.AlignLeft)
		}
	}
	out := tablewriter.NewTable(w, append([]tablewriter.Option{
		tablewriter.WithRenderer(draw),
		tablewriter.WithHeaderAutoFormat(tw.Off), // it would shout
		tablewriter.WithHeaderAutoWrap(tw.WrapNormal),
		tablewriter.WithAlignment(align),
	}, options...)...)
	out.Header(head)
	for _, row := range t.Rows {
		var cells []string
		for _, cell := range row.Cells {
			cells = append(cells, spell(cell))
		}
		if err := out.Append(cells); err != nil {
			return err
		}
	}
	return out.Render()
}

// JSON writes a report or a comparison as its model, whose fields are documented there and whose schema and
// version stand on top.
func JSON(w io.Writer, value any) error {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	_, err := w.Write(store.PrintableJSON(out.Bytes()))
	return err
}
