package bench

// Matrix lists the cells with which claims of a tier are explored, controls included: floors first and then seed by
// seed, so that whatever is finished is paired. Cells that are the same run appear once.
// Claims about trends have cells of their sweeps, for the sweeps' seeds, and a tier with targets has the arms of these.
func (c *Catalogue) Matrix(t *Tier, claims []*Claim, seeds Seeds, env Environment) []Cell {
	groups := c.claimed(claims, (*Claim).Arms, seeds)
	for _, claim := range claims {
		for _, x := range claim.Trends {
			sweep := c.Sweep(x.Sweep)
			var arms []*Arm
			for _, fraction := range sweep.Fractions {
				arms = append(arms, x.Line.Arm(fraction))
			}
			explored := Explored(sweep.Seeds)
			groups = append(groups, group{explored, c.at(0, sweep.Reference)}, group{explored, usual(arms)})
		}
	}
	return c.cells(t, env, append(groups, c.targeted(t, seeds))...)
}

// Confirming lists the cells that verdicts on claims rest on, without controls.
func (c *Catalogue) Confirming(t *Tier, claims []*Claim, seeds Seeds, env Environment) []Cell {
	return c.cells(t, env, append(c.claimed(claims, (*Claim).Judged, seeds), c.targeted(t, seeds))...)
}

// claimed are the floors, and some of the arms of claims with those of the gain.
func (c *Catalogue) claimed(claims []*Claim, of func(*Claim) []string, seeds Seeds) []group {
	var arms []placed
	for _, claim := range claims {
		ids := of(claim)
		if len(claim.Contrasts) > 0 {
			ids = append([]string{c.Gain.Of, c.Gain.Over}, ids...)
		}
		arms = append(arms, c.at(claim.Temperature, ids...)...)
	}
	return []group{{seeds, c.at(0, c.Floors...)}, {seeds, arms}}
}

// SweepMatrix lists the cells of a sweep at the tier's temperature: floors and reference first, and then
// seed by seed. A cell that a claim has too is the same run.
func (c *Catalogue) SweepMatrix(t *Tier, sweep *Sweep, seeds Seeds, env Environment) []Cell {
	first := append(c.at(0, sweep.Reference), c.at(0, c.Floors...)...)
	return c.cells(t, env, group{seeds, first}, group{seeds, usual(sweep.Arms())})
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

// usual places arms at the tier's temperature.
func usual(arms []*Arm) (all []placed) {
	for _, arm := range arms {
		all = append(all, placed{arm, 0})
	}
	return all
}

// group is arms on some seeds.
type group struct {
	seeds Seeds
	arms  []placed
}

// cells goes through groups of arms, each seed by seed, and lists each run once.
func (c *Catalogue) cells(t *Tier, env Environment, groups ...group) (cells []Cell) {
	data, seen := c.Dataset(t.Dataset), map[string]bool{}
	for _, g := range groups {
		for _, seed := range g.seeds.All() {
			for _, p := range g.arms {
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
