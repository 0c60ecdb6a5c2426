package cli

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

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
	return cmd
}

const verifyHelp = `Runs what is missing for the selected claims (all of them without --claim), then judges each:
supported, refuted or inconclusive. The exit code says the outcome.

With --data it does so on your pictures, at the scale of --tier or of one that it chooses by their number and by
whether a GPU is used, and says what it assumes. No plan covers that, so every verdict is exploratory.

The claims that the tier's plan names are confirmed: on the plan's own seeds, at its looks (numbers of seeds)
until each is decided, and at levels that keep any wrong verdict among them below the plan's alpha. Their
verdicts are the same whichever command and selection asks. A plan counts if it was registered before its
runs: see plan --register. All other claims are exploratory: judged once, on the seeds from 0, each at a level
of its own. With --explore so are the plan's, which is no verdict of the plan.`

func newVerify(a *app) *cobra.Command {
	claim := "verify --claim " + first(study.ClaimIDs(a.Catalogue))
	cmd := &cobra.Command{
		Use:     "verify",
		Short:   "Run what is missing and judge the claims",
		Long:    verifyHelp,
		Example: a.examples(claim, claim+" --budget 2h", "verify --tier "+first(study.TierIDs(a.Catalogue)), "verify --no-run --json"),
		PreRunE: func(*cobra.Command, []string) error { // what flags say only together
			if a.Runs != "" && !a.noRun {
				return usagef("--runs judges stored runs: use it with --no-run")
			}
			return nil
		},
	}
	a.addStudy(cmd, study.Write, a.verify)
	a.addWorkers(cmd)
	a.addRuns(cmd)
	a.addJSON(cmd)
	f := cmd.Flags()
	f.DurationVar(&a.Budget, "budget", 0, "train no more after this time, such as 90m (default: no limit)")
	f.BoolVar(&a.noRun, "no-run", false, "judge only what is stored")
	return cmd
}

func (a *app) verify(ctx context.Context, s *study.Study) error {
	if a.yours != "" && !a.noRun {
		p, err := s.Plan(ctx)
		if err != nil {
			return err
		}
		a.Say(fmt.Sprintf("%s to run (%s)", p.Rest, p.Basis))
	}
	r, err := s.Judge(ctx, !a.noRun)
	if err != nil {
		return err
	}
	format := "text"
	if a.json {
		format = "json"
	}
	if err := report.Write(a.Stdout, r, format, a.Text); err != nil {
		return err
	}
	if code := r.ExitCode(); code != exitSupported {
		return coded{code: code}
	}
	return nil
}

func newReport(a *app) *cobra.Command {
	var format, evidence, keyFile string
	var compare bool
	cmd := &cobra.Command{
		Use:   "report | report --compare A B",
		Short: "Write a report of what is stored, or set two side by side",
		Long: `Writes a report of the stored runs: the same registry gives the same bytes. It runs nothing; cells that
are not there stand in it as missing.

With --save-evidence it also writes what the verdicts rest on - manifests and results, no checkpoints - to one
small file, which is a --store that can be read and judged anywhere. All finished runs of the tier's plan are in
it, with a list of them, which --key signs: leaving one out is seen.

With --compare it sets two registries, or two versions of the training method, side by side. A and B are each
STORE, STORE@VERSION or @VERSION (of --store); VERSION is v and a number, go, xla, or both with a comma between.
Both sides are judged by this program's definitions.`,
		Example: a.examples("report --format md --output RESULTS.md --save-evidence results.tar.gz",
			"report --store results.tar.gz",
			"report --compare old-registry new-registry",
			"report --compare @v1,go @v1,xla --format md"),
		Args: func(cmd *cobra.Command, args []string) error {
			if compare {
				return cobra.ExactArgs(2)(cmd, args)
			}
			return cobra.NoArgs(cmd, args)
		},
		PreRunE: func(*cobra.Command, []string) error {
			what, formats := "report", report.Formats
			if compare {
				what, formats = "comparison", report.ComparisonFormats
			}
			if !slices.Contains(formats, format) {
				return usagef("--format %q: a %s is written as %s", format, what, strings.Join(formats, ", "))
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
			if key, err = readKey[ed25519.PrivateKey](keyFile, x509.ParsePKCS8PrivateKey); err != nil {
				return usagef("--key: %w", err)
			}
		}
		r, in, err := s.Report(ctx)
		if err != nil {
			return err
		}
		if evidence != "" {
			err = a.write("--save-evidence", evidence, func(w io.Writer) error { return s.WriteEvidence(ctx, w, in, key) })
			if err != nil {
				return err
			}
		}
		return a.write("--output", a.output, func(w io.Writer) error { return report.Write(w, r, format, a.Text) })
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
	a.addOutput(cmd)
	f := cmd.Flags()
	f.StringVar(&format, "format", "text", strings.Join(report.Formats, ", "))
	f.StringVar(&evidence, "save-evidence", "", "file to write what the report rests on to (a .tar.gz)")
	f.StringVar(&keyFile, "key", "", "PEM file of a private key (PKCS #8), to sign the evidence with")
	f.BoolVar(&compare, "compare", false, "set two registries or versions side by side")
	cmd.MarkFlagsMutuallyExclusive("compare", "save-evidence")
	cmd.MarkFlagsMutuallyExclusive("compare", "runs")
	cmd.MarkFlagsMutuallyExclusive("compare", "data")
	complete(cmd, "format", report.Formats)
	return cmd
}
