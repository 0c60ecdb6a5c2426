// Package svg draws figures: inside a page, whose style it gives, or as files that carry their style with them. Both
// follow the reader's choice of light or dark.
package svg

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"

	"github.com/cidbench/cidbench/report/figure"
)

// Style has the colours of a report, and the looks of figures.
//
//go:embed style.css
var Style template.CSS

//go:embed figure.svg
var source string

var drawing = template.Must(template.New("figure").Funcs(template.FuncMap{"style": func() template.CSS { return Style }}).Parse(source))

// placed is a figure in a page, or alone in a file.
type placed struct {
	*figure.Figure
	Alone *figure.Figure
}

// Inside draws a figure for a page that has Style.
func Inside(f *figure.Figure) (template.HTML, error) {
	var out bytes.Buffer
	err := drawing.Execute(&out, placed{Figure: f})
	return template.HTML(out.String()), err
}

// File writes a figure that is a file of its own, on a sheet of its own colour: what shows it may be light where the
// reader's machine is dark.
func File(w io.Writer, f *figure.Figure) error {
	var out bytes.Buffer
	if err := drawing.Execute(&out, placed{f, f}); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}
