// Package report writes a report, two side by side, or nights, in a format that is asked for by name. What it writes
// comes from the rooms below, the highest first:
//
//	page    HTML with its figures; write: text, Markdown, JSON, CSV. They compute nothing.
//	diff    two reports side by side
//	drift   the nights of a tier one after another
//	layout  a report as a document: sections of blocks, every number spelled
//	svg     figures as SVG, in a page or as files
//	figure  charts as values
//	judge   verdicts from runs: pure functions
//	words   numbers and sentences
//	model   what a report is
//	stats   the statistics, which know nothing of reports
//
// Package mutation holds tests alone: a mistaken method would be caught.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/report/diff"
	"github.com/cidbench/cidbench/report/drift"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/page"
	"github.com/cidbench/cidbench/report/svg"
	"github.com/cidbench/cidbench/report/write"
)

// Formats are the names of the formats of a report, in the order in which help shows them.
var Formats = []string{"text", "md", "html", "json", "csv"}

// ComparisonFormats are those of a comparison.
var ComparisonFormats = []string{"text", "md", "html", "json"}

// DriftFormats are those of nights.
var DriftFormats = []string{"text", "md", "html"}

// Write writes a report in one of Formats; an unknown one is an error that lists them. The options are for
// text. The same report gives the same bytes.
func Write(w io.Writer, r *model.Report, format string, o write.TextOptions) error {
	if format == "csv" {
		return write.CSV(w, r)
	}
	return printed(w, format, Formats, r.Tier.ID, r, func() layout.Document { return layout.Report(r) }, o)
}

// WriteMarkdown writes a report as Markdown that shows the figures and links to the full report, which are beside it.
func WriteMarkdown(w io.Writer, r *model.Report, beside write.Beside) error {
	return write.Markdown(w, layout.Report(r), beside)
}

// Figure is a figure as a file.
type Figure struct {
	Name  string // with its ending
	Write func(io.Writer) error
}

// Figures are those that Markdown shows, as SVG. The same report gives the same bytes.
func Figures(r *model.Report) (all []Figure) {
	for _, f := range write.Drawn(layout.Report(r)) {
		all = append(all, Figure{f.ID + ".svg", func(w io.Writer) error { return svg.File(w, f) }})
	}
	return all
}

// WriteComparison writes a comparison in one of ComparisonFormats, as Write does a report.
func WriteComparison(w io.Writer, c *diff.Comparison, format string, o write.TextOptions) error {
	return printed(w, format, ComparisonFormats, c.Tier.ID+", side by side", c, func() layout.Document { return diff.Document(c) }, o)
}

// WriteDrift writes nights in one of DriftFormats, as Write does a report.
func WriteDrift(w io.Writer, d *drift.Drift, format string, o write.TextOptions) error {
	return printed(w, format, DriftFormats, "nights of "+d.Tier, d, func() layout.Document { return drift.Document(d) }, o)
}

func printed(w io.Writer, format string, formats []string, title string, value any, document func() layout.Document, o write.TextOptions) error {
	switch {
	case !slices.Contains(formats, format):
		return fmt.Errorf("unknown format %q: choose one of %s", format, strings.Join(formats, ", "))
	case format == "json":
		return write.JSON(w, value)
	case format == "html":
		return page.HTML(w, title, document())
	case format == "md":
		return write.Markdown(w, document(), write.Beside{})
	}
	return write.Text(w, document(), o)
}
