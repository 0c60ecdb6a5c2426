package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

type importCommand struct {
	*Console
	storeFlag
	jsonFlag
}

func newImport(c *Console) *cobra.Command {
	o := &importCommand{Console: c}
	cmd := &cobra.Command{Use: "import FILE", Short: "Add the runs of an exported archive, verified (- is standard input)", Args: cobra.ExactArgs(1)}
	addStore(cmd, c, &o.store)
	o.addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) }
	return cmd
}

func (o *importCommand) run(ctx context.Context, name string) error {
	archive := o.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return usagef("%w", err)
		}
		defer file.Close()
		archive = file
	}
	reg, err := o.open(ctx, study.Write) // after the archive: no registry is made for one that is not there
	if err != nil {
		return err
	}
	added, err := reg.Import(ctx, archive, registry.ImportOptions{Progress: o.counter("imported")})
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(added)
	}
	fmt.Fprintf(o.Stdout, "%d runs imported into %s\n", added.Runs, reg)
	return nil
}
