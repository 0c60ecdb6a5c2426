// Package bench is the engine: it knows what an experiment is (arms, claims, tiers), turns it into a
// matrix of cells, trains and probes each cell once, and keeps what came out in a registry.
//
// The experiments themselves are data and live in package experiments; verdicts live in package report.
package bench

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/cidbench/cidbench/bench/dataset"
)

// Paper is what the claims of a catalogue are quoted from.
type Paper struct {
	Title   string `json:"title"`
	Authors string `json:"authors"`
	Link    string `json:"link"`
	Summary string `json:"summary"` // what it claims, in a sentence
	// Statements are what a reader wants an answer to, the most important first.
	Statements []Statement `json:"statements"`
}

// Statement is one of the paper's, with the theses of the claims that test it.
type Statement struct {
	Text   string   `json:"text"`
	Theses []string `json:"theses"`
	// Many names what the theses are if they are too many to tell one by one, such as "treatments".
	Many string `json:"many,omitempty"`
}

// Catalogue is a set of experiments: all that a program knows of a paper.
type Catalogue struct {
	Paper    Paper
	Datasets []*dataset.Source
	Arms     []*Arm
	Claims   []*Claim
	Sweeps   []*Sweep
	Tiers    []*Tier
	// Floors are the arms that every tier runs besides those of its claims, Gain what margins are shares of.
	Floors []string
	Gain   Gain
	// Plans fix, for some tiers, what is confirmed.
	Plans []*Plan
}

// Arm finds an arm by id, those of sweeps included; nil if there is none.
func (c *Catalogue) Arm(id string) *Arm {
	all := slices.Clone(c.Arms)
	for _, sweep := range c.Sweeps {
		all = append(all, sweep.Arms()...)
	}
	return find(all, func(a *Arm) bool { return a.ID == id })
}

// Sweep finds a sweep by id; nil if there is none.
func (c *Catalogue) Sweep(id string) *Sweep {
	return find(c.Sweeps, func(s *Sweep) bool { return s.ID == id })
}

// Dataset finds a data set by name; nil if there is none.
func (c *Catalogue) Dataset(name string) *dataset.Source {
	return find(c.Datasets, func(s *dataset.Source) bool { return s.Name == name })
}

// With is the catalogue with a data set in the place of the one of the same name, or as a further one.
func (c *Catalogue) With(data *dataset.Source) *Catalogue {
	changed := *c
	changed.Datasets = append(slices.DeleteFunc(slices.Clone(c.Datasets), func(s *dataset.Source) bool { return s.Name == data.Name }), data)
	return &changed
}

// Tier finds a tier by id; nil if there is none.
func (c *Catalogue) Tier(id string) *Tier {
	return find(c.Tiers, func(t *Tier) bool { return t.ID == id })
}

func find[T any](all []*T, is func(*T) bool) *T {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i]
	}
	return nil
}

// Plan finds the plan of a tier; nil if there is none.
func (c *Catalogue) Plan(tier string) *Plan {
	return find(c.Plans, func(p *Plan) bool { return p.Tier == tier })
}

// Claim finds a claim by id; nil if there is none.
func (c *Catalogue) Claim(id string) *Claim {
	return find(c.Claims, func(c *Claim) bool { return c.ID == id })
}

// Planned are the claims of a plan.
func (c *Catalogue) Planned(p *Plan) (claims []*Claim) {
	for _, id := range p.Claims() {
		claims = append(claims, c.Claim(id))
	}
	return claims
}

// Select returns the claims of a tier whose id matches one of the patterns (as in path.Match: "hardest5",
// "hardest01-*"); all of them when there is none.
func (c *Catalogue) Select(tier string, patterns []string) ([]*Claim, error) {
	var out []*Claim
	var in []string // the tier
	used := map[string]bool{}
	for _, claim := range c.Claims {
		if !claim.In(tier) {
			continue
		}
		in = append(in, claim.ID)
		wanted := len(patterns) == 0
		for _, pattern := range patterns {
			match, err := path.Match(pattern, claim.ID)
			if err != nil {
				return nil, fmt.Errorf("claim %q: %w", pattern, err)
			}
			if match {
				wanted, used[pattern] = true, true
			}
		}
		if wanted {
			out = append(out, claim)
		}
	}
	for _, pattern := range patterns {
		if !used[pattern] {
			return nil, fmt.Errorf("%w (tier %s; `list` shows the claims)", Unknown("claim", pattern, in), tier)
		}
	}
	return out, nil
}

