package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/cidbench/cidbench/report/stats"
)

// TextOptions fit a report to a terminal.
type TextOptions struct {
	Width  int  // columns; 0 means 160, at which no cell of the tables wraps for sentences and as many as it takes for tables
	Colour bool // of verdicts, by ANSI escapes
}

// Text writes a report for a terminal. Details, such as the runs of each claim, are left to the other
// formats.
func Text(w io.Writer, r *Report, o TextOptions) error { return writeText(w, layout(r), o) }

// AnalysesText writes what a report says of embeddings alone.
func AnalysesText(w io.Writer, r *Report, o TextOptions) error {
	return writeText(w, document{analysesSection(r)}, o)
}

func writeText(w io.Writer, d document, o TextOptions) error {
	width := cmp.Or(o.Width, 160)
	var out bytes.Buffer
	for _, s := range d {
		fmt.Fprintf(&out, "%s\n%s\n\n", s.Title, strings.Repeat(underline[s.Level], len([]rune(s.Title))))
		for _, b := range s.Blocks {
			if b.Detail != "" || b.Wide || b.Pictures != nil {
				continue
			}
			switch {
			case b.Alert != "":
				fmt.Fprintf(&out, "%s\n", fill("!! "+b.Alert, "!! ", width))
			case b.Text != "":
				fmt.Fprintf(&out, "%s\n", fill(b.Text, "", width))
			case b.Quote != "":
				fmt.Fprintf(&out, "%s\n", fill(`"`+b.Quote+`"`, " ", width))
			case b.Table != nil:
				fmt.Fprintf(&out, "%s", fill(b.Table.Caption, "", width))
				drawn, err := fitTable(b.Table, o.Width)
				if err != nil {
					return err
				}
				fmt.Fprintf(&out, "%s\n", drawn)
			}
			for _, f := range b.Facts {
				out.WriteString(fill(f.Name+": "+f.Text, "    ", width))
			}
			for i, item := range b.List {
				out.WriteString(fill(fmt.Sprintf("[%d] %s", i+1, item), "    ", width))
			}
			if len(b.Facts)+len(b.List) > 0 {
				out.WriteByte('\n')
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

var trailing = regexp.MustCompile(`(?m) +$`)

var underline = map[int]string{1: "=", 2: "-", 3: "-"}

// paint colours the labels of verdicts, wherever they stand. Every label has a mark, so nothing is lost
// without colour.
var paint = strings.NewReplacer(
	label(stats.Supported, false), "\x1b[32m"+label(stats.Supported, false)+"\x1b[0m",
	label(stats.Refuted, false), "\x1b[31m"+label(stats.Refuted, false)+"\x1b[0m",
	label(stats.Inconclusive, false), "\x1b[33m"+label(stats.Inconclusive, false)+"\x1b[0m",
	label(NothingToJudge, false), "\x1b[2m"+label(NothingToJudge, false)+"\x1b[0m",
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

// terminal draws no lines but the one under the head.
var terminal = tw.Rendition{
	Borders: tw.BorderNone,
	Symbols: tw.NewSymbols(tw.StyleASCII),
	Settings: tw.Settings{
		Separators: tw.Separators{BetweenRows: tw.Off, BetweenColumns: tw.Off},
		Lines:      tw.Lines{ShowHeaderLine: tw.On, ShowTop: tw.Off, ShowBottom: tw.Off},
	},
}

// fitTable wraps the cells of a table that is wider than width, unless that is 0.
func fitTable(t *table, width int) (string, error) {
	var natural, wrapped bytes.Buffer
	if err := drawTable(&natural, t, renderer.NewBlueprint(terminal)); err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(natural.String(), "\n")
	if width == 0 || len([]rune(strings.TrimRight(first, " "))) <= width {
		return natural.String(), nil
	}
	err := drawTable(&wrapped, t, renderer.NewBlueprint(terminal), tablewriter.WithMaxWidth(width))
	return wrapped.String(), err
}

// drawTable draws a table as the renderer does, numbers aligned right.
func drawTable(w io.Writer, t *table, draw tw.Renderer, options ...tablewriter.Option) error {
	align := make([]tw.Align, len(t.Head))
	for i := range align {
		align[i] = tw.AlignLeft
		if t.Numbers[i] {
			align[i] = tw.AlignRight
		}
	}
	out := tablewriter.NewTable(w, append([]tablewriter.Option{
		tablewriter.WithRenderer(draw),
		tablewriter.WithHeaderAutoFormat(tw.Off), // it would shout
		tablewriter.WithHeaderAutoWrap(tw.WrapNormal),
		tablewriter.WithAlignment(align),
	}, options...)...)
	out.Header(t.Head)
	if err := out.Bulk(t.Rows); err != nil {
		return err
	}
	return out.Render()
}
