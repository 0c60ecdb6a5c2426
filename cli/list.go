package cli

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/study"
)

func newList(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the claims, arms and tiers",
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return a.printJSON(a.Catalogue)
			}
			a.list()
			return nil
		},
	}
	a.addJSON(cmd)
	return cmd
}

// list prints the catalogue.
func (c *Console) list() {
	c.printf("CLAIMS\n")
	for _, claim := range c.Catalogue.Claims {
		c.printf("  %s\n      %s\n", claim.ID, claim.Statement)
		conditions := fmt.Sprintf("at least %d seeds", claim.MinSeeds)
		if claim.Temperature != 0 {
			conditions = fmt.Sprintf("temperature %g, ", claim.Temperature) + conditions
		}
		for _, x := range claim.Contrasts {
			c.printf("      test: %s %s %s, margin %g points, %s\n", x.A, x.Relation, x.B, x.Margin, conditions)
		}
		for _, x := range claim.Observations {
			c.printf("      observation: %s of %s more than %g above chance, %s\n", x.Statistic, x.Arm, x.Margin, conditions)
		}
	}
	c.printf("SWEEPS\n")
	for _, w := range c.Catalogue.Sweeps {
		share := func(f float64) string { return fmt.Sprintf("%g%%", 100*f) }
		c.printf("  %-10s %s: %s; each %s; %d seeds\n", w.ID, w.Title, join(w.Lines, bench.SweepLine.String, ", "), join(w.Fractions, share, ", "), w.Seeds)
	}
	c.printf("ARMS\n")
	for _, a := range c.Catalogue.Arms {
		c.printf("  %-36s %s", a.ID, a.Title)
		if len(a.Rules) > 0 {
			c.printf(" [%s]", join(a.Rules, negatives.Rule.String, ", then "))
		}
		c.printf("\n")
	}
	c.printf("TIERS\n")
	for _, t := range c.Catalogue.Tiers {
		scale := t.Train.Scale()
		c.printf("  %-12s %s: %s, %s, %d steps of %d images, %d negatives a query, %d seeds\n",
			t.ID, t.Title, t.Dataset, t.Train.ID(), scale.Steps, scale.Batch, scale.Negatives, t.Seeds)
	}
	c.printf("DATA SETS\n")
	for _, d := range c.Catalogue.Datasets {
		c.printf("  %-12s %s\n", d.Name, d.From)
	}
}

func join[T any](all []T, text func(T) string, between string) string {
	var texts []string
	for _, x := range all {
		texts = append(texts, text(x))
	}
	return strings.Join(texts, between)
}

func newPlan(a *app) *cobra.Command {
	cmd := &cobra.Command{
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
		Example: a.examples("plan", "plan --claim "+first(study.ClaimIDs(a.Catalogue))+" --json"),
	}
	a.addStudy(cmd, study.ReadOrEmpty, func(ctx context.Context, s *study.Study) error {
		p, err := s.Plan(ctx)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(p)
		}
		a.printCells(p.Cells)
		if p.Rest.Cells == 0 {
			a.printf("nothing to run\n")
		} else {
			each := time.Duration(p.SecondsPerCell * float64(time.Second)).Round(time.Second)
			a.printf("about %s to run the rest, %d cells at a time (%s a cell: %s)\n", p.Rest.Wall(), p.Parallel, each, p.Basis)
		}
		return a.printClaimPlans(p.Claims)
	})
	a.addSweep(cmd)
	a.addWorkers(cmd)
	a.addJSON(cmd)
	return cmd
}

func (c *Console) printClaimPlans(plans []study.ClaimPlan) error {
	for _, p := range plans {
		c.printf("\n%s: %d paired seeds are stored, a verdict takes at least %d\n", p.Claim, p.Pairs, p.MinSeeds)
		if p.Pilot != nil {
			c.printf("  too few to plan from; a pilot is needed: %s (%s)\n", p.Pilot.Command, p.Pilot.Cost)
			continue
		}
		for _, x := range p.Contrasts {
			c.printf("  %s (%s, margin %g): %+.3g %s, %.3g from the margin, toward %s; SD %.3g, at most %.3g with %.0f%% confidence\n",
				x.Name, x.Relation, x.Margin, x.Estimate, x.Unit, x.Distance, x.Toward, x.SD, x.SDBound, 100*judge.Confidence)
		}
		c.printf("  seeds for a verdict with power %g, if the true difference is the one observed:\n", judge.Power)
		table := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "    judged\twith the SD\tseeds\tinterval\tstill to run")
		for _, x := range p.Needs {
			judged, spread := "alone", "observed"
			if x.Family > 1 {
				judged = fmt.Sprintf("among %d claims", x.Family)
			}
			if x.Spread == judge.BoundedSpread {
				spread = "at most"
			}
			fmt.Fprintf(table, "    %s, level %.2g\t%s\t", judged, x.Alpha, spread)
			if x.Cost == nil {
				fmt.Fprintf(table, "none: %s\n", x.Reason)
				continue
			}
			fmt.Fprintf(table, "%d\t+-%.3g\t%s\n", x.Seeds, x.HalfWidth, x.Cost)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func newStatus(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "Show which cells are done, failed, begun or missing"}
	a.addStudy(cmd, study.Read, func(ctx context.Context, s *study.Study) error {
		cells, err := s.Status(ctx)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(cells)
		}
		a.printCells(cells)
		return nil
	})
	a.addSweep(cmd)
	a.addRuns(cmd)
	a.addJSON(cmd)
	return cmd
}

// printCells prints where cells stand, and a summary.
func (c *Console) printCells(cells []study.CellState) {
	count := map[study.State]int{}
	for _, cell := range cells {
		count[cell.State]++
		detail := cell.Reason
		switch {
		case cell.Step > 0:
			detail = fmt.Sprintf("checkpoint at step %d of %d", cell.Step, cell.Spec.Training.Steps())
		case cell.Seconds > 0 && detail == "":
			detail = fmt.Sprintf("%.0f s", cell.Seconds)
		}
		c.printf("%-9s %-36s T %-5g seed %-3d %s  %s\n", cell.State, cell.Arm, cell.Temperature, cell.Seed, cell.Run, detail)
	}
	c.printf("%d cells: %d complete, %d failed, %d begun, %d missing\n",
		len(cells), count[study.Complete], count[study.Failed], count[study.Begun], count[study.Missing])
}
