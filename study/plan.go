package study

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// Plan is what there is of the cells, what the rest costs, and which seeds the claims need that were asked for
// by name.
type Plan struct {
	Cells            []CellState `json:"cells"`
	SecondsPerCell   float64     `json:"secondsPerCell"`
	Basis            string      `json:"basis"` // of SecondsPerCell
	Parallel         int         `json:"parallel"`
	EstimatedSeconds float64     `json:"estimatedSeconds"`
	Claims           []ClaimPlan `json:"claims,omitempty"`
	Rest             Cost        `json:"-"`
}

// ClaimPlan is what a verdict on a claim needs: more seeds, or first a pilot.
type ClaimPlan struct {
	judge.Plan
	Role  bench.Role `json:"role"` // in the tier's plan, whose last look gives the level
	Needs []Need     `json:"needs,omitempty"`
	Pilot *Pilot     `json:"pilot,omitempty"`
}

// Need is a number of seeds with its cost.
type Need struct {
	judge.Need
	Cost *Cost `json:"cost,omitempty"` // nil if no number of seeds is named
}

// Pilot is the least that can be planned from.
type Pilot struct {
	Command string `json:"command"`
	Seeds   int    `json:"seeds"`
	Cost    Cost   `json:"cost"`
}

// Plan prices what is missing, from stored runs or else from a few steps measured now.
func (s *Study) Plan(ctx context.Context) (*Plan, error) {
	p, err := s.pricing(ctx)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Cells: p.statesOf(s.cells), SecondsPerCell: p.each.Wall.Seconds(), Basis: p.basis, Parallel: p.Parallel}
	for _, c := range plan.Cells {
		p.add(&plan.Rest, c, 1)
	}
	plan.EstimatedSeconds = plan.Rest.WallSeconds
	if len(s.opts.Claims) > 0 {
		plan.Claims, err = s.planClaims(ctx, p)
	}
	return plan, err
}

