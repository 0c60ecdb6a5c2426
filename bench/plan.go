package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cidbench/cidbench/registry"
)

// Plan is what is fixed, for a tier, before the runs that confirm: which claims, on which seeds, when they are looked
// at, and how often a verdict may be wrong. A claim of the tier that no plan names is exploratory: judged on the
// seeds from 0 on, at a level of its own, and nothing else is corrected for it.
type Plan struct {
	Tier string
	// Primary and Secondary are claims, by id. The primaries share Alpha equally. The secondaries share it as well, and
	// count only once all primaries are decided.
	Primary, Secondary []string
	// FirstSeed begins the seeds that confirm. No exploration uses them.
	FirstSeed uint64
	// Looks are the numbers of seeds at which claims are judged until they are decided.
	Looks []int
	// Alpha bounds the probability of any wrong verdict among the claims of the plan.
	Alpha float64
	// Basis says what was known when the plan was made, and from where.
	Basis string
}

// Role is the place of a claim in a plan.
type Role string

// The roles.
const (
	Primary     Role = "primary"
	Secondary   Role = "secondary"
	Exploratory Role = "exploratory"
)

// Role is the place of a claim in the plan; without a plan every claim is exploratory.
func (p *Plan) Role(claim string) Role {
	switch {
	case p != nil && slices.Contains(p.Primary, claim):
		return Primary
	case p != nil && slices.Contains(p.Secondary, claim):
		return Secondary
	}
	return Exploratory
}

// Share of Alpha that a claim of the plan may spend over all looks.
func (p *Plan) Share(claim string) float64 {
	if p.Role(claim) == Primary {
		return p.Alpha / float64(len(p.Primary))
	}
	return p.Alpha / float64(len(p.Secondary))
}

// Claims are the ids of those that the plan confirms.
func (p *Plan) Claims() []string { return slices.Concat(p.Primary, p.Secondary) }

// SeedsAt are the seeds of a look, from 0; there are len(Looks) of them.
func (p *Plan) SeedsAt(look int) Seeds { return Seeds{p.FirstSeed, p.Looks[look]} }

// LastSeeds are the seeds of the last look.
func (p *Plan) LastSeeds() Seeds { return p.SeedsAt(len(p.Looks) - 1) }

func (p *Plan) validate(c *Catalogue) error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	t := c.Tier(p.Tier)
	if t == nil {
		fail("tier %q is unknown", p.Tier)
	}
	if len(p.Primary) == 0 || p.Basis == "" || !(p.Alpha > 0 && p.Alpha < 0.5) {
		fail("primary claims, basis and alpha must be given")
	}
	if len(p.Looks) == 0 || p.Looks[0] < 2 || !slices.IsSorted(p.Looks) || len(slices.Compact(slices.Clone(p.Looks))) < len(p.Looks) {
		fail("looks must rise, from 2 seeds on")
	}
	seen := map[string]bool{}
	for _, id := range p.Claims() {
		claim := c.Claim(id)
		switch {
		case claim == nil:
			fail("claim %q is unknown", id)
			continue
		case seen[id]:
			fail("claim %q stands in it twice", id)
		case t != nil && !claim.In(t.ID), t != nil && t.NotTestable[claim.Thesis] != "":
			fail("claim %q is not tested in the tier", id)
		case len(claim.Trends) > 0:
			fail("claim %q rests on a sweep, whose seeds are not the plan's", id)
		case len(p.Looks) > 0 && claim.MinSeeds > p.Looks[0]:
			fail("claim %q asks for %d seeds, and the first look has %d", id, claim.MinSeeds, p.Looks[0])
		}
		seen[id] = true
	}
	if t != nil && p.FirstSeed < uint64(t.Seeds) {
		fail("the seeds from %d on are used to explore", p.FirstSeed)
	}
	return errors.Join(errs...)
}

// Seeds are N seeds from First on.
type Seeds struct {
	First uint64 `json:"first"`
	N     int    `json:"n"`
}

// All lists them.
func (s Seeds) All() (all []uint64) {
	for i := range uint64(s.N) {
		all = append(all, s.First+i)
	}
	return all
}

// Explored are the seeds from 0 on.
func Explored(n int) Seeds { return Seeds{0, n} }

