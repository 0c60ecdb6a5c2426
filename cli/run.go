package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/study"
)

func newRun(c *Console) *cobra.Command {
	var o studyFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Train and probe what the registry lacks",
		Long: `Trains and probes the cells (arm, temperature, seed) that the selected claims need and the registry
does not hold, and analyses what claims observe. A finished run is never repeated; an interrupted one goes
on from its last checkpoint.`,
		Example: c.examples("run", "run --claim "+first(study.ClaimIDs(c.Catalogue))+" --seeds 8", "run --sweep "+first(study.SweepIDs(c.Catalogue))),
		Args:    cobra.NoArgs,
	}
	o.addStudy(cmd, c, study.Write, func(ctx context.Context, s *study.Study) error { return s.Run(ctx) })
	o.addSweep(cmd, c)
	o.addWorkers(cmd)
	return cmd
}
