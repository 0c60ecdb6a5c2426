package write

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/words"
)

// Beside says where files are that a Markdown report links to, as seen from it. What is empty is not there.
type Beside struct {
	Figures string // folder; a figure is ID.svg in it
	Full    string // the report in HTML, with all details
	Tiers   []Tier // the same of the tiers that stand beside the first
}

// Tier is the report of one tier in a file.
type Tier struct{ ID, Full string }

// Markdown writes the summary of a document, all but its details, as a file such as RESULTS.md, in GitHub's dialect.
func Markdown(w io.Writer, d layout.Document, beside Beside) error {
	m := markdown{beside: beside}
	var left []string
	for _, s := range d {
		switch {
		case !s.Detail:
			m.section(s)
		case s.Level == 2:
			left = append(left, s.Title)
		}
	}
	if len(left) > 0 {
		m.section(layout.Section{Level: 2, Title: "Everything in detail"})
		full := "the report in HTML (`--format html`)"
		if beside.Full != "" {
			full = fmt.Sprintf("[the full report](%s) (a file to open in a browser)", beside.Full)
		}
		fmt.Fprintf(&m, "In %s: %s.", full, words.Joined(left, "; ", escape))
		for _, t := range beside.Tiers {
			fmt.Fprintf(&m, " Tier %s has [one of its own](%s).", escape(t.ID), t.Full)
		}
		m.WriteString(" All numbers are in CSV and JSON, too (`--format csv`, `--format json`).\n")
	}
	_, err := w.Write(m.Bytes())
	return err
}

// Drawn lists the figures that Markdown shows.
func Drawn(d layout.Document) (all []*figure.Figure) {
	for _, s := range d {
		for _, b := range s.Blocks {
			if drawn, ok := b.(layout.Figures); ok && !s.Detail {
				all = append(all, drawn...)
			}
		}
	}
	return all
}

type markdown struct {
	bytes.Buffer
	beside Beside
}

func (m *markdown) section(s layout.Section) {
	fmt.Fprintf(m, "%s %s\n\n", strings.Repeat("#", s.Level), escape(s.Title))
	for _, b := range s.Blocks {
		m.block(b)
	}
}

func (m *markdown) block(b layout.Block) {
	switch b := b.(type) {
	case layout.Alert:
		fmt.Fprintf(m, "> [!WARNING]\n> %s\n\n", escape(string(b)))
	case layout.Conclusion:
		fmt.Fprintf(m, "%s\n\n", strong(string(b)))
	case layout.Paragraph:
		fmt.Fprintf(m, "%s\n\n", escape(string(b)))
	case layout.Quote:
		fmt.Fprintf(m, "> %s\n\n", escape(string(b)))
	case layout.Reference:
		fmt.Fprintf(m, "%s: <%s>\n\n", escape(b.Text), b.Address)
	case layout.Answers:
		for _, a := range b {
			fmt.Fprintf(m, "*%s*\n", escape(a.Statement))
			for _, l := range a.Lines {
				fmt.Fprintf(m, "- %s\n", strings.Join(strings.Fields(escape(l.Mark)+" "+strong(l.Lead)+" "+escape(l.Words)), " "))
			}
			m.WriteByte('\n')
		}
	case *layout.Table:
		m.table(b)
	case layout.Facts:
		for _, f := range b {
			text := escape(f.Text)
			if f.Code && f.Text != "" {
				text = "`" + f.Text + "`"
			}
			fmt.Fprintf(m, "- **%s**: %s\n", escape(f.Name), text)
		}
		m.WriteByte('\n')
	case layout.Terms:
		for _, t := range b {
			fmt.Fprintf(m, "- **%s**: %s\n", escape(t.Name), escape(t.Text))
		}
		m.WriteByte('\n')
	case layout.List:
		for i, item := range b {
			fmt.Fprintf(m, "%d. %s\n", i+1, escape(item))
		}
		m.WriteByte('\n')
	case layout.Figures:
		if m.beside.Figures == "" {
			return
		}
		for _, f := range b {
			fmt.Fprintf(m, "**%s**\n\n<img src=\"%s\" width=\"560\" alt=\"%s\">\n\n", escape(f.Title), path.Join(m.beside.Figures, f.ID+".svg"), quoted.Replace(words.OneLine(f.Description)))
		}
	case layout.Folded:
		switch b.Block.(type) {
		case layout.Figures, layout.Pictures:
			return
		}
		fmt.Fprintf(m, "<details><summary>%s</summary>\n\n", escape(b.Title))
		m.block(b.Block)
		m.WriteString("</details>\n\n")
	}
}

func strong(s string) string {
	if s == "" {
		return ""
	}
	return "**" + escape(s) + "**"
}

func (m *markdown) table(t *layout.Table) {
	fmt.Fprintf(m, "%s\n\n", escape(t.Caption))
	row := func(cells []string) { fmt.Fprintf(m, "| %s |\n", strings.Join(cells, " | ")) }
	var head, rule []string
	for _, c := range t.Columns {
		head = append(head, escape(c.Head))
		if c.Number {
			rule = append(rule, "--:")
		} else {
			rule = append(rule, ":--")
		}
	}
	row(head)
	row(rule)
	for _, r := range t.Rows {
		var cells []string
		for i, cell := range r.Cells {
			first, rest, _ := strings.Cut(cell, "\n")
			text := escape(first)
			if rest != "" {
				text += "<br>" + escape(rest)
			}
			if i == 0 && r.Small != "" {
				text += "<br><sub>" + escape(r.Small) + "</sub>"
			}
			cells = append(cells, text)
		}
		row(cells)
	}
	m.WriteByte('\n')
}

// escape keeps text, some of it from failed runs, from becoming markup.
func escape(s string) string { return special.Replace(words.OneLine(s)) }

var special = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "|", `\|`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
)

// quoted is for attributes.
var quoted = strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;", ">", "&gt;")
