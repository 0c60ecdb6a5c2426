package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newList(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the claims, arms and tiers",
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return a.printJSON(a.Catalogue)
			}
			a.list()
			return nil
		},
	}
	a.addJSON(cmd)
	return cmd
}

// list prints the catalogue.
func (c *Console) list() {
	c.printf("CLAIMS\n")
	for _, claim := range c.Catalogue.Claims {
		c.printf("  %s\n      %s\n", claim.ID, claim.Statement)
		conditions := fmt.Sprintf("at least %d seeds", claim.MinSeeds)
		if claim.Temperature != 0 {
			conditions = fmt.Sprintf("temperature %g, ", claim.Temperature) + conditions
		}
		for _, x := range claim.Contrasts {
			c.printf("      test: %s %s %s, margin %g points, %s\n", x.A, x.Relation, x.B, x.Margin, conditions)
		}
		for _, x := range claim.Observations {
			c.printf("      observation: %s of %s more than %g above chance, %s\n", x.Statistic, x.Arm, x.Margin, conditions)
		}
	}
	c.printf("SWEEPS\n")
	for _, w := range c.Catalogue.Sweeps {
		var shares []string
		for _, f := range w.Fractions {
			shares = append(shares, fmt.Sprintf("%g%%", 100*f))
		}
		c.printf("  %-10s %s: %s; each %s; %d seeds\n", w.ID, w.Title, join(w.Lines, ", "), strings.Join(shares, ", "), w.Seeds)
	}
	c.printf("ARMS\n")
	for _, a := range c.Catalogue.Arms {
		c.printf("  %-36s %s", a.ID, a.Title)
		if len(a.Rules) > 0 {
			c.printf(" [%s]", join(a.Rules, ", then "))
		}
		c.printf("\n")
	}
	c.printf("TIERS\n")
	for _, t := range c.Catalogue.Tiers {
		scale := t.Train.Scale()
		c.printf("  %-12s %s: %s, %s, %d steps of %d images, %d negatives a query, %d seeds\n",
			t.ID, t.Title, t.Dataset, t.Train.ID(), scale.Steps, scale.Batch, scale.Negatives, t.Seeds)
	}
	c.printf("DATA SETS\n")
	for _, d := range c.Catalogue.Datasets {
		c.printf("  %-12s %s\n", d.Name, d.From)
	}
}

func join[T fmt.Stringer](all []T, between string) string {
	var texts []string
	for _, x := range all {
		texts = append(texts, x.String())
	}
	return strings.Join(texts, between)
}
