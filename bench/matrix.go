package bench

// Matrix lists the cells with which claims of a tier are explored, controls included: floors first and then seed by
// seed, so that whatever is finished is paired. Cells that are the same run appear once.
// Claims about trends have cells of their sweeps, for the sweeps' seeds.
func (c *Catalogue) Matrix(t *Tier, claims []*Claim, seeds Seeds, env Environment) []Cell {
	cells := c.claimed(t, claims, (*Claim).Arms, seeds, env)
	seen := map[string]bool{}
	for _, cell := range cells {
		seen[cell.Spec.ID()] = true
	}
	for _, claim := range claims {
		for _, x := range claim.Trends {
			sweep := c.Sweep(x.Sweep)
			var arms []placed
			for _, fraction := range sweep.Fractions {
				arms = append(arms, placed{x.Line.Arm(fraction), 0})
			}
			for _, cell := range c.cells(t, Explored(sweep.Seeds), env, c.at(0, sweep.Reference), arms) {
				if run := cell.Spec.ID(); !seen[run] {
					seen[run] = true
					cells = append(cells, cell)
				}
			}
		}
	}
	return cells
}

// Confirming lists the cells that verdicts on claims rest on, without controls.
func (c *Catalogue) Confirming(t *Tier, claims []*Claim, seeds Seeds, env Environment) []Cell {
	return c.claimed(t, claims, (*Claim).Judged, seeds, env)
}

func (c *Catalogue) claimed(t *Tier, claims []*Claim, of func(*Claim) []string, seeds Seeds, env Environment) []Cell {
	var arms []placed
	for _, claim := range claims {
		ids := of(claim)
		if len(claim.Contrasts) > 0 {
			ids = append([]string{c.Gain.Of, c.Gain.Over}, ids...)
		}
		arms = append(arms, c.at(claim.Temperature, ids...)...)
	}
	return c.cells(t, seeds, env, c.at(0, c.Floors...), arms)
}

// SweepMatrix lists the cells of a sweep at the tier's temperature: floors and reference first, and then
// seed by seed. A cell that a claim has too is the same run.
func (c *Catalogue) SweepMatrix(t *Tier, sweep *Sweep, seeds Seeds, env Environment) []Cell {
	var arms []placed
	for _, arm := range sweep.Arms() {
		arms = append(arms, placed{arm, 0})
	}
	return c.cells(t, seeds, env, append(c.at(0, sweep.Reference), c.at(0, c.Floors...)...), arms)
}

// placed is an arm at a temperature; 0 means the tier's.
type placed struct {
	arm         *Arm
	temperature float64
}

func (c *Catalogue) at(temperature float64, ids ...string) (arms []placed) {
	for _, id := range ids {
		arms = append(arms, placed{c.Arm(id), temperature})
	}
	return arms
}

// cells goes through groups of arms, each seed by seed, and lists each run once.
func (c *Catalogue) cells(t *Tier, seeds Seeds, env Environment, groups ...[]placed) (cells []Cell) {
	data, seen := c.Dataset(t.Dataset), map[string]bool{}
	for _, group := range groups {
		for _, seed := range seeds.All() {
			for _, p := range group {
				temperature := t.TemperatureOf(p.arm, p.temperature)
				spec := t.Spec(p.arm, temperature, seed, data, env)
				if run := spec.ID(); !seen[run] {
					seen[run] = true
					cells = append(cells, Cell{Arm: p.arm.ID, Temperature: temperature, Seed: spec.Seed, Spec: spec})
				}
			}
		}
	}
	return cells
}
