package cli

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/report"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/write"
	"github.com/cidbench/cidbench/study"
)

type reportCommand struct {
	*Console
	studyFlags
	outputFlag
	format, evidence string
}

func newReport(c *Console) *cobra.Command {
	o := &reportCommand{Console: c}
	var compare bool
	cmd := &cobra.Command{
		Use:   "report | report --compare A B",
		Short: "Write a report of what is stored, or set two side by side",
		Long: `Writes a report of the stored runs: the same registry gives the same bytes. It runs nothing; cells that
are not there stand in it as missing.

With --save-evidence it also writes what the verdicts rest on - manifests and results, no checkpoints - to one
small file, which is a --store that can be read and judged anywhere.

With --compare it sets two registries, or two versions of the training method, side by side. A and B are each
STORE, STORE@VERSION or @VERSION (of --store); VERSION is v and a number, go, xla, or both with a comma between.
Both sides are judged by this program's definitions.`,
		Example: c.examples("report --format md --output RESULTS.md --save-evidence results.tar.gz",
			"report --store results.tar.gz",
			"report --compare old-registry new-registry",
			"report --compare @v1,go @v1,xla --format md"),
		Args: func(cmd *cobra.Command, args []string) error {
			if compare {
				return cobra.ExactArgs(2)(cmd, args)
			}
			return cobra.NoArgs(cmd, args)
		},
	}
	o.addStudy(cmd, c, study.Read, o.run)
	whole := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		what, formats := "report", report.Formats
		if compare {
			what, formats = "comparison", report.ComparisonFormats
		}
		if !slices.Contains(formats, o.format) {
			return usagef("--format %q: a %s is written as %s", o.format, what, strings.Join(formats, ", "))
		}
		if compare {
			return o.compare(cmd.Context(), args[0], args[1])
		}
		return whole(cmd, args)
	}
	o.addRuns(cmd)
	o.addOutput(cmd)
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "text", strings.Join(report.Formats, ", "))
	f.StringVar(&o.evidence, "save-evidence", "", "file to write what the report rests on to (a .tar.gz)")
	f.BoolVar(&compare, "compare", false, "set two registries or versions side by side")
	cmd.MarkFlagsMutuallyExclusive("compare", "save-evidence")
	cmd.MarkFlagsMutuallyExclusive("compare", "runs")
	_ = cmd.RegisterFlagCompletionFunc("format", fixed(report.Formats))
	return cmd
}

func (o *reportCommand) run(ctx context.Context, s *study.Study) error {
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
	return o.finish(func(w io.Writer) error { return report.Write(w, r, o.format, o.fit()) })
}

// fit is how text fits where it goes.
func (o *reportCommand) fit() write.TextOptions {
	if o.output != "" {
		return write.TextOptions{}
	}
	return o.Text
}

func (o *reportCommand) compare(ctx context.Context, a, b string) error {
	both, err := study.Compare(ctx, o.Catalogue, o.Options, a, b)
	if err != nil {
		return err
	}
	return o.finish(func(w io.Writer) error { return report.WriteComparison(w, both, o.format, o.fit()) })
}

// finish writes what came out where it was asked for.
func (o *reportCommand) finish(give func(io.Writer) error) error {
	err := o.write("--output", o.output, give)
	if err == nil && o.output != "" {
		o.Say("wrote " + o.output)
	}
	return err
}
