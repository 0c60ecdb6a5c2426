package cli

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/browser"
	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/report"
	"github.com/cidbench/cidbench/study"
)

func newRun(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Train and probe what the registry lacks",
		Long: `Trains and probes the cells (arm, temperature, seed) that the selected claims need and the registry
does not hold, and analyses what claims observe: for claims of the tier's plan the plan's seeds up to a look,
for exploratory ones the seeds from 0. A finished run is never repeated; an interrupted one goes on from its
last checkpoint.`,
		Example: a.examples("run", "run --claim "+first(study.ClaimIDs(a.Catalogue))+" --look 1", "run --explore --seeds 3", "run --sweep "+first(study.SweepIDs(a.Catalogue))),
	}
	a.addStudy(cmd, study.Write, func(ctx context.Context, s *study.Study) error { return s.Run(ctx) })
	a.addSweep(cmd)
	a.addLook(cmd)
	a.addWorkers(cmd)
	a.addSharing(cmd)
	a.addNight(cmd)
	return cmd
}

func newReport(a *app) *cobra.Command {
	var format, evidence, keyFile, details string
	var beside []string
	var compare, open bool
	cmd := &cobra.Command{
		Use:   "report | report --compare A B",
		Short: "Write a report of what is stored, or set two side by side",
		Long: `Writes a report of the stored runs: the same registry gives the same bytes. It runs nothing; cells that
are not there stand in it as missing.

With --format md and --output it also writes the figures as SVG and the full
report in HTML, to which the Markdown links: to the folder --details, or else to
one beside the output.

With --beside the verdicts of other tiers stand beside those of --tier, claim by claim, with what holds in which.

With --save-evidence it also writes what the verdicts rest on - manifests and results, no checkpoints - to one
small file, which is a --store that can be read and judged anywhere. All finished runs of the tier's plan are in
it, with a list of them, which --key signs: leaving one out is seen. Unpacked it is a Process Run Crate (RO-Crate)
with an in-toto test result for each verdict, which --key signs, too.

With --compare it sets two registries, or two versions of the training method, side by side. A and B are each
STORE, STORE@VERSION or @VERSION (of --store); VERSION is v and a number, go, xla, or both with a comma between.
Both sides are judged by this program's definitions.`,
		Example: a.examples("report --open", "report --format md --output RESULTS.md --save-evidence results.tar.gz",
			"report --store results.tar.gz",
			"report --compare old-registry new-registry",
			"report --compare @v1,go @v1,xla --format md"),
		Args: func(cmd *cobra.Command, args []string) error {
			if compare {
				return cobra.ExactArgs(2)(cmd, args)
			}
			return cobra.NoArgs(cmd, args)
		},
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if open {
				if cmd.Flags().Changed("format") && format != "html" {
					return usagef("--open shows HTML, not --format %s", format)
				}
				format = "html"
				if a.output == "" {
					folder, err := os.MkdirTemp("", a.Name+"-*")
					if err != nil {
						return err
					}
					a.output = filepath.Join(folder, "report.html")
				}
			}
			what, formats := "report", report.Formats
			if compare {
				what, formats = "comparison", report.ComparisonFormats
			}
			if !slices.Contains(formats, format) {
				return usagef("--format %q: a %s is written as %s", format, what, strings.Join(formats, ", "))
			}
			if details != "" && (format != "md" || a.output == "") {
				return usagef("--details is for what a Markdown report links to: use it with --format md and --output")
			}
			if keyFile != "" && evidence == "" {
				return usagef("--key signs evidence: use it with --save-evidence")
			}
			if a.output != "" {
				a.Text.Width, a.Text.Colour = 0, false // text fits no terminal
			}
			return nil
		},
	}
	a.addStudy(cmd, study.Read, func(ctx context.Context, s *study.Study) error {
		var key ed25519.PrivateKey
		if keyFile != "" {
			var err error
			if key, err = readPrivateKey[ed25519.PrivateKey](keyFile, "an Ed25519 key"); err != nil {
				return usagef("--key: %w", err)
			}
		}
		r, in, err := s.Report(ctx)
		if err != nil {
			return err
		}
		others, damage := study.Beside(ctx, a.Catalogue, a.Options, beside)
		if len(others) < len(beside) {
			return damage
		}
		r.Beside = others
		if evidence != "" {
			err = a.write("--save-evidence", evidence, func(w io.Writer) error { return s.WriteEvidence(ctx, w, r, in, key) })
			if err != nil {
				return err
			}
		}
		if err := a.writeReport(r, format, details); err != nil || damage != nil {
			return cmp.Or(err, damage)
		}
		if open {
			if err := browser.OpenFile(a.output); err != nil {
				return usagef("--open: %w; the report is in %s", err, a.output)
			}
		}
		return nil
	})
	one := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !compare {
			return one(cmd, args)
		}
		both, err := study.Compare(cmd.Context(), a.Catalogue, a.Options, args[0], args[1])
		if both == nil {
			return err
		}
		return errors.Join(a.write("--output", a.output, func(w io.Writer) error { return report.WriteComparison(w, both, format, a.Text) }), err)
	}
	a.addRuns(cmd)
	a.addNight(cmd)
	a.addOutput(cmd)
	f := cmd.Flags()
	f.StringVar(&format, "format", "text", strings.Join(report.Formats, ", "))
	addDetails(cmd, &details)
	f.StringSliceVar(&beside, "beside", nil, "another tier to set beside, or TIER=STORE (repeatable)")
	f.StringVar(&evidence, "save-evidence", "", "file to write what the report rests on to (a .tar.gz)")
	f.StringVar(&keyFile, "key", "", "PEM file of an Ed25519 private key (PKCS #8), to sign the evidence and its verdicts with")
	f.BoolVar(&open, "open", false, "write HTML, and show it in a browser")
	f.BoolVar(&compare, "compare", false, "set two registries or versions side by side")
	cmd.MarkFlagsMutuallyExclusive("compare", "save-evidence")
	cmd.MarkFlagsMutuallyExclusive("compare", "details")
	cmd.MarkFlagsMutuallyExclusive("compare", "runs")
	cmd.MarkFlagsMutuallyExclusive("compare", "open")
	cmd.MarkFlagsMutuallyExclusive("compare", "data")
	cmd.MarkFlagsMutuallyExclusive("compare", "beside")
	cmd.MarkFlagsMutuallyExclusive("compare", "night")
	complete(cmd, "format", report.Formats)
	return cmd
}
