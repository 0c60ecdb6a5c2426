package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/report"
	"github.com/cidbench/cidbench/study"
)

type verifyCommand struct {
	*Console
	studyFlags
	jsonFlag
	auto, noRun bool
	looks       study.Looks
}

func newVerify(c *Console) *cobra.Command {
	o := &verifyCommand{Console: c}
	claim := "verify --claim " + first(study.ClaimIDs(c.Catalogue))
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Run what is missing and judge the claims",
		Long: `Runs what is missing for the selected claims (all of them without --claim), then judges each:
supported, refuted or inconclusive. The exit code says the outcome.

` + autoHelp,
		Example: c.examples(claim, claim+" --seeds auto --budget 2h", "verify --tier "+first(study.TierIDs(c.Catalogue)), "verify --no-run --json"),
		Args:    cobra.NoArgs,
		PreRunE: o.complete,
	}
	o.addStudy(cmd, c, study.Write, o.run)
	o.addWorkers(cmd)
	o.addRuns(cmd)
	o.addJSON(cmd)
	f := cmd.Flags()
	seeds := f.Lookup("seeds")
	seeds.Value = &seedCount{&o.Seeds, &o.auto}
	seeds.Usage = "number of seeds, or auto: add seeds until the claims are decided (default: the tier's)"
	f.IntVar(&o.looks.Max, "max-seeds", 12, "with --seeds auto: the seeds of the last look")
	f.DurationVar(&o.looks.Budget, "budget", 0, "with --seeds auto: stop training after this time, such as 90m (default: no limit)")
	f.BoolVar(&o.noRun, "no-run", false, "judge only what is stored")
	_ = cmd.RegisterFlagCompletionFunc("seeds", fixed([]string{autoSeeds}))
	return cmd
}

// complete fits flags together that say something only together.
func (o *verifyCommand) complete(cmd *cobra.Command, _ []string) error {
	for _, name := range []string{"max-seeds", "budget"} {
		if cmd.Flags().Changed(name) && !o.auto {
			return usagef("--%s means something only with --seeds auto", name)
		}
	}
	if o.auto {
		o.Looks = &o.looks
	}
	if o.noRun {
		o.Access = study.Read
	} else if o.Runs != "" {
		return usagef("--runs judges stored runs: use it with --no-run")
	}
	return nil
}

func (o *verifyCommand) run(ctx context.Context, s *study.Study) error {
	r, err := s.Judge(ctx, !o.noRun)
	if err != nil {
		return err
	}
	format := "text"
	if o.json {
		format = "json"
	}
	if err := report.Write(o.Stdout, r, format, o.Text); err != nil {
		return err
	}
	if code := r.ExitCode(); code != exitSupported {
		return coded{code: code}
	}
	return nil
}
