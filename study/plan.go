package study

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/judge"
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

	Rest Cost `json:"-"`
}

// ClaimPlan is what a verdict on a claim needs: more seeds, or first a pilot.
type ClaimPlan struct {
	judge.Plan
	Needs []Need `json:"needs,omitempty"`
	Pilot *Pilot `json:"pilot,omitempty"`
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

func (s *Study) pricing(ctx context.Context) (*pricing, error) {
	p := &pricing{Workers: s.opts.Workers, steps: s.tier.Train.Scale().Steps, held: s.seeds, known: map[string]CellState{}}
	if len(s.opts.Claims) > 0 {
		p.held = max(p.held, s.held.seeds(s.tier, version{s.env.Backend, s.env.Method}))
	}
	all, err := states(ctx, s.reg, s.matrix(s.claims, p.held))
	if err != nil {
		return nil, err
	}
	p.learn(all)
	unfinished := func(c CellState) bool { return c.State == Missing || c.State == Begun }
	if p.basis == "" && slices.ContainsFunc(all, unfinished) {
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

// planClaims plans each selected claim from all pairs that are stored.
func (s *Study) planClaims(ctx context.Context, p *pricing) ([]ClaimPlan, error) {
	r, err := s.report(ctx, extent{seeds: p.held, cells: s.matrix(s.claims, p.held)})
	if err != nil {
		return nil, err
	}
	inTier, err := s.catalogue.Select(s.tier.ID, nil)
	if err != nil {
		return nil, err
	}
	var plans []ClaimPlan
	for i := range r.Claims {
		c := &r.Claims[i]
		plan := ClaimPlan{Plan: judge.PlanSeeds(c)}
		cells := p.statesOf(s.matrix(s.claims[i:i+1], p.held+1))
		families := []int{1}
		if all := s.atTemperature(inTier, c.Temperature); all > 1 {
			families = append(families, all)
		}
		for _, family := range families {
			for _, x := range plan.Plan.Needs(family) {
				next := Need{Need: x}
				if x.Seeds > 0 {
					price := p.price(cells, x.Seeds)
					next.Cost = &price
				}
				plan.Needs = append(plan.Needs, next)
			}
		}
		if len(plan.Needs) == 0 {
			plan.Pilot = &Pilot{
				Command: fmt.Sprintf("%s run --tier %s --claim %s --seeds %d", s.opts.Program, s.tier.ID, c.ID, c.MinSeeds),
				Seeds:   c.MinSeeds, Cost: p.price(cells, c.MinSeeds),
			}
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

// atTemperature counts the claims that are tested at a temperature: they are corrected for together.
func (s *Study) atTemperature(claims []*bench.Claim, temperature float64) (count int) {
	for _, c := range claims {
		if cmp.Or(c.Temperature, s.tier.Train.Scale().Temperature) == temperature {
			count++
		}
	}
	return count
}
