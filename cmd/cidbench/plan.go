package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func newPlan(s *state) *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show the cells of a run, the time that the rest takes, and the seeds that a claim needs",
		Long: `Lists the cells (arm, temperature, seed) of the selected claims and tier, which of them the registry
holds, and the estimated time for the rest: from the wall times of stored runs of this tier, or from a
few steps and a probe measured now.

With --claim it also says, from all paired seeds that the registry holds, how many seeds give each of these
claims a verdict with power 0.8 if the true difference is the one observed, and what they cost. It says so
for the claim judged alone and among all claims of the tier, which is stricter; and at the observed spread
and at its upper 80% bound, since a few pairs tell the spread roughly. Without two pairs it asks for a pilot.
It reckons with judging once; verify --seeds auto, which looks more often, is stricter and may need more.`,
		Example: "  cidbench plan\n  cidbench plan --claim hardest5 --json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return plan(c.Context(), s, o) },
	}
	o.flagSelection(c)
	o.flagSweep(c)
	o.flagRunning(c)
	o.flagJSON(c)
	return c
}

func plan(ctx context.Context, s *state, o *options) error {
	n, err := o.open(ctx, s, looking)
	if err != nil {
		return err
	}
	p, err := n.pricing(ctx)
	if err != nil {
		return err
	}
	cells := p.statesOf(n.cells)
	var rest cost
	for _, c := range cells {
		rest.add(p, c, 1)
	}
	var claims []claimPlan
	if len(o.claims) > 0 {
		if claims, err = n.planClaims(ctx, p); err != nil {
			return err
		}
	}
	if o.json {
		return printJSON(s, struct {
			Cells            []cellState `json:"cells"`
			SecondsPerCell   float64     `json:"secondsPerCell"`
			Basis            string      `json:"basis"`
			Parallel         int         `json:"parallel"`
			EstimatedSeconds float64     `json:"estimatedSeconds"`
			Claims           []claimPlan `json:"claims,omitempty"`
		}{cells, p.each.Wall.Seconds(), p.basis, n.parallel, rest.WallSeconds, claims})
	}
	printStates(s, cells)
	if rest.Cells == 0 {
		fmt.Fprintln(s.stdout, "nothing to run")
	} else {
		fmt.Fprintf(s.stdout, "about %s to run the rest, %d cells at a time (%s a cell: %s)\n", rest.wall(), n.parallel, p.each.Wall.Round(time.Second), p.basis)
	}
	return printClaimPlans(s, claims)
}
