package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

type listCommand struct {
	*Console
	jsonFlag
}

func newList(c *Console) *cobra.Command {
	o := &listCommand{Console: c}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the claims, arms and tiers",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return o.run() },
	}
	o.addJSON(cmd)
	return cmd
}

func (o *listCommand) run() error {
	if o.json {
		return o.printJSON(o.Catalogue)
	}
	fmt.Fprintln(o.Stdout, "CLAIMS")
	for _, claim := range o.Catalogue.Claims {
		fmt.Fprintf(o.Stdout, "  %s\n      %s\n", claim.ID, claim.Statement)
		for _, x := range claim.Contrasts {
			fmt.Fprintf(o.Stdout, "      test: %s %s %s, margin %g points", x.A, x.Relation, x.B, x.Margin)
			if claim.Temperature != 0 {
				fmt.Fprintf(o.Stdout, ", temperature %g", claim.Temperature)
			}
			fmt.Fprintf(o.Stdout, ", at least %d seeds\n", claim.MinSeeds)
		}
		for _, x := range claim.Observations {
			fmt.Fprintf(o.Stdout, "      observation: %s of %s more than %g above chance", x.Statistic, x.Arm, x.Margin)
			if claim.Temperature != 0 {
				fmt.Fprintf(o.Stdout, ", temperature %g", claim.Temperature)
			}
			fmt.Fprintf(o.Stdout, ", at least %d seeds\n", claim.MinSeeds)
		}
	}
	fmt.Fprintln(o.Stdout, "SWEEPS")
	for _, w := range o.Catalogue.Sweeps {
		var lines, shares []string
		for _, l := range w.Lines {
			lines = append(lines, l.String())
		}
		for _, f := range w.Fractions {
			shares = append(shares, fmt.Sprintf("%g%%", 100*f))
		}
		fmt.Fprintf(o.Stdout, "  %-10s %s: %s; each %s; %d seeds\n", w.ID, w.Title, strings.Join(lines, ", "), strings.Join(shares, ", "), w.Seeds)
	}
	fmt.Fprintln(o.Stdout, "ARMS")
	for _, a := range o.Catalogue.Arms {
		var rules []string
		for _, r := range a.Rules {
			rules = append(rules, r.String())
		}
		fmt.Fprintf(o.Stdout, "  %-36s %s", a.ID, a.Title)
		if len(rules) > 0 {
			fmt.Fprintf(o.Stdout, " [%s]", strings.Join(rules, ", then "))
		}
		fmt.Fprintln(o.Stdout)
	}
	fmt.Fprintln(o.Stdout, "TIERS")
	for _, t := range o.Catalogue.Tiers {
		scale := t.Train.Scale()
		fmt.Fprintf(o.Stdout, "  %-12s %s: %s, %s, %d steps of %d images, %d negatives a query, %d seeds\n",
			t.ID, t.Title, t.Dataset, t.Train.ID(), scale.Steps, scale.Batch, scale.Negatives, t.Seeds)
	}
	fmt.Fprintln(o.Stdout, "DATA SETS")
	for _, d := range o.Catalogue.Datasets {
		fmt.Fprintf(o.Stdout, "  %-12s %s\n", d.Name, d.From)
	}
	return nil
}
