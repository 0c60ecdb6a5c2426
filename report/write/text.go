// Package write writes documents as text and Markdown, reports as CSV, and models as JSON. It computes nothing.
package write

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// TextOptions fit a report to a terminal.
type TextOptions struct {
	Width   int  // columns; 0 means 160, at which no cell of the tables wraps for sentences and as many as it takes for tables
	Colour  bool // of verdicts, by ANSI escapes
	Details bool // also what other formats fold away, and tables that repeat with more columns what stands elsewhere
}

// Text writes a document for a terminal.
func Text(w io.Writer, d layout.Document, o TextOptions) error {
	var out bytes.Buffer
	for _, s := range d {
		if len(s.Blocks) > 0 && !slices.ContainsFunc(s.Blocks, onTerminals) {
			continue
		}
		fmt.Fprintf(&out, "%s\n%s\n\n", s.Title, strings.Repeat(underline[s.Level], len([]rune(s.Title))))
		for _, b := range s.Blocks {
			if err := textBlock(&out, b, o); err != nil {
				return err
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
	width := cmp.Or(o.Width, 160)
	switch b := b.(type) {
	case layout.Alert:
		fmt.Fprintf(out, "%s\n", fill("!! "+string(b), "!! ", width))
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
		drawn, err := fitTable(b, o.Width)
		fmt.Fprintf(out, "%s%s\n", fill(b.Caption, "", width), drawn)
		return err
	case layout.Folded:
		if o.Details {
			return textBlock(out, b.Block, o)
		}
	case layout.Facts:
		for _, f := range b {
			out.WriteString(fill(f.Name+": "+f.Text, "    ", width))
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
func fitTable(t *layout.Table, width int) (string, error) {
	var natural, wrapped bytes.Buffer
	plain := func(s string) string { return s }
	if err := drawTable(&natural, t, plain, renderer.NewBlueprint(terminal)); err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(natural.String(), "\n")
	if width == 0 || len([]rune(strings.TrimRight(first, " "))) <= width {
		return natural.String(), nil
	}
	err := drawTable(&wrapped, t, plain, renderer.NewBlueprint(terminal), tablewriter.WithMaxWidth(width))
	return wrapped.String(), err
}

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
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// CSV writes one row per contrast of a claim, and one per cell of the matrix, run or not; kind tells them apart, and
// what a row has not is empty. A contrast's share of the gain, or the value of its statistic, has the interval that
// decides, of the level given; points is the same difference in points. Accuracies are counts of test images and points.
func CSV(w io.Writer, r *model.Report) error {
	contrast := []string{
		"claim", "role", "registration", "verdict", "against", "statistic", "relation", "margin",
		"share", "value", "low", "high", "level", "points", "pairs", "p_holds", "p_fails",
	}
	run := []string{
		"seed", "status", "reason", "linear_points", "ridge_points", "knn_points",
		"linear_correct", "ridge_correct", "knn_correct", "test_images", "loss", "run", "manifest_digest", "result_digest",
	}
	rows := [][]string{slices.Concat([]string{"kind", "arm", "temperature"}, contrast, run)}
	for _, c := range r.Claims {
		for _, x := range c.Contrasts {
			rows = append(rows, slices.Concat([]string{"contrast", x.A, exact(&c.Temperature)}, contrastRecord(&c, x), make([]string, len(run))))
		}
	}
	for _, a := range r.Arms {
		for _, row := range a.Runs {
			rows = append(rows, slices.Concat([]string{"run", a.ID, exact(&a.Temperature)}, make([]string, len(contrast)), runRecord(row)))
		}
	}
	return csv.NewWriter(w).WriteAll(rows)
}

func contrastRecord(c *model.Claim, x model.Contrast) []string {
	var share, value, low, high, level, points, holds, fails string
	if f := x.Found; f != nil {
		low, high, level = exact(&f.Low), exact(&f.High), exact(&f.Level)
		if x.Statistic == "" {
			share = exact(&f.Value)
		} else {
			value = exact(&f.Value)
		}
	}
	if x.Difference != nil && x.Statistic == "" {
		points = exact(&x.Difference.Estimate)
	}
	if x.P != nil {
		holds, fails = exact(&x.P.Support), exact(&x.P.Refute)
	}
	return []string{
		c.ID, string(c.Role), string(c.Registration), string(c.Verdict), x.B, x.Statistic, string(x.Relation), exact(&x.Margin),
		share, value, low, high, level, points, strconv.Itoa(x.N), holds, fails,
	}
}

func runRecord(row model.RunRow) []string {
	counts := make([]string, 4)
	if c := row.Correct; c != nil {
		counts = []string{strconv.Itoa(c.Linear), strconv.Itoa(c.Ridge), strconv.Itoa(c.KNN), strconv.Itoa(c.TestImages)}
	}
	return slices.Concat(
		[]string{fmt.Sprint(row.Seed), string(row.Status), row.Reason, exact(row.Linear), exact(row.Ridge), exact(row.KNN)}, counts,
		[]string{exact(row.Loss), row.Run, string(row.Manifest), string(row.Result)})
}

// exact spells a number so that reading it gives it back.
func exact(x *float64) string {
	if x == nil {
		return ""
	}
	return strconv.FormatFloat(*x, 'g', -1, 64)
}
