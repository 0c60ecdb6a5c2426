package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/experiments"
	"github.com/cidbench/cidbench/report/judge"
)

// claimPlan is what a verdict on a claim needs: more seeds, or first a pilot.
type claimPlan struct {
	judge.Plan
	Needs []need `json:"needs,omitempty"`
	Pilot *pilot `json:"pilot,omitempty"`
}

type need struct {
	judge.Need
	Cost *cost `json:"cost,omitempty"` // nil if no number of seeds is named
}

type pilot struct {
	Command string `json:"command"`
	Seeds   int    `json:"seeds"`
	Cost    cost   `json:"cost"`
}

// cost is what it takes to run what is missing.
type cost struct {
	Cells       int     `json:"cells"` // to run, or to go on with
	WallSeconds float64 `json:"wallSeconds"`
	CPUHours    float64 `json:"cpuHours"`
	DiskBytes   float64 `json:"diskBytes"`
}

func (c cost) wall() time.Duration {
	return time.Duration(c.WallSeconds * float64(time.Second)).Round(time.Second)
}

func (c cost) String() string {
	if c.Cells == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%d cells, about %s, %.2f CPU hours, %.0f MB", c.Cells, c.wall(), c.CPUHours, c.DiskBytes/1e6)
}

// add reckons with so many cells like this one.
func (c *cost) add(p *pricing, cell cellState, times int) {
	left, trained := 0.0, cell.Spec.Training.Features == bench.Trained // left is in whole trainings
	switch {
	case trained && cell.State == "begun":
		left = 1 - float64(cell.Step)/float64(cell.Spec.Training.Config.Steps)
	case cell.State == "missing":
		left = float64(weight(cell.Cell)) / float64(p.tier.Train.Steps)
	}
	if left == 0 || times == 0 {
		return
	}
	left *= float64(times)
	seconds := left * p.each.Wall.Seconds()
	c.Cells += times
	c.WallSeconds += seconds / float64(p.parallel)
	c.CPUHours += seconds * float64(p.threads) / 3600
	if trained {
		c.DiskBytes += left * float64(p.each.Disk)
	}
}

// pricing knows what is there and what a trained cell costs.
type pricing struct {
	*session
	held  int // seeds, counted from 0, whose cells are known
	known map[string]cellState
	each  bench.Cost
	basis string
}

func (n *session) pricing(ctx context.Context) (*pricing, error) {
	p := &pricing{session: n, held: n.seeds, known: map[string]cellState{}}
	if len(n.options.claims) > 0 {
		stored, err := n.storedSeeds(ctx)
		if err != nil {
			return nil, err
		}
		p.held = max(p.held, stored)
	}
	states, err := n.states(ctx, n.matrix(n.claims, p.held))
	if err != nil {
		return nil, err
	}
	var runs, seconds, bytes float64 // of trained cells with a wall time
	missing := false
	for _, c := range states {
		p.known[c.Run] = c
		if c.Spec.Training.Features == bench.Trained && c.Seconds > 0 {
			runs++
			seconds += c.Seconds
			bytes += float64(c.Bytes)
		}
		missing = missing || c.State == "missing" || c.State == "begun"
	}
	switch {
	case runs > 0:
		p.each = bench.Cost{Wall: time.Duration(seconds / runs * float64(time.Second)), Disk: int64(bytes / runs)}
		p.basis = fmt.Sprintf("mean of %.0f stored runs", runs)
	case missing:
		p.basis = "measured now, with one cell alone"
		p.each, err = bench.Estimate(ctx, n.tier, n.data, n.backend, n.threads)
	}
	return p, err
}

// storedSeeds is the number of seeds, counted from 0, of which the registry may hold runs.
func (n *session) storedSeeds(ctx context.Context) (seeds int, err error) {
	for m, err := range n.reg.Manifests(ctx) {
		if err != nil {
			return 0, err
		}
		var spec bench.Spec
		if json.Unmarshal(m.Key, &spec) == nil && spec.Backend == n.env.Backend && spec.Code == n.env.Code && spec.Dataset.Name == n.tier.Dataset {
			seeds = max(seeds, int(spec.Seed)+1)
		}
	}
	return seeds, nil
}

