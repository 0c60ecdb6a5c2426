package report

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"strings"

	"github.com/cidbench/cidbench/report/stats"
)

//go:embed page.html
var pageSource string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"verdict": verdictClass,
	"link": func(t *table, row int) string {
		if row < len(t.Links) && t.Rows[row][0] != "" {
			return t.Links[row]
		}
		return ""
	},
}).Parse(pageSource))

// HTML writes a report as one page that loads nothing: style and figures are in it.
func HTML(w io.Writer, r *Report) error {
	var out bytes.Buffer
	if err := page.Execute(&out, struct {
		Report   *Report
		Document document
	}{r, layout(r)}); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

// verdictClass colours a text that carries the label of a verdict; the label itself says the same.
func verdictClass(s string) string {
	for _, v := range []stats.Verdict{stats.Supported, stats.Refuted, stats.Inconclusive, NothingToJudge} {
		if strings.Contains(s, label(v, false)) {
			return "verdict " + class(v)
		}
	}
	return ""
}
