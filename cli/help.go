package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// columns is what help texts are set in.
const columns = 80

func init() {
	cobra.AddTemplateFunc("filled", filled)
	cobra.AddTemplateFunc("flags", func(f *pflag.FlagSet) string { return strings.TrimRight(f.FlagUsagesWrapped(columns), "\n") })
}

// setHelp sets help texts in columns, and has them say where the exit codes are.
func setHelp(root *cobra.Command) {
	help := strings.ReplaceAll(root.HelpTemplate(), ". | trimTrailingWhitespaces", ". | filled")
	usage := strings.ReplaceAll(root.UsageTemplate(), `Use "{{.CommandPath}} [command] --help" for more information about a command.`, "More: {{.CommandPath}} COMMAND --help")
	for _, which := range []string{".LocalFlags", ".InheritedFlags"} {
		usage = strings.ReplaceAll(usage, which+".FlagUsages | trimTrailingWhitespaces", "flags "+which)
	}
	root.SetHelpCommand(newHelp())
	root.SetHelpTemplate(help)
	root.SetUsageTemplate(usage + "\nExit codes: " + root.Name() + " help exit-codes\n")
}

// newHelp takes the place of cobra's, which ends with 0 whatever it was asked about.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]...",
		Short: "Show help of a command, or on a topic",
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			switch {
			case err != nil:
				return hinted(err, c)
			case len(rest) > 0 && about.HasSubCommands():
				return unknownCommand(about, rest[0])
			case len(rest) > 0:
				return usagef("%s holds no commands: leave out %q", about.CommandPath(), rest[0])
			}
			about.InitDefaultHelpFlag()
			about.InitDefaultVersionFlag()
			return about.Help()
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) (names []cobra.Completion, directive cobra.ShellCompDirective) {
			if about, rest, err := c.Root().Find(args); err == nil && len(rest) == 0 {
				for _, sub := range about.Commands() {
					if sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
						names = append(names, sub.Name())
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// filled breaks the paragraphs of a text into lines of at most columns characters. Indented lines, and those after them
// in their paragraph, are left as they are.
func filled(text string) string {
	var out []string
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		line, lines := "", strings.Split(paragraph, "\n")
		for i, given := range lines {
			if strings.HasPrefix(given, " ") {
				if line != "" {
					out = append(out, line)
				}
				out, line = append(out, lines[i:]...), ""
				break
			}
			for word := range strings.FieldsSeq(given) {
				if line != "" && len(line)+1+len(word) > columns {
					out, line = append(out, line), ""
				}
				line = strings.TrimPrefix(line+" "+word, " ")
			}
		}
		if line != "" {
			out = append(out, line)
		}
		out = append(out, "")
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}
