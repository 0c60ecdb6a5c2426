package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/report"
	"github.com/cidbench/cidbench/report/model"
)

func newVerify(s *state) *cobra.Command {
	o := &options{}
	var noRun bool
	c := &cobra.Command{
		Use:   "verify",
		Short: "Run what is missing and judge the claims",
		Long: `Runs what is missing for the selected claims (all of them without --claim), then judges each:
supported, refuted or inconclusive. The exit code says the outcome.

` + autoHelp,
		Example: "  cidbench verify --claim hardest5\n  cidbench verify --claim hardest5 --seeds auto --budget 2h\n  cidbench verify --tier smoke\n  cidbench verify --no-run --json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return verify(c.Context(), s, o, noRun) },
	}
	o.flagSelection(c)
	o.flagLooks(c)
	o.flagRunning(c)
	o.flagCode(c)
	o.flagJSON(c)
	c.Flags().BoolVar(&noRun, "no-run", false, "judge only what is stored")
	return c
}

func verify(ctx context.Context, s *state, o *options, noRun bool) error {
	if o.code != "" && !noRun {
		return usage{errCodeRuns}
	}
	how := writing
	if noRun {
		how = reading
	}
	n, err := o.open(ctx, s, how)
	if err != nil {
		return err
	}
	r, err := n.verdicts(ctx, s, noRun)
	if err != nil {
		return err
	}
	format := "text"
	if o.json {
		format = "json"
	}
	if err := report.Write(s.stdout, r, format, s.text); err != nil {
		return err
	}
	if code := r.ExitCode(); code != exitSupported {
		return coded{code: code}
	}
	return nil
}

// verdicts runs what is missing, unless that is not wanted, and judges.
func (n *session) verdicts(ctx context.Context, s *state, noRun bool) (*model.Report, error) {
	if n.plan != nil {
		return n.look(ctx, s, noRun)
	}
	if !noRun {
		if err := n.compute(ctx, s); err != nil {
			return nil, err
		}
	}
	return n.report(ctx)
}
