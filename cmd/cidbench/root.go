package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/experiments"
)

func newRoot(s *state) *cobra.Command {
	root := &cobra.Command{
		Use:   "cidbench",
		Short: "Tests the claims of a paper on contrastive learning's negatives",
		Long: `cidbench tests the claims of "Are all negatives created equal in contrastive instance
discrimination?" (Cai, Frankle, Schwab, Morcos; arXiv 2010.06682): it trains MoCo v2 with negatives
restricted by difficulty, probes what was learned, keeps every run in a registry, and judges each
claim as supported, refuted or inconclusive.`,
		Version:       strings.TrimSpace(bench.Version + " " + bench.Commit),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	group(root)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage{err} })
	root.AddCommand(newList(s), newPlan(s), newRun(s), newVerify(s), newAnalyze(s), newReport(s), newStatus(s), newRegistry(s))
	for _, c := range append(root.Commands(), root) {
		checkArgs(c)
	}
	root.SetHelpTemplate(root.HelpTemplate() + "\n" + exitHelp + "\n")
	root.InitDefaultCompletionCmd()
	return root
}

// group makes a command that only holds others: alone it prints its help, and what it does not hold is a
// usage error.
func group(c *cobra.Command) {
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage{fmt.Errorf("unknown command %q; see %s --help", args[0], c.CommandPath())}
		}
		return c.Help()
	}
}

// checkArgs makes wrong arguments, and flags that exclude each other, a usage error, here and below.
func checkArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := cmp.Or(c.ValidateFlagGroups(), check(c, args)); err != nil {
				return usage{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		checkArgs(sub)
	}
}

// claimNames, armNames, sweepNames and tierNames are for help texts and completion.
func claimNames() (names []string) {
	for _, c := range experiments.All.Claims {
		names = append(names, c.ID)
	}
	return names
}

func armNames() (names []string) {
	for _, a := range experiments.All.Arms {
		names = append(names, a.ID)
	}
	return names
}

func sweepNames() (names []string) {
	for _, s := range experiments.All.Sweeps {
		names = append(names, s.ID)
	}
	return names
}

func tierNames() (names []string) {
	for _, t := range experiments.All.Tiers {
		names = append(names, t.ID)
	}
	return names
}

func fixed(values []string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values, cobra.ShellCompDirectiveNoFileComp
	}
}
