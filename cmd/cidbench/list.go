package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/experiments"
)

func newList(s *state) *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:   "list",
		Short: "List the claims, arms and tiers",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return list(s, o) },
	}
	o.flagJSON(c)
	return c
}

func list(s *state, o *options) error {
	if o.json {
		return printJSON(s, experiments.All)
	}
	fmt.Fprintln(s.stdout, "CLAIMS")
	for _, c := range experiments.All.Claims {
		fmt.Fprintf(s.stdout, "  %s\n      %s\n", c.ID, c.Statement)
		for _, x := range c.Contrasts {
			fmt.Fprintf(s.stdout, "      test: %s %s %s, margin %g points", x.A, x.Relation, x.B, x.Margin)
			if c.Temperature != 0 {
				fmt.Fprintf(s.stdout, ", temperature %g", c.Temperature)
			}
			fmt.Fprintf(s.stdout, ", at least %d seeds\n", c.MinSeeds)
		}
		for _, x := range c.Observations {
			fmt.Fprintf(s.stdout, "      observation: %s of %s more than %g above chance", x.Statistic, x.Arm, x.Margin)
			if c.Temperature != 0 {
				fmt.Fprintf(s.stdout, ", temperature %g", c.Temperature)
			}
			fmt.Fprintf(s.stdout, ", at least %d seeds\n", c.MinSeeds)
		}
	}
	fmt.Fprintln(s.stdout, "SWEEPS")
	for _, w := range experiments.All.Sweeps {
		var lines, shares []string
		for _, l := range w.Lines {
			lines = append(lines, l.String())
		}
		for _, f := range w.Fractions {
			shares = append(shares, fmt.Sprintf("%g%%", 100*f))
		}
		fmt.Fprintf(s.stdout, "  %-10s %s: %s; each %s; %d seeds\n", w.ID, w.Title, strings.Join(lines, ", "), strings.Join(shares, ", "), w.Seeds)
	}
	fmt.Fprintln(s.stdout, "ARMS")
	for _, a := range experiments.All.Arms {
		var rules []string
		for _, r := range a.Rules {
			rules = append(rules, r.String())
		}
		fmt.Fprintf(s.stdout, "  %-36s %s", a.ID, a.Title)
		if len(rules) > 0 {
			fmt.Fprintf(s.stdout, " [%s]", strings.Join(rules, ", then "))
		}
		fmt.Fprintln(s.stdout)
	}
	fmt.Fprintln(s.stdout, "TIERS")
	for _, t := range experiments.All.Tiers {
		fmt.Fprintf(s.stdout, "  %-10s %s: %s, %d steps of %d, queue %d, %d seeds\n", t.ID, t.Title, t.Dataset, t.Train.Steps, t.Train.Batch, t.Train.Queue, t.Seeds)
	}
	return nil
}

func printJSON(s *state, v any) error {
	text := json.NewEncoder(s.stdout)
	text.SetEscapeHTML(false)
	text.SetIndent("", "  ")
	return text.Encode(v)
}
