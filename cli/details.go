package cli

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/report"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/write"
)

func addDetails(cmd *cobra.Command, details *string) {
	cmd.Flags().StringVar(details, "details", "", "folder for figures and full report of a Markdown one (default: OUTPUT's name with -details)")
}

// writeReport writes a report to the output. Where that is a Markdown file, what it links to goes to the folder details,
// or to one named after the output: figures as SVG, and the report in HTML, of each tier.
func (a *app) writeReport(r *model.Report, format, details string) error {
	if format != "md" || a.output == "" || details == "" && !isFile(a.output) {
		return a.write("--output", a.output, func(w io.Writer) error { return report.Write(w, r, format, a.Text) })
	}
	flag := "--details"
	if details == "" {
		flag, details = "--output", strings.TrimSuffix(a.output, filepath.Ext(a.output))+"-details"
	}
	figures := filepath.Join(details, "figures")
	if err := os.MkdirAll(figures, 0o755); err != nil {
		return usagef("%s: %w", flag, err)
	}
	from, err := filepath.Abs(filepath.Dir(a.output))
	if err != nil {
		return usagef("--output: %w", err)
	}
	to, err := filepath.Abs(details)
	if err != nil {
		return usagef("%s: %w", flag, err)
	}
	link, err := filepath.Rel(from, to)
	if err != nil {
		return usagef("%s: no link leads there from %s: %w", flag, a.output, err)
	}
	link = filepath.ToSlash(link)
	for _, f := range report.Figures(r) {
		if err := a.write(flag, filepath.Join(figures, f.Name), f.Write); err != nil {
			return err
		}
	}
	beside := write.Beside{Figures: link + "/figures", Full: link + "/report.html"}
	full := map[string]*model.Report{"report.html": r}
	for _, other := range r.Beside {
		name := "report-" + other.Tier.ID + ".html"
		full[name] = other
		beside.Tiers = append(beside.Tiers, write.Tier{ID: other.Tier.ID, Full: link + "/" + name})
	}
	for _, name := range slices.Sorted(maps.Keys(full)) {
		if err := a.write(flag, filepath.Join(details, name), func(w io.Writer) error { return report.Write(w, full[name], "html", a.Text) }); err != nil {
			return err
		}
	}
	return a.write("--output", a.output, func(w io.Writer) error { return report.WriteMarkdown(w, r, beside) })
}

// isFile says whether a path is that of a file, or of one to be: folders have their place beside no device or pipe.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return path != "-" && (err != nil || info.Mode().IsRegular())
}
