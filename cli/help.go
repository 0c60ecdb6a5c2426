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
	root.SetHelpTemplate(help)
	root.SetUsageTemplate(usage + "\nExit codes: " + root.Name() + " help exit-codes\n")
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
