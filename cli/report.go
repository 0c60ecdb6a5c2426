package cli

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/report"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/write"
	"github.com/cidbench/cidbench/study"
)

type reporter struct {
	*Console
	studyFlags
	codeFlag
	outputFlag
	format, evidence string
	sides            []string // two to compare, or none
}

func newReport(c *Console) *cobra.Command {
	o := &reporter{Console: c}
	var compare bool
	cmd := &cobra.Command{
		Use:   "report | report --compare A B",
		Short: "Write a report of what is stored, or set two side by side",
		Long: `Writes a report of the stored runs: the same registry gives the same bytes. It runs nothing; cells that
are not there stand in it as missing.

With --save-evidence it also writes what the verdicts rest on - manifests and results, no checkpoints - to one
small file, which is a --store that can be read and judged anywhere.

With --compare it sets two registries, or two versions of the code, side by side. A and B are each STORE,
STORE@VERSION or @VERSION (of --store); VERSION is the start of a code digest or of a commit, go, xla, or
several of these with commas between. Both sides are judged by this program's definitions.`,
		Example: c.examples("report --format md --output RESULTS.md --save-evidence results.tar.gz",
			"report --store results.tar.gz",
			"report --compare old-registry new-registry",
			"report --compare @579feec @2e7cda1 --format md"),
		Args: func(cmd *cobra.Command, args []string) error {
			if o.sides = args; compare {
				return cobra.ExactArgs(2)(cmd, args)
			}
			return cobra.NoArgs(cmd, args)
		},
	}
	o.addStudy(cmd, c, o.run)
	o.addCode(cmd)
	o.addOutput(cmd)
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "text", strings.Join(report.Formats(), ", "))
	f.StringVar(&o.evidence, "save-evidence", "", "file to write what the report rests on to (a .tar.gz)")
	f.BoolVar(&compare, "compare", false, "set two registries or versions side by side")
	cmd.MarkFlagsMutuallyExclusive("compare", "save-evidence")
	cmd.MarkFlagsMutuallyExclusive("compare", "code")
	_ = cmd.RegisterFlagCompletionFunc("format", fixed(report.Formats()))
	return cmd
}

func (o *reporter) run(ctx context.Context, asked study.Options) error {
	if len(o.sides) > 0 {
		return o.compare(ctx, asked)
	}
	write, err := o.writer()
	if err != nil {
		return err
	}
	asked.Version = o.code
	s, err := study.Open(ctx, o.Catalogue, asked)
	if err != nil {
		return err
	}
	in, err := s.Input(ctx)
	if err != nil {
		return err
	}
	r, err := judge.Build(in)
	if err != nil {
		return err
	}
	if o.evidence != "" {
		err = o.write("--save-evidence", o.evidence, func(w io.Writer) error { return s.WriteEvidence(ctx, w, in) })
		if err != nil {
			return err
		}
		o.Say("wrote " + o.evidence)
	}
	return o.finish(func(w io.Writer) error { return write(w, r) })
}

// writer finds the writer of the format; what goes to a terminal fits it.
func (o *reporter) writer() (report.Writer, error) {
	if o.format == "text" && o.output == "" {
		return func(w io.Writer, r *model.Report) error { return report.Text(w, r, o.Text) }, nil
	}
	write, err := report.Format(o.format)
	if err != nil {
		return nil, usagef("--format: %w", err)
	}
	return write, nil
}

func (o *reporter) compare(ctx context.Context, asked study.Options) error {
	if formats := report.ComparisonFormats(); !slices.Contains(formats, o.format) {
		return usagef("--format %q: a comparison is written as %s", o.format, strings.Join(formats, ", "))
	}
	both, err := study.Compare(ctx, o.Catalogue, asked, o.sides[0], o.sides[1])
	if err != nil {
		return err
	}
	fit := o.Text
	if o.output != "" {
		fit = write.TextOptions{}
	}
	return o.finish(func(w io.Writer) error { return report.WriteComparison(w, both, o.format, fit) })
}

// finish writes what came out where it was asked for.
func (o *reporter) finish(give func(io.Writer) error) error {
	err := o.write("--output", o.output, give)
	if err == nil && o.output != "" {
		o.Say("wrote " + o.output)
	}
	return err
}
