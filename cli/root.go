package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench"
)

func newRoot(c *Console) *cobra.Command {
	root := &cobra.Command{
		Use:           c.Name,
		Short:         "Tests the claims of a paper",
		Long:          longHelp(c.Name, c.Catalogue.Paper),
		Version:       strings.TrimSpace(bench.Version + " " + bench.Commit),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	group(root)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usagef("%w", err) })
	root.AddCommand(newList(c), newPlan(c), newRun(c), newVerify(c), newAnalyze(c), newReport(c), newStatus(c), newRegistry(c))
	for _, sub := range append(root.Commands(), root) {
		checkArgs(sub)
	}
	root.SetHelpTemplate(root.HelpTemplate() + "\n" + exitHelp + "\n")
	root.InitDefaultCompletionCmd()
	return root
}

// newRegistry holds the commands that look after a registry.
func newRegistry(c *Console) *cobra.Command {
	cmd := &cobra.Command{Use: "registry", Short: "Look after a registry: list, show, check, copy, export, collect garbage, sign"}
	group(cmd)
	cmd.AddCommand(newLs(c), newShow(c), newGet(c), newCheck(c), newGC(c), newExport(c), newImport(c), newCopy(c), newSign(c))
	return cmd
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
func group(c *cobra.Command) {
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("unknown command %q; see %s --help", args[0], c.CommandPath())
		}
		return c.Help()
	}
}

// checkArgs makes wrong arguments, and flags that exclude each other, a usage error, here and below.
func checkArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := cmp.Or(c.ValidateFlagGroups(), check(c, args)); err != nil {
				return usagef("%w; see %s --help", err, c.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		checkArgs(sub)
	}
}
