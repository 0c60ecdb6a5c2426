package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newRun(s *state) *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:   "run",
		Short: "Train and probe what the registry lacks",
		Long: `Trains and probes the cells (arm, temperature, seed) that the selected claims need and the registry
does not hold, and analyses what claims observe. A finished run is never repeated; an interrupted one goes
on from its last checkpoint.`,
		Example: "  cidbench run\n  cidbench run --claim hardest5 --seeds 8\n  cidbench run --sweep fraction",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runCells(c.Context(), s, o) },
	}
	o.flagSelection(c)
	o.flagSweep(c)
	o.flagRunning(c)
	return c
}

func runCells(ctx context.Context, s *state, o *options) error {
	n, err := o.open(ctx, s, writing)
	if err != nil {
		return err
	}
	return n.compute(ctx, s)
}