// statesOf says where cells stand; those of seeds not held are missing.
func (p *pricing) statesOf(cells []bench.Cell) (states []cellState) {
	for _, cell := range cells {
		id := cell.Spec.ID()
		state, ok := p.known[id]
		if !ok {
			state = cellState{Run: id, State: "missing"}
		}
		state.Cell = cell
		states = append(states, state)
	}
	return states
}

// price is the cost of running a claim at so many seeds. The seeds beyond those held are all alike, so
// thousands of them cost no more to reckon than one.
func (p *pricing) price(cells []cellState, seeds int) (total cost) {
	for _, c := range cells {
		times := 0
		switch seed := int(c.Seed); {
		case seed == p.held:
			times = max(0, seeds-p.held)
		case seed < seeds:
			times = 1
		}
		total.add(p, c, times)
	}
	return total
}

// planClaims plans each selected claim from the pairs that are stored.
func (n *session) planClaims(ctx context.Context, p *pricing) ([]claimPlan, error) {
	stored := *n
	stored.seeds = p.held
	stored.cells = stored.matrix(stored.claims, stored.seeds)
	r, err := stored.report(ctx)
	if err != nil {
		return nil, err
	}
	inTier, err := experiments.All.Select(n.tier.ID, nil)
	if err != nil {
		return nil, err
	}
	var plans []claimPlan
	for i := range r.Claims {
		c := &r.Claims[i]
		families := []int{1}
		if all := n.atTemperature(inTier, c.Temperature); all > 1 {
			families = append(families, all)
		}
		plan := claimPlan{Plan: judge.PlanSeeds(c)}
		cells := p.statesOf(n.matrix(n.claims[i:i+1], p.held+1))
		for _, family := range families {
			for _, x := range plan.Plan.Needs(family) {
				next := need{Need: x}
				if x.Seeds > 0 {
					price := p.price(cells, x.Seeds)
					next.Cost = &price
				}
				plan.Needs = append(plan.Needs, next)
			}
		}
		if len(plan.Needs) == 0 {
			plan.Pilot = &pilot{
				Command: fmt.Sprintf("cidbench run --tier %s --claim %s --seeds %d", n.tier.ID, c.ID, c.MinSeeds),
				Seeds:   c.MinSeeds, Cost: p.price(cells, c.MinSeeds),
			}
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

// atTemperature counts the claims that are tested at a temperature: they are corrected for together.
func (n *session) atTemperature(claims []*bench.Claim, temperature float64) (count int) {
	for _, c := range claims {
		if cmp.Or(c.Temperature, n.tier.Train.Temperature) == temperature {
			count++
		}
	}
	return count
}

func printClaimPlans(s *state, plans []claimPlan) error {
	for _, p := range plans {
		fmt.Fprintf(s.stdout, "\n%s: %d paired seeds are stored, a verdict takes at least %d\n", p.Claim, p.Pairs, p.MinSeeds)
		if p.Pilot != nil {
			fmt.Fprintf(s.stdout, "  too few to plan from; a pilot is needed: %s (%s)\n", p.Pilot.Command, p.Pilot.Cost)
			continue
		}
		for _, x := range p.Contrasts {
			fmt.Fprintf(s.stdout, "  %s (%s, margin %g): %+.3g %s, %.3g from the margin, toward %s; SD %.3g, at most %.3g with %.0f%% confidence\n",
				x.Name, x.Relation, x.Margin, x.Estimate, x.Unit, x.Distance, x.Toward, x.SD, x.SDBound, 100*judge.Confidence)
		}
		fmt.Fprintf(s.stdout, "  seeds for a verdict with power %g, if the true difference is the one observed:\n", judge.Power)
		table := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "    judged\twith the SD\tseeds\tinterval\tstill to run")
		for _, x := range p.Needs {
			judged := "alone"
			if x.Family > 1 {
				judged = fmt.Sprintf("among %d claims", x.Family)
			}
			spread := "observed"
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
