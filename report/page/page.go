// Package page writes documents as HTML.
package page

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"strings"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

//go:embed page.html
var pageSource string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"verdict": verdictClass,
	"class":   cellClass,
	"source": func(p model.Picture) template.URL {
		return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(p.PNG))
	},
}).Parse(pageSource))

// HTML writes a document as one page that loads nothing: style, figures and images are in it.
func HTML(w io.Writer, title string, d layout.Document) error {
	var out bytes.Buffer
	if err := page.Execute(&out, struct {
		Title    string
		Document layout.Document
	}{title, d}); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

// cellClass says how a cell of a table looks: numbers to the right, verdicts in colour, and what is long in more than
// one line.
func cellClass(c layout.Column, cell string) string {
	const long = 25 // runes
	class := verdictClass(cell)
	switch {
	case c.Number:
		return "number"
	case len([]rune(cell)) > long:
		return strings.TrimSpace(class + " long")
	}
	return class
}

// verdictClass colours a text that carries the label of a verdict; the label itself says the same.
func verdictClass(s string) string {
	for _, v := range []stats.Verdict{stats.Supported, stats.Refuted, stats.Inconclusive, model.NothingToJudge, model.NotAsAsked, model.NotTestable} {
		if strings.Contains(s, words.Label(v, false)) {
			return "verdict " + figure.VerdictClass(v)
		}
	}
	return ""
}
