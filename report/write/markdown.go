package write

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/olekukonko/tablewriter/renderer"

	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/words"
)

// Markdown writes a document as a file such as RESULTS.md, in GitHub's dialect.
func Markdown(w io.Writer, d layout.Document) error {
	var out bytes.Buffer
	for _, s := range d {
		fmt.Fprintf(&out, "%s %s\n\n", strings.Repeat("#", s.Level), escape(s.Title))
		for _, b := range s.Blocks {
			if err := markdownBlock(&out, b, d); err != nil {
				return err
			}
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

func markdownBlock(out *bytes.Buffer, b layout.Block, d layout.Document) error {
	switch b := b.(type) {
	case layout.Alert:
		fmt.Fprintf(out, "> [!WARNING]\n> %s\n\n", escape(string(b)))
	case layout.Paragraph:
		fmt.Fprintf(out, "%s\n\n", escape(string(b)))
	case layout.Quote:
		fmt.Fprintf(out, "> %s\n\n", escape(string(b)))
	case *layout.Table:
		fmt.Fprintf(out, "%s\n\n", escape(b.Caption))
		err := drawTable(out, b, escape, renderer.NewMarkdown())
		out.WriteByte('\n')
		return err
	case layout.Facts:
		for _, f := range b {
			text := escape(f.Text)
			switch {
			case f.Code && f.Text != "":
				text = "`" + f.Text + "`"
			case f.Link != "":
				text = fmt.Sprintf("[%s](#%s)", text, anchor(d, f.Link))
			}
			fmt.Fprintf(out, "- **%s**: %s\n", escape(f.Name), text)
		}
		out.WriteByte('\n')
	case layout.List:
		for i, item := range b {
			fmt.Fprintf(out, "%d. %s\n", i+1, escape(item))
		}
		out.WriteByte('\n')
	case layout.Pictures:
		return markdownBlock(out, layout.Folded{Title: "Images, in words", Block: b}, d)
	case layout.Folded:
		inside := b.Block
		switch pictures := inside.(type) {
		case layout.Figures:
			return nil
		case layout.Pictures:
			inside = pictures.Table()
		}
		fmt.Fprintf(out, "<details><summary>%s</summary>\n\n", escape(b.Title))
		err := markdownBlock(out, inside, d)
		out.WriteString("</details>\n\n")
		return err
	}
	return nil
}

// anchor is GitHub's name of a section: its title in lower case, without punctuation, spaces as dashes.
func anchor(d layout.Document, id string) string {
	i := slices.IndexFunc(d, func(s layout.Section) bool { return s.ID == id })
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
func escape(s string) string { return special.Replace(words.OneLine(s)) }

var special = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "|", `\|`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
)
