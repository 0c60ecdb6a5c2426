// Package page writes documents as HTML.
package page

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/base64"
	"html"
	"html/template"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/svg"
	"github.com/cidbench/cidbench/report/words"
)

var (
	//go:embed page.html
	source string
	//go:embed page.css
	style template.CSS
	//go:embed page.js
	script string
)

// part is a section with the claims below it.
type part struct {
	layout.Section
	Claims []layout.Section
}

// HTML writes a document as one page that loads nothing: style, script, figures and images are in it.
func HTML(w io.Writer, title string, d layout.Document) error {
	var parts []part
	var glossary layout.Terms
	for _, s := range d {
		if last := len(parts) - 1; s.Level == 3 {
			parts[last].Claims = append(parts[last].Claims, s)
		} else {
			parts = append(parts, part{Section: s})
		}
		for _, b := range s.Blocks {
			if terms, ok := b.(layout.Terms); ok {
				glossary = terms
			}
		}
	}
	mentioned := mentions(glossary)
	page, err := template.New("page").Funcs(template.FuncMap{
		"verdict": verdictClass, "mark": markClass, "class": cellClass, "drawing": svg.Inside,
		"head":      func(s string) template.HTML { return explained(s, glossary) },
		"explainer": func() func(string) template.HTML { return explaining(glossary, mentioned) },
		"cards": func(t *layout.Table) bool {
			return slices.ContainsFunc(t.Columns, func(c layout.Column) bool { return c.Temperature != "" })
		},
		"lines": func(s string) []string { return strings.Split(s, "\n") },
		"source": func(p model.Picture) template.URL {
			return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(p.PNG))
		},
	}).Parse(source)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := page.Execute(&out, struct {
		Title          string
		Colours, Style template.CSS
		Script         template.JS
		Parts          []part
	}{title, svg.Style, style, template.JS("//<![CDATA[\n" + script + "//]]>"), parts}); err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

// explained is a name with a link to what explains it. The script shows that to a pointer that rests on the link.
func explained(name string, glossary []words.Term) template.HTML {
	for _, t := range glossary {
		if slices.Contains(t.Heads, name) {
			return template.HTML(link(t, name))
		}
	}
	return template.HTML(html.EscapeString(name))
}

// mentions matches the phrases of each term, as whole words that are no part of a name or a flag.
func mentions(glossary []words.Term) (all []*regexp.Regexp) {
	for _, t := range glossary {
		phrases := words.Joined(t.Phrases, "|", regexp.QuoteMeta)
		all = append(all, regexp.MustCompile(`(?:^|[^-\w])(`+phrases+`)(?:[^-\w]|$)`))
	}
	return all
}

// explaining returns what gives the first mention of each term such a link, in all the texts of a block together.
func explaining(glossary []words.Term, mentioned []*regexp.Regexp) func(string) template.HTML {
	linked := map[string]bool{}
	return func(text string) template.HTML {
		type mention struct {
			from, to int
			term     words.Term
		}
		var all []mention
		for i, t := range glossary {
			if at := mentioned[i].FindStringSubmatchIndex(text); at != nil && !linked[t.ID] && len(t.Phrases) > 0 {
				all = append(all, mention{at[2], at[3], t})
			}
		}
		slices.SortFunc(all, func(a, b mention) int { return cmp.Compare(a.from, b.from) })
		var out strings.Builder
		done := 0
		for _, m := range all {
			if m.from >= done {
				out.WriteString(html.EscapeString(text[done:m.from]) + link(m.term, text[m.from:m.to]))
				done, linked[m.term.ID] = m.to, true
			}
		}
		return template.HTML(out.String() + html.EscapeString(text[done:]))
	}
}

func link(t words.Term, shown string) string {
	return `<a class="term" href="#term-` + t.ID + `">` + html.EscapeString(shown) + `</a>`
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

var verdicts = []stats.Verdict{stats.Supported, stats.Refuted, stats.Inconclusive, model.NothingToJudge, model.NotAsAsked, model.NotTestable}

// verdictClass colours a text that carries the label of a verdict; the label itself says the same.
func verdictClass(s string) string {
	for _, v := range verdicts {
		if strings.Contains(s, words.Label(v, false)) {
			return "verdict " + figure.VerdictClass(v)
		}
	}
	return ""
}

// markClass colours a line that begins with the mark of a verdict; its words say the same.
func markClass(mark string) string {
	for _, v := range verdicts {
		if words.Mark(v) == mark {
			return figure.VerdictClass(v)
		}
	}
	return ""
}
