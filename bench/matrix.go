package bench

import "github.com/cidbench/cidbench/bench/dataset"

// Matrix lists the cells of the claims of a tier, for seeds 0 to seeds-1, floors first and then seed by
// seed, so that whatever is finished is paired. Cells that are the same run appear once.
func (c *Catalogue) Matrix(t *Tier, claims []*Claim, seeds int, env Environment) []Cell {
	m := c.newMatrix(t, env)
	for seed := range uint64(seeds) {
		for _, id := range c.Floors {
			m.add(c.Arm(id), 0, seed)
		}
	}
	for seed := range uint64(seeds) {
		for _, claim := range claims {
			for _, id := range claim.Arms() {
				m.add(c.Arm(id), claim.Temperature, seed)
			}
		}
	}
	return m.cells
}

// SweepMatrix lists the cells of a sweep at the tier's temperature: floors and reference first, and then
// seed by seed. A cell that a claim has too is the same run.
func (c *Catalogue) SweepMatrix(t *Tier, sweep *Sweep, seeds int, env Environment) []Cell {
	m := c.newMatrix(t, env)
	for seed := range uint64(seeds) {
		for _, id := range append([]string{sweep.Reference}, c.Floors...) {
			m.add(c.Arm(id), 0, seed)
		}
	}
	arms := sweep.Arms()
	for seed := range uint64(seeds) {
		for _, arm := range arms {
			m.add(arm, 0, seed)
		}
	}
	return m.cells
}

// matrix collects cells, each run once.
type matrix struct {
	tier  *Tier
	data  *dataset.Source
	env   Environment
	seen  map[string]bool
	cells []Cell
}

func (c *Catalogue) newMatrix(t *Tier, env Environment) *matrix {
	return &matrix{tier: t, data: c.Dataset(t.Dataset), env: env, seen: map[string]bool{}}
}

func (m *matrix) add(arm *Arm, temperature float64, seed uint64) {
	if temperature == 0 || arm.Features != Trained { // floors do not depend on it
		temperature = m.tier.Train.Scale().Temperature
	}
	cell := Cell{Arm: arm.ID, Temperature: temperature, Seed: seed, Spec: m.tier.Spec(arm, temperature, seed, m.data, m.env)}
	if run := cell.Spec.ID(); !m.seen[run] {
		m.seen[run] = true
		cell.Seed = cell.Spec.Seed
		m.cells = append(m.cells, cell)
	}
}
