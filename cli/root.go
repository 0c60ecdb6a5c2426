package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench"
)

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           a.Name,
		Short:         "Tests the claims of a paper",
		Long:          longHelp(a.Name, a.Catalogue.Paper),
		Version:       strings.TrimSpace(bench.Version + " " + bench.Commit),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetArgs(a.Args)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usagef("%w", err) })
	group(root, newList(a), newPlan(a), newRun(a), newVerify(a), newAnalyze(a), newReport(a), newStatus(a), newRegistry(a))
	checkArgs(root)
	root.SetHelpTemplate(root.HelpTemplate() + "\n" + exitHelp + "\n")
	root.InitDefaultCompletionCmd()
	return root
}

// longHelp says what the program does, in lines of at most 100 characters.
func longHelp(program string, p bench.Paper) string {
	text := fmt.Sprintf(`%s tests the claims of "%s" (%s; %s). %s What was learned is probed, every run is kept in a registry, and each claim is judged as supported, refuted or inconclusive.`,
		program, p.Title, p.Authors, p.Link, p.Summary)
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 100 {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return strings.Join(append(lines, line), "\n")
}

// group makes a command that only holds others: alone it prints its help, and what it does not hold is a
// usage error.
func group(c *cobra.Command, held ...*cobra.Command) {
	c.AddCommand(held...)
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("unknown command %q; see %s --help", args[0], c.CommandPath())
		}
		return c.Help()
	}
}

// checkArgs makes wrong arguments - any, unless the command says which it takes - and flags that exclude each
// other a usage error, here and below.
func checkArgs(c *cobra.Command) {
	check := c.Args
	if check == nil {
		check = cobra.NoArgs
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(c.ValidateFlagGroups(), check(c, args)); err != nil {
			return usagef("%w; see %s --help", err, c.CommandPath())
		}
		return nil
	}
	for _, sub := range c.Commands() {
		checkArgs(sub)
	}
}
