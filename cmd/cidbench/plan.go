package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench"
)

func newPlan(s *state) *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show the cells of a run, which are there already, and the time that the rest takes",
		Long: `Lists the cells (arm, temperature, seed) of the selected claims and tier, which of them the registry
holds, and the estimated time for the rest: from the wall times of stored runs of this tier, or from a
few steps and a probe measured now.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return plan(c.Context(), s, o) },
	}
	o.flagSelection(c)
	o.flagRunning(c)
	o.flagJSON(c)
	return c
}

func plan(ctx context.Context, s *state, o *options) error {
	n, err := o.open(ctx, s, looking)
	if err != nil {
		return err
	}
	cells, err := n.states(ctx)
	if err != nil {
		return err
	}
	var left, known, seconds float64 // trained cells to run; trained cells with a wall time; their sum
	for _, c := range cells {
		trained := c.Spec.Arm.Features == bench.Trained
		switch {
		case trained && c.Seconds > 0:
			known++
			seconds += c.Seconds
		case trained && c.State == "begun":
			left += 1 - float64(c.Step)/float64(c.Spec.Arm.Config.Steps)
		case c.State == "missing":
			left += float64(weight(c.Cell)) / float64(n.tier.Train.Steps)
		}
	}
	var each time.Duration
	basis := fmt.Sprintf("mean of %.0f stored runs", known)
	switch {
	case known > 0:
		each = time.Duration(seconds / known * float64(time.Second))
	case left > 0:
		if each, err = bench.Estimate(ctx, n.tier, n.data, n.backend, n.threads); err != nil {
			return err
		}
		basis = "measured now, with one cell alone"
	}
	total := time.Duration(left * float64(each) / float64(n.parallel)).Round(time.Second)
	if o.json {
		return printJSON(s, struct {
			Cells            []cellState `json:"cells"`
			SecondsPerCell   float64     `json:"secondsPerCell"`
			Basis            string      `json:"basis"`
			Parallel         int         `json:"parallel"`
			EstimatedSeconds float64     `json:"estimatedSeconds"`
		}{cells, each.Seconds(), basis, n.parallel, total.Seconds()})
	}
	printStates(s, cells)
	if left == 0 {
		fmt.Fprintln(s.stdout, "nothing to run")
		return nil
	}
	fmt.Fprintf(s.stdout, "about %s to run the rest, %d cells at a time (%s a cell: %s)\n", total, n.parallel, each.Round(time.Second), basis)
	return nil
}
