package bench

import (
	"testing"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/moco"
)

func observe(c *Catalogue, x Observation) { c.Claims[0].Observations = []Observation{x} }

func TestCatalogueValidation(t *testing.T) {
	if err := small().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, breakIt := range map[string]func(*Catalogue){
		"unknown arm":     func(c *Catalogue) { c.Claims[0].Contrasts[0].A = "nosuch" },
		"same arm twice":  func(c *Catalogue) { c.Arms[1].ID = "all" },
		"no margin":       func(c *Catalogue) { c.Claims[0].Contrasts[0].Margin = 0 },
		"a margin of all": func(c *Catalogue) { c.Claims[0].Contrasts[0].Margin = 1 },
		"no assay":        func(c *Catalogue) { c.Claims[0].Contrasts[0].Relation = NonInferior },
		"bad assay": func(c *Catalogue) {
			c.Claims[0].Assay = &Contrast{A: "all", B: "nosuch", Relation: Greater, Margin: 0.1}
		},
		"nothing specific": func(c *Catalogue) { c.Claims[0].Specific = &Contrast{A: "all", B: "hard", Relation: Greater} },
		"gain of a floor":  func(c *Catalogue) { c.Gain.Of = "pixels" },
		"gain over an arm": func(c *Catalogue) { c.Gain.Over = "hard" },
		"no gain":          func(c *Catalogue) { c.Gain = Gain{} },
		"unknown trend":    func(c *Catalogue) { c.Claims[0].Trends = []Trend{{Sweep: "nosuch", Margin: 0.5}} },
		"agreement alone":  func(c *Catalogue) { observe(c, Observation{Arm: "all", Statistic: analysis.HardStability}) },
		"beyond itself": func(c *Catalogue) {
			observe(c, Observation{Arm: "all", Statistic: analysis.HardStability, Beyond: "all"})
		},
		"unknown beyond": func(c *Catalogue) {
			observe(c, Observation{Arm: "all", Statistic: analysis.HardStability, Beyond: "nosuch"})
		},
		"warm floor":       func(c *Catalogue) { c.Arms[4].Temperature = 0.1 },
		"one seed":         func(c *Catalogue) { c.Claims[0].MinSeeds = 1 },
		"unknown probe":    func(c *Catalogue) { c.Claims[0].Probe = "online" },
		"unknown tier":     func(c *Catalogue) { c.Claims[0].Tiers = []string{"huge"} },
		"bad rule":         func(c *Catalogue) { c.Arms[1].Rules[0].Fraction = 2 },
		"rules on a floor": func(c *Catalogue) { c.Arms[4].Rules = c.Arms[1].Rules },
		"bad training": func(c *Catalogue) {
			train := c.Tiers[0].Train.(moco.Config)
			train.Queue = 63
			c.Tiers[0].Train = train
		},
		"no training":       func(c *Catalogue) { c.Tiers[0].Train = nil },
		"unknown data set":  func(c *Catalogue) { c.Tiers[0].Dataset = "glyphs-smal" },
		"data without tree": func(c *Catalogue) { c.Datasets[0].Tree = nil },
		"checkpoints":       func(c *Catalogue) { c.Tiers[0].Checkpoints = []float64{.5} },
		"no statement":      func(c *Catalogue) { c.Claims[0].Statement = "" },
		"unknown thesis":    func(c *Catalogue) { c.Paper.Statements = []Statement{{Text: "s", Theses: []string{"nosuch"}}} },
		"answer without words": func(c *Catalogue) {
			c.Paper.Statements = []Statement{{Text: "s", Theses: []string{c.Claims[0].Thesis}}}
		},
		"unknown floor": func(c *Catalogue) { c.Floors = []string{"nosuch"} },
	} {
		c := small()
		breakIt(c)
		if c.Validate() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
