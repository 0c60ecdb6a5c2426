package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/olekukonko/tablewriter/renderer"
)

// Markdown writes a report as a file such as RESULTS.md, in GitHub's dialect.
func Markdown(w io.Writer, r *Report) error { return writeMarkdown(w, layout(r)) }

func writeMarkdown(w io.Writer, d document) error {
	var out bytes.Buffer
	for _, s := range d {
		fmt.Fprintf(&out, "%s %s\n\n", strings.Repeat("#", s.Level), escape(s.Title))
		for _, b := range s.Blocks {
			if b.Figures != nil {
				continue
			}
			if b.Pictures != nil {
				b.Detail, b.Table = cmp.Or(b.Detail, "Images, in words"), b.Pictures.table()
			}
			if b.Detail != "" {
				fmt.Fprintf(&out, "<details><summary>%s</summary>\n\n", escape(b.Detail))
			}
			switch {
			case b.Alert != "":
				fmt.Fprintf(&out, "> [!WARNING]\n> %s\n\n", escape(b.Alert))
			case b.Text != "":
				fmt.Fprintf(&out, "%s\n\n", escape(b.Text))
			case b.Quote != "":
				fmt.Fprintf(&out, "> %s\n\n", escape(b.Quote))
			case b.Table != nil:
				fmt.Fprintf(&out, "%s\n\n", escape(b.Table.Caption))
				if err := drawTable(&out, escaped(b.Table), renderer.NewMarkdown()); err != nil {
					return err
				}
				out.WriteByte('\n')
			}
			for _, f := range b.Facts {
				text := escape(f.Text)
				switch {
				case f.Code && f.Text != "":
					text = "`" + f.Text + "`"
				case f.Link != "":
					text = fmt.Sprintf("[%s](#%s)", text, anchor(d, f.Link))
				}
				fmt.Fprintf(&out, "- **%s**: %s\n", escape(f.Name), text)
			}
			for i, item := range b.List {
				fmt.Fprintf(&out, "%d. %s\n", i+1, escape(item))
			}
			if len(b.Facts)+len(b.List) > 0 {
				out.WriteByte('\n')
			}
			if b.Detail != "" {
				out.WriteString("</details>\n\n")
			}
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// anchor is GitHub's name of a section: its title in lower case, without punctuation, spaces as dashes.
func anchor(d document, id string) string {
	i := slices.IndexFunc(d, func(s section) bool { return s.ID == id })
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, d[i].Title)
}

// escape keeps text, some of it from failed runs, from becoming markup.
func escape(s string) string { return special.Replace(oneLine(s)) }

var special = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "|", `\|`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
)

func escaped(t *table) *table {
	cells := func(row []string) (out []string) {
		for _, cell := range row {
			out = append(out, escape(cell))
		}
		return out
	}
	out := &table{Head: cells(t.Head), Numbers: t.Numbers}
	for _, row := range t.Rows {
		out.Rows = append(out.Rows, cells(row))
	}
	return out
}