// Validate reports everything that is wrong with a catalogue: with its parts, and with what they name.
func (c *Catalogue) Validate() error {
	var errs []error
	seen := map[string]bool{}
	part := func(kind, id string, wrong ...error) {
		if seen[kind+" "+id] {
			wrong = append(wrong, errors.New("it is defined twice"))
		}
		seen[kind+" "+id] = true
		if err := errors.Join(wrong...); err != nil {
			errs = append(errs, fmt.Errorf("%s %q: %w", kind, id, err))
		}
	}
	unknown := func(ids []string, known func(id string) bool, what string) (errs []error) {
		for _, id := range ids {
			if !known(id) {
				errs = append(errs, fmt.Errorf("%s %q is unknown", what, id))
			}
		}
		return errs
	}
	arm := func(id string) bool { return c.Arm(id) != nil }
	probes := map[string]bool{}

	for _, d := range c.Datasets {
		part("data set", d.Name, d.Validate())
	}
	for _, a := range c.Arms {
		part("arm", a.ID, a.Validate())
	}
	for _, s := range c.Sweeps {
		part("sweep", s.ID, append(unknown([]string{s.Reference}, arm, "arm"), s.Validate())...)
		for _, a := range s.Arms() {
			part("arm", a.ID, a.Validate())
		}
	}
	for _, t := range c.Tiers {
		probes[t.Probe.ID()] = true
		part("tier", t.ID, append(unknown([]string{t.Dataset}, func(name string) bool { return c.Dataset(name) != nil }, "data set"), t.Validate(), c.CheckTargets(t))...)
	}
	for _, claim := range c.Claims {
		wrong := append(unknown(claim.Arms(), arm, "arm"), claim.Validate())
		wrong = append(wrong, unknown(claim.Tiers, func(id string) bool { return c.Tier(id) != nil }, "tier")...)
		if len(claim.Contrasts) > 0 && !probes[claim.Probe] {
			wrong = append(wrong, fmt.Errorf("no tier has the probe %q", claim.Probe))
		}
		for _, x := range claim.Observations {
			if a := c.Arm(x.Arm); a != nil && a.Features != Trained {
				wrong = append(wrong, fmt.Errorf("it observes %q, which is not trained", x.Arm))
			}
		}
		for _, x := range claim.Trends {
			if s := c.Sweep(x.Sweep); s == nil || !slices.Contains(s.Lines, x.Line) {
				wrong = append(wrong, fmt.Errorf("sweep %q has no line %q", x.Sweep, x.Line))
			}
		}
		part("claim", claim.ID, wrong...)
	}
	for _, s := range c.Paper.Statements {
		part("statement", s.Text, s.validate(c.Claims)...)
	}
	for _, p := range c.Plans {
		part("plan of tier", p.Tier, p.validate(c))
	}
	compares := slices.ContainsFunc(c.Claims, func(claim *Claim) bool { return len(claim.AllContrasts())+len(claim.Controls) > 0 })
	if g := c.Gain; compares && (!arm(g.Of) || !arm(g.Over) || c.Arm(g.Of).Features != Trained || c.Arm(g.Over).Features == Trained) {
		errs = append(errs, fmt.Errorf("the gain is of a trained arm over one that is not, and not of %q over %q", g.Of, g.Over))
	}
	return errors.Join(append(errs, unknown(c.Floors, arm, "floor")...)...)
}

// validate says what a report needs to answer a statement.
func (s Statement) validate(claims []*Claim) (errs []error) {
	for _, thesis := range s.Theses {
		known := false
		for _, claim := range claims {
			if claim.Thesis != thesis {
				continue
			}
			known = true
			if p := claim.Plain; p.Holds == "" || p.Fails == "" || p.Whether == "" {
				errs = append(errs, fmt.Errorf("claim %q answers it, so it needs its outcomes in plain words", claim.ID))
			}
		}
		if !known {
			errs = append(errs, fmt.Errorf("no claim has the thesis %q", thesis))
		}
	}
	return errs
}
