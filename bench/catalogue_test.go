package bench

import (
	"testing"

	"github.com/cidbench/cidbench/bench/moco"
)

func TestCatalogueValidation(t *testing.T) {
	if err := small().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, breakIt := range map[string]func(*Catalogue){
		"unknown arm":      func(c *Catalogue) { c.Claims[0].Contrasts[0].A = "nosuch" },
		"same arm twice":   func(c *Catalogue) { c.Arms[1].ID = "all" },
		"no margin":        func(c *Catalogue) { c.Claims[0].Contrasts[0].Relation = NonInferior },
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
		"unknown floor":     func(c *Catalogue) { c.Floors = []string{"nosuch"} },
	} {
		c := small()
		breakIt(c)
		if c.Validate() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
