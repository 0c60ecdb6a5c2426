package study

import (
	"context"
	"fmt"

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
	// Trained and Floor are the costs of one cell from start to end, Whole those of all selected cells, whatever is there
	// of them, and Rest those of what is not there.
	Trained Cost `json:"trained"`
	Floor   Cost `json:"floor"`
	Whole   Cost `json:"whole"`
	Rest    Cost `json:"rest"`
	// Analyses are beside the cells, and in none of these.
	Analyses Analyses `json:"analyses"`
	// Memory is that of a cell; nil if nothing says how many images there are.
	Memory *bench.Memory `json:"memory,omitempty"`
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

// Plan prices what is missing: from the stated time of a step, from stored runs, or else from a few steps measured now.
func (s *Study) Plan(ctx context.Context) (*Plan, error) {
	p, err := s.pricing(ctx)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Cells: p.statesOf(s.cells), SecondsPerCell: p.each.Wall.Seconds(), Basis: p.basis, Parallel: p.Parallel}
	for _, c := range plan.Cells {
		p.add(&plan.Rest, c, 1)
		c.State = Missing
		p.add(&plan.Whole, c, 1)
		one := &plan.Trained
		if c.Spec.Training.Features != bench.Trained {
			one = &plan.Floor
		}
		if one.Cells == 0 {
			p.add(one, c, 1)
		}
	}
	plan.EstimatedSeconds = plan.Rest.WallSeconds
	plan.Analyses = p.left
	plan.Analyses.price(p)
	if x, ok := s.extent(); ok {
		plan.Memory = new(s.memory(x))
	}
	if len(s.opts.Claims) > 0 && s.source.Tree != nil { // without the data nothing was explored
		plan.Claims, err = s.planClaims(ctx, p)
	}
	return plan, err
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