// PlanSpec is a plan as a registry keeps it, in the manner of a run: the claims with all that their verdicts depend
// on, and the ids of the runs that confirm, which fix every setting. Words are not part of it.
type PlanSpec struct {
	Scheme    int            `json:"scheme"` // KeyScheme
	Kind      string         `json:"kind"`   // "plan"
	Tier      string         `json:"tier"`
	Alpha     float64        `json:"alpha"`
	FirstSeed uint64         `json:"first_seed"`
	Looks     []int          `json:"looks"`
	Gain      Gain           `json:"gain"`
	Claims    []PlannedClaim `json:"claims"`
	Analysis  string         `json:"analysis"` // the protocol
	Runs      []string       `json:"runs"`
}

// PlannedClaim is a claim in a PlanSpec.
type PlannedClaim struct {
	ID           string        `json:"id"`
	Role         Role          `json:"role"`
	Temperature  float64       `json:"temperature"`
	Contrasts    []Contrast    `json:"contrasts,omitempty"`
	Observations []Observation `json:"observations,omitempty"`
	Assay        *Contrast     `json:"assay,omitempty"`
	Specific     *Contrast     `json:"specific,omitempty"`
}

// planKind marks the keys of plans.
const planKind = "plan"

// IsPlan says whether the key is that of a plan.
func (s Stored) IsPlan() bool { return s.Kind == planKind }

// Key and ID are as those of Spec.
func (s PlanSpec) Key() json.RawMessage { return key(s) }

// ID is the plan's name in the registry.
func (s PlanSpec) ID() string { return runID(key(s)) }

// PlanSpec makes the record of a tier's plan. The catalogue must be valid.
func (c *Catalogue) PlanSpec(p *Plan, env Environment) PlanSpec {
	t := c.Tier(p.Tier)
	s := PlanSpec{
		Scheme: KeyScheme, Kind: planKind, Tier: p.Tier, Alpha: p.Alpha, FirstSeed: p.FirstSeed, Looks: p.Looks,
		Gain: c.Gain, Analysis: t.Analysis.ID(),
	}
	claims := c.Planned(p)
	for _, claim := range claims {
		s.Claims = append(s.Claims, PlannedClaim{
			ID: claim.ID, Role: p.Role(claim.ID), Temperature: t.Temperature(claim), Contrasts: claim.Contrasts, Observations: claim.Observations,
			Assay: claim.Assay, Specific: claim.Specific,
		})
	}
	for _, cell := range c.Confirming(t, claims, p.LastSeeds(), env) {
		s.Runs = append(s.Runs, cell.Spec.ID())
	}
	return s
}

// Registration is a plan in a registry.
type Registration struct {
	Plan     string          `json:"plan"`     // PlanSpec.ID
	Manifest registry.Digest `json:"manifest"` // of its record
	At       time.Time       `json:"at"`       // when it was registered, by the clock of the machine that did
}

// Register keeps a plan in the registry, once and for all: registered again, the first time and basis stand. basis is
// the plan's. The runner needs Registry, Backend and Command.
func (r *Runner) Register(ctx context.Context, s PlanSpec, basis string) (Registration, error) {
	if before, err := Registered(ctx, r.Registry, s); !errors.Is(err, registry.ErrNotExist) {
		return before, err
	}
	if err := r.record(ctx, s.Key(), map[string]any{"basis": basis, "runs": len(s.Runs)}); err != nil {
		return Registration{}, err
	}
	return Registered(ctx, r.Registry, s)
}

// record keeps what is no training in the manner of a run that took no time. result becomes a JSON object.
func (r *Runner) record(ctx context.Context, key json.RawMessage, result any) error {
	p := r.provenance(time.Now())
	p.Finished = p.Started
	_, err := r.Registry.Commit(ctx, registry.Manifest{Status: registry.Complete, Key: key, Result: must(json.Marshal(result)), Provenance: p})
	return err
}

// Registered finds a plan in the registry. The error wraps registry.ErrNotExist if it is not there.
func Registered(ctx context.Context, reg *registry.Registry, s PlanSpec) (Registration, error) {
	m, digest, err := reg.Run(ctx, s.ID())
	if err != nil {
		return Registration{}, fmt.Errorf("plan %s: %w", s.ID(), err)
	}
	return Registration{Plan: m.Run, Manifest: digest, At: m.Provenance.Finished}, nil
}
