package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/write"
	"github.com/cidbench/cidbench/study"
)

func newShowClaim(a *app) *cobra.Command {
	claims := study.ClaimIDs(a.Catalogue)
	cmd := &cobra.Command{
		Use:   "show CLAIM",
		Short: "Show all that is known of one claim",
		Long: `Prints what the stored runs say of one claim: the verdict and why, what was asked, its source, the interval that
decided, each seed, the arms, and the command that reproduces it. It runs nothing.`,
		Example:           a.examples("show "+first(claims), "show "+first(claims)+" --store results.tar.gz"),
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(claims, cobra.ShellCompDirectiveNoFileComp),
	}
	a.addStudy(cmd, study.Read, func(ctx context.Context, s *study.Study) error {
		r, _, err := s.Report(ctx)
		if err != nil {
			return err
		}
		a.Text.Details = true
		return write.Text(a.Stdout, layout.Claims(r), a.Text)
	})
	_ = cmd.Flags().MarkHidden("claim") // it is the argument
	work := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.Claims = args
		return work(cmd, nil)
	}
	a.addRuns(cmd)
	return cmd
}
