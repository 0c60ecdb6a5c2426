package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/report"
	"github.com/cidbench/cidbench/study"
)

type verify struct {
	*Console
	studyFlags
	looksFlags
	workersFlags
	codeFlag
	jsonFlag
	noRun bool
}

func newVerify(c *Console) *cobra.Command {
	o := &verify{Console: c}
	claim := "verify --claim " + first(study.ClaimIDs(c.Catalogue))
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Run what is missing and judge the claims",
		Long: `Runs what is missing for the selected claims (all of them without --claim), then judges each:
supported, refuted or inconclusive. The exit code says the outcome.

` + autoHelp,
		Example: c.examples(claim, claim+" --seeds auto --budget 2h", "verify --tier "+first(study.TierIDs(c.Catalogue)), "verify --no-run --json"),
		Args:    cobra.NoArgs,
	}
	o.addStudy(cmd, c, o.run)
	o.addLooks(cmd, &o.Seeds)
	o.addWorkers(cmd)
	o.addCode(cmd)
	o.addJSON(cmd)
	cmd.Flags().BoolVar(&o.noRun, "no-run", false, "judge only what is stored")
	return cmd
}

func (o *verify) run(ctx context.Context, asked study.Options) error {
	asked.Access, asked.Workers, asked.Looks, asked.Version = study.Read, o.Workers, o.looks(), o.code
	if !o.noRun {
		asked.Access = study.Write
		if o.code != "" {
			return usagef("--code judges stored runs: use it with --no-run")
		}
	}
	s, err := study.Open(ctx, o.Catalogue, asked)
	if err != nil {
		return err
	}
	r, err := s.Judge(ctx, !o.noRun)
	if err != nil {
		return err
	}
	if o.json {
		err = report.JSON(o.Stdout, r)
	} else {
		err = report.Text(o.Stdout, r, o.Text)
	}
	if err != nil {
		return err
	}
	if code := r.ExitCode(); code != exitSupported {
		return coded{code: code}
	}
	return nil
}
