package report

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"strings"

	"github.com/cidbench/cidbench/report/stats"
)

//go:embed page.html
var pageSource string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"verdict": verdictClass,
	"class":   cellClass,
	"link": func(t *table, row int) string {
		if row < len(t.Links) && t.Rows[row][0] != "" {
			return t.Links[row]
		}
		return ""
	},
	"source": func(p Picture) template.URL {
		return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(p.PNG))
	},
}).Parse(pageSource))

// HTML writes a report as one page that loads nothing: style, figures and images are in it.
func HTML(w io.Writer, r *Report) error { return writeHTML(w, r.Tier.ID, layout(r)) }

func writeHTML(w io.Writer, title string, d document) error {
	var out bytes.Buffer
	if err := page.Execute(&out, struct {
		Title    string
		Document document
	}{title, d}); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

// cellClass says how a cell of a table looks: numbers to the right, verdicts in colour, and sentences in more
// than one line.
func cellClass(t *table, column int, cell string) string {
	const sentence = 30 // runes
	switch {
	case t.Numbers[column]:
		return "number"
	case len([]rune(cell)) > sentence && verdictClass(cell) == "":
		return "long"
	}
	return verdictClass(cell)
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
