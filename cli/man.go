package cli

import (
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan is for who packages the program; make build calls it.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write a man page for each command",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return usagef("%w", err)
			}
			cmd.Root().DisableAutoGenTag = true // the same program gives the same pages
			return doc.GenManTree(cmd.Root(), &doc.GenManHeader{Section: "1", Date: &time.Time{}}, args[0])
		},
	}
}
