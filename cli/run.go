package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/study"
)

type runner struct {
	*Console
	studyFlags
	workersFlags
}

func newRun(c *Console) *cobra.Command {
	o := &runner{Console: c}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Train and probe what the registry lacks",
		Long: `Trains and probes the cells (arm, temperature, seed) that the selected claims need and the registry
does not hold, and analyses what claims observe. A finished run is never repeated; an interrupted one goes
on from its last checkpoint.`,
		Example: c.examples("run", "run --claim "+first(study.ClaimIDs(c.Catalogue))+" --seeds 8", "run --sweep "+first(study.SweepIDs(c.Catalogue))),
		Args:    cobra.NoArgs,
	}
	o.addStudy(cmd, c, o.run)
	o.addSweep(cmd, c)
	o.addWorkers(cmd)
	return cmd
}

func (o *runner) run(ctx context.Context, asked study.Options) error {
	asked.Access, asked.Workers = study.Write, o.Workers
	s, err := study.Open(ctx, o.Catalogue, asked)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}
