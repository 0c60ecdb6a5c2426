package cli

import "github.com/spf13/cobra"

func newRegistry(c *Console) *cobra.Command {
	cmd := &cobra.Command{Use: "registry", Short: "Look after a registry: list, show, check, copy, export, collect garbage, sign"}
	group(cmd)
	cmd.AddCommand(newLs(c), newShow(c), newGet(c), newCheck(c), newGC(c), newExport(c), newImport(c), newCopy(c), newSign(c))
	return cmd
}
