package cli

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/study"
)

// A listing is a catalogue for machines: what the ids that other documents speak of stand for.
type listing struct {
	Paper    bench.Paper     `json:"paper"`
	Claims   []listedClaim   `json:"claims"`
	Arms     []listedArm     `json:"arms"`
	Tiers    []listedTier    `json:"tiers"`
	Plans    []listedPlan    `json:"plans"`
	Sweeps   []listedSweep   `json:"sweeps"`
	Datasets []listedDataset `json:"datasets"`
}

type listedClaim struct {
	ID          string                `json:"id"`
	Thesis      string                `json:"thesis"`
	Statement   string                `json:"statement"`
	Temperature float64               `json:"temperature,omitempty"` // of InfoNCE; none: the tier's
	MinSeeds    int                   `json:"minSeeds"`
	Tiers       []string              `json:"tiers"`
	Roles       map[string]bench.Role `json:"roles"` // in the plans of tiers
	Asks        []string              `json:"asks"`
}

type listedArm struct {
	ID          string         `json:"id"`
	Title       string         `json:"title"`
	Rules       []string       `json:"rules"` // in words, in order
	Features    bench.Features `json:"features"`
	Temperature float64        `json:"temperature,omitempty"`
}

type listedTier struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Caveat    string `json:"caveat"`
	Machinery bool   `json:"machinery"`
	Dataset   string `json:"dataset"`
	Method    string `json:"method"`
	Steps     int    `json:"steps"`
	Batch     int    `json:"batch"`
	Negatives int    `json:"negatives"` // of a query
	Seeds     int    `json:"seeds"`     // to explore
}

type listedPlan struct {
	Tier      string   `json:"tier"`
	Alpha     float64  `json:"alpha"`
	FirstSeed uint64   `json:"firstSeed"`
	Looks     []int    `json:"looks"` // numbers of seeds
	Primary   []string `json:"primary"`
	Secondary []string `json:"secondary"`
	Basis     string   `json:"basis"`
}

type listedSweep struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Fractions []float64 `json:"fractions"`
	Seeds     int       `json:"seeds"`
}

type listedDataset struct {
	Name   string `json:"name"`
	From   string `json:"from"`
	Digest string `json:"digest,omitempty"`
}

func listed(c *bench.Catalogue) listing {
	l := listing{Paper: c.Paper}
	for _, x := range c.Claims {
		claim := listedClaim{ID: x.ID, Thesis: x.Thesis, Statement: x.Statement, Temperature: x.Temperature, MinSeeds: x.MinSeeds, Tiers: []string{}, Roles: map[string]bench.Role{}, Asks: asks(x)}
		for _, tier := range study.TierIDs(c) {
			if x.In(tier) {
				claim.Tiers = append(claim.Tiers, tier)
			}
		}
		for _, p := range c.Plans {
			if role := p.Role(x.ID); role != bench.Exploratory {
				claim.Roles[p.Tier] = role
			}
		}
		l.Claims = append(l.Claims, claim)
	}
	for _, x := range c.Arms {
		arm := listedArm{ID: x.ID, Title: x.Title, Rules: []string{}, Features: x.Features, Temperature: x.Temperature}
		for _, rule := range x.Rules {
			arm.Rules = append(arm.Rules, negatives.Rule.String(rule))
		}
		l.Arms = append(l.Arms, arm)
	}
	for _, x := range c.Tiers {
		scale := x.Train.Scale()
		l.Tiers = append(l.Tiers, listedTier{x.ID, x.Title, x.Caveat, x.Machinery, x.Dataset, x.Train.ID().String(), scale.Steps, scale.Batch, scale.Negatives, x.Seeds})
	}
	for _, x := range c.Plans {
		l.Plans = append(l.Plans, listedPlan{x.Tier, x.Alpha, x.FirstSeed, x.Looks, x.Primary, x.Secondary, x.Basis})
	}
	for _, x := range c.Sweeps {
		l.Sweeps = append(l.Sweeps, listedSweep{x.ID, x.Title, x.Fractions, x.Seeds})
	}
	for _, x := range c.Datasets {
		l.Datasets = append(l.Datasets, listedDataset{x.Name, x.From, x.Digest})
	}
	return l
}
