package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
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
		Long: `Lists the claims with what they test, plans, sweeps, arms, tiers with the published figures that they are held
against, and data sets.`,
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return a.printJSON("list", listed(a.Catalogue))
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
		for _, ask := range asks(claim) {
			c.printf("      %s\n", ask)
		}
		for _, p := range c.Catalogue.Plans {
			if role := p.Role(claim.ID); role != bench.Exploratory {
				c.printf("      %s in the plan of tier %s\n", role, p.Tier)
			}
		}
		for _, t := range c.Catalogue.Tiers {
			if reason := t.NotTestable[claim.Thesis]; reason != "" && claim.In(t.ID) {
				c.printf("      not testable in tier %s: %s\n", t.ID, reason)
			}
		}
	}
	c.printf("PLANS\n")
	for _, p := range c.Catalogue.Plans {
		c.printf("  %-10s alpha %g, seeds from %d, looks at %s; %s\n", p.Tier, p.Alpha, p.FirstSeed, join(p.Looks, strconv.Itoa, ", "), p.Basis)
	}
	c.printf("SWEEPS\n")
	for _, w := range c.Catalogue.Sweeps {
		share := func(f float64) string { return fmt.Sprintf("%g%%", 100*f) }
		c.printf("  %-10s %s: %s; each %s; %d seeds\n", w.ID, w.Title, join(w.Lines, bench.SweepLine.String, ", "), join(w.Fractions, share, ", "), w.Seeds)
	}
	c.printf("ARMS\n")
	for _, a := range c.Catalogue.Arms {
		line := fmt.Sprintf("  %-36s %s", a.ID, a.Title)
		if len(a.Rules) > 0 {
			line += fmt.Sprintf(" [%s]", join(a.Rules, negatives.Rule.String, ", then "))
		}
		if a.Temperature != 0 {
			line += fmt.Sprintf(" [temperature %g]", a.Temperature)
		}
		c.printf("%s\n", line)
	}
	c.printf("TIERS\n")
	for _, t := range c.Catalogue.Tiers {
		scale := t.Train.Scale()
		c.printf("  %-12s %s: %s, %s, %d steps of %d images, %d negatives a query, %d seeds\n",
			t.ID, t.Title, t.Dataset, t.Train.ID(), scale.Steps, scale.Batch, scale.Negatives, t.Seeds)
		if len(t.Targets) > 0 {
			c.printf("      held against %s, in points\n", join(t.Targets, func(x bench.Target) string {
				return fmt.Sprintf("%s of %s after %g%% (%s)", join(x.Figures, func(f float64) string { return fmt.Sprintf("%g", f) }, "/"), x.Arm, 100*x.At, x.Measure)
			}, ", "))
		}
	}
	c.printf("DATA SETS\n")
	for _, d := range c.Catalogue.Datasets {
		c.printf("  %-12s %s\n", d.Name, d.From)
	}
}

// asks says in words what a claim asks of the runs.
func asks(claim *bench.Claim) (all []string) {
	conditions := fmt.Sprintf("at least %d seeds", claim.MinSeeds)
	if claim.Temperature != 0 {
		conditions = fmt.Sprintf("temperature %g, ", claim.Temperature) + conditions
	}
	for _, x := range claim.Contrasts {
		all = append(all, fmt.Sprintf("test: %s %s %s, margin %g%% of the gain, %s", x.A, x.Relation, x.B, 100*x.Margin, conditions))
	}
	for _, x := range claim.Observations {
		all = append(all, fmt.Sprintf("observation: %s of %s more than %g above %s, %s", x.Statistic, x.Arm, x.Margin, cmp.Or(x.Beyond, "chance"), conditions))
	}
	for _, x := range claim.Trends {
		all = append(all, fmt.Sprintf("trend: along %s of sweep %s, rank correlation above %g, %s", x.Line, x.Sweep, x.Margin, conditions))
	}
	return all
}

func join[T any](all []T, text func(T) string, between string) string {
	var texts []string
	for _, x := range all {
		texts = append(texts, text(x))
	}
	return strings.Join(texts, between)
}