// pricing takes note of where cells stand. If one was trained, the mean of those is what each costs.
func (s *Study) pricing(ctx context.Context) (*pricing, error) {
	p := &pricing{Workers: s.opts.Workers, steps: s.tier.Train.Scale().Steps, held: s.seeds, known: map[string]CellState{}}
	cells := s.cells
	if len(s.opts.Claims) > 0 {
		p.held = max(p.held, s.heldSeeds())
		cells = union(cells, s.exploring(s.claims, p.held))
	}
	all, err := s.states(ctx, cells)
	if err != nil {
		return nil, err
	}
	var runs, seconds, bytes float64 // of trained cells with a wall time
	for _, c := range all {
		p.known[c.Run] = c
		if c.Spec.Training.Features == bench.Trained && c.Seconds > 0 {
			runs++
			seconds += c.Seconds
			bytes += float64(c.Bytes)
		}
	}
	if runs > 0 {
		p.each = bench.Cost{Wall: time.Duration(seconds / runs * float64(time.Second)), Disk: int64(bytes / runs)}
		p.basis = fmt.Sprintf("mean of %.0f stored runs", runs)
	} else if slices.ContainsFunc(all, CellState.unfinished) {
		p.basis = "measured now, with one cell alone"
		data, err := s.data()
		if err != nil {
			return nil, err
		}
		if p.each, err = bench.Estimate(ctx, s.tier, data, s.backend, p.Threads); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// planClaims plans each selected claim from all pairs that were explored.
func (s *Study) planClaims(ctx context.Context, p *pricing) ([]ClaimPlan, error) {
	in, err := s.input(ctx, extent{cells: s.exploring(s.claims, p.held)})
	if err != nil {
		return nil, err
	}
	in.Plan, in.Seeds = nil, p.held
	r, err := judge.Build(in)
	if err != nil {
		return nil, err
	}
	var plans []ClaimPlan
	for i := range r.Claims {
		c := &r.Claims[i]
		plan := ClaimPlan{Plan: judge.PlanSeeds(c), Role: s.plan.Role(c.ID)}
		cells := p.statesOf(s.exploring(s.claims[i:i+1], p.held+1))
		cost := func(seeds int) Cost { return p.price(cells, seeds) }
		level := model.Alpha
		if plan.Role != bench.Exploratory {
			fresh := s.catalogue.Confirming(s.tier, s.claims[i:i+1], bench.Seeds{First: s.plan.FirstSeed, N: 1}, s.env)
			cost = func(seeds int) (total Cost) {
				for _, cell := range fresh {
					p.add(&total, CellState{Cell: cell, State: Missing}, seeds)
				}
				return total
			}
			levels, err := stats.OBrienFleming(s.plan.Share(c.ID), s.plan.Looks)
			if err != nil {
				return nil, err
			}
			level = levels[len(levels)-1]
		}
		for _, x := range plan.Plan.Needs(level) {
			next := Need{Need: x}
			if x.Seeds > 0 {
				next.Cost = new(cost(x.Seeds))
			}
			plan.Needs = append(plan.Needs, next)
		}
		if len(plan.Needs) == 0 && plan.Obstacle == "" {
			plan.Pilot = &Pilot{
				Command: fmt.Sprintf("%s run --tier %s --claim %s --explore --seeds %d", s.opts.Program, s.tier.ID, c.ID, c.MinSeeds),
				Seeds:   c.MinSeeds, Cost: p.price(cells, c.MinSeeds),
			}
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

// Cost is what it takes to run what is missing.
type Cost struct {
	Cells       int     `json:"cells"` // to run, or to go on with
	WallSeconds float64 `json:"wallSeconds"`
	CPUHours    float64 `json:"cpuHours"`
	DiskBytes   float64 `json:"diskBytes"`
}

// Wall is the time it takes, in whole seconds.
func (c Cost) Wall() time.Duration {
	return time.Duration(c.WallSeconds * float64(time.Second)).Round(time.Second)
}

// String reads like "8 cells, about 2m0s, 0.10 CPU hours, 30 MB".
func (c Cost) String() string {
	if c.Cells == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%d cells, about %s, %.2f CPU hours, %.0f MB", c.Cells, c.Wall(), c.CPUHours, c.DiskBytes/1e6)
}

// pricing knows what is there and what a trained cell costs.
type pricing struct {
	Workers
	steps int // of a training
	held  int // seeds, counted from 0, whose cells are known
	known map[string]CellState
	each  bench.Cost
	basis string
}

// statesOf says where cells stand; those of seeds not held are missing.
func (p *pricing) statesOf(cells []bench.Cell) (states []CellState) {
	for _, cell := range cells {
		id := cell.Spec.ID()
		state, ok := p.known[id]
		if !ok {
			state = CellState{Run: id, State: Missing}
		}
		state.Cell = cell
		states = append(states, state)
	}
	return states
}

// price is the cost of running cells at so many seeds. The seeds beyond those held are all alike, so thousands
// of them cost no more to reckon than one.
func (p *pricing) price(cells []CellState, seeds int) (total Cost) {
	for _, c := range cells {
		times := 0
		switch seed := int(c.Seed); {
		case seed == p.held:
			times = max(0, seeds-p.held)
		case seed < seeds:
			times = 1
		}
		p.add(&total, c, times)
	}
	return total
}

// add reckons with so many cells like this one.
func (p *pricing) add(total *Cost, cell CellState, times int) {
	left, trained := 0.0, cell.Spec.Training.Features == bench.Trained // left is in whole trainings
	switch {
	case trained && cell.State == Begun:
		left = 1 - float64(cell.Step)/float64(cell.Spec.Training.Steps())
	case cell.State == Missing:
		left = float64(weight(cell.Cell)) / float64(p.steps)
	}
	if left == 0 || times == 0 {
		return
	}
	left *= float64(times)
	seconds := left * p.each.Wall.Seconds()
	total.Cells += times
	total.WallSeconds += seconds / float64(p.Parallel)
	total.CPUHours += seconds * float64(p.Threads) / 3600
	if trained {
		total.DiskBytes += left * float64(p.each.Disk)
	}
}