func newPlan(a *app) *cobra.Command {
	var register bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show the cells of a run and what they cost; register a plan",
		Long: `Lists the cells (arm, temperature, seed) of the selected claims and tier, which of them the registry
holds, and what they take, the whole and the rest: hours, bytes of the registry, memory, and with --price
money. These are estimates: from the wall times of stored runs of this tier, or from a few steps and a
probe measured now; memory from the shapes of tensors.

With --step-time it is said what a step takes on another machine, such as a GPU: neither the data nor a
backend is opened then, and probes are reckoned by the images that pass through the encoder.

With --claim it also says, from all seeds that were explored, how many seeds give each of these claims a
verdict with power 0.8 if the true effect is the one observed, and what they cost: at the level of the last
look for a claim of the tier's plan, and at its own for an exploratory one; at the observed spread and at its
upper 80% bound, since a few pairs tell the spread roughly. Without two pairs it asks for a pilot.

With --register it keeps the tier's plan in the registry: claims, margins, looks and the ids of all runs that
confirm. That is done before the first of these runs; a run that began earlier confirms nothing, and the report
says so. Registered again, the first time stands.`,
		Example: a.examples("plan", "plan --claim "+first(study.ClaimIDs(a.Catalogue))+" --json", "plan --tier "+last(study.TierIDs(a.Catalogue))+" --step-time 180ms --price 2", "plan --register"),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range []string{"claim", "sweep", "explore", "seeds", "look", "step-time", "price"} {
				if register && cmd.Flags().Changed(name) {
					return usagef("--register registers the whole plan of the tier: leave out --%s", name)
				}
			}
			return nil
		},
	}
	a.addStudy(cmd, study.ReadOrEmpty, func(ctx context.Context, s *study.Study) error {
		if register {
			return a.register(ctx, s)
		}
		p, err := s.Plan(ctx)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON("plan", p)
		}
		a.printCells(p.Cells)
		a.printAnalyses(p.Analyses)
		if p.Rest.Cells == 0 {
			a.printf("nothing to run\n")
		} else {
			each := time.Duration(p.SecondsPerCell * float64(time.Second)).Round(time.Second)
			a.printf("about %s to run the rest, %d cells at a time (%s a cell: %s)\n", p.Rest.Wall(), p.Parallel, each, p.Basis)
		}
		a.printCosts(p)
		a.printClaimPlans(p.Claims)
		return nil
	})
	open := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if register {
			a.Access = study.Write
		}
		return open(cmd, args)
	}
	a.addSweep(cmd)
	a.addLook(cmd)
	a.addWorkers(cmd)
	a.addJSON(cmd)
	cmd.Flags().DurationVar(&a.StepTime, "step-time", 0, "what a step takes, such as 180ms, where it cannot be measured here")
	a.addPrice(cmd)
	cmd.Flags().BoolVar(&register, "register", false, "keep the tier's plan in the registry, before the runs that confirm")
	return cmd
}

func (a *app) register(ctx context.Context, s *study.Study) error {
	r, err := s.Register(ctx)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON("registration", r)
	}
	a.printf("plan %s, registered %s (record %s)\n", r.Plan, r.At.Format(time.RFC3339), r.Manifest)
	return nil
}

// printCosts prints what cells take: one, all of them, and those that are to be run.
func (c *Console) printCosts(p *study.Plan) {
	if p.Basis == "" {
		return
	}
	c.printf("\nestimates (%s):\n", p.Basis)
	head := fmt.Sprintf("%-28s %6s %13s %13s", "", "cells", "device hours", "registry, GB")
	if p.Whole.Money > 0 {
		head += fmt.Sprintf(" %12s", "money")
	}
	c.printf("%s\n", head)
	for _, row := range []struct {
		what string
		cost study.Cost
	}{{"a trained cell", p.Trained}, {"a cell that is only probed", p.Floor}, {"the whole", p.Whole}, {"the rest", p.Rest}} {
		if row.cost.Cells == 0 {
			continue
		}
		line := fmt.Sprintf("%-28s %6d %13.2f %13.3f", row.what, row.cost.Cells, row.cost.DeviceHours, row.cost.DiskBytes/1e9)
		if p.Whole.Money > 0 {
			line += fmt.Sprintf(" %12.2f", row.cost.Money)
		}
		c.printf("%s\n", line)
	}
	if p.Memory != nil {
		c.printf("memory of a cell, from shapes: %s on the device (%s), %s of the host (%s)\n",
			bench.Gigabytes(bench.Bytes(p.Memory.Device)), bench.Largest(p.Memory.Device), bench.Gigabytes(bench.Bytes(p.Memory.Host)), bench.Largest(p.Memory.Host))
	}
}

func (c *Console) printClaimPlans(plans []study.ClaimPlan) {
	for _, p := range plans {
		c.printf("\n%s (%s): %d paired seeds were explored, a verdict takes at least %d\n", p.Claim, p.Role, p.Pairs, p.MinSeeds)
		if p.Pilot != nil {
			c.printf("  too few to plan from; a pilot is needed: %s (%s)\n", p.Pilot.Command, p.Pilot.Cost)
			continue
		}
		if p.Obstacle != "" {
			c.printf("  nothing can be planned from these: %s\n", p.Obstacle)
			continue
		}
		for _, x := range p.Contrasts {
			c.printf("  %s (%s, margin %g): %+.3g, %s, %.3g from the margin, toward %s; SD %.3g, at most %.3g with %.0f%% confidence\n",
				x.Name, x.Relation, x.Margin, x.Estimate, x.Unit, x.Distance, x.Toward, x.SD, x.SDBound, 100*judge.Confidence)
		}
		c.printf("  seeds for a verdict with power %g, if the true effect is the one observed:\n", judge.Power)
		rows := [][]string{{"    level", "with the SD", "seeds", "interval", "that many cost"}}
		for _, x := range p.Needs {
			row := []string{fmt.Sprintf("    %.2g", x.Alpha), "observed"}
			if x.Spread == judge.BoundedSpread {
				row[1] = "at most"
			}
			if x.Cost == nil {
				row = append(row, "none: "+x.Reason)
			} else {
				row = append(row, strconv.Itoa(x.Seeds), fmt.Sprintf("+-%.3g", x.HalfWidth), x.Cost.String())
			}
			rows = append(rows, row)
		}
		c.printTable(rows)
	}
}
