package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
)

type showCommand struct {
	*Console
	storeFlag
}

func newShow(c *Console) *cobra.Command {
	o := &showCommand{Console: c}
	cmd := &cobra.Command{Use: "show RUN", Short: "Print the manifest of a run: what determined it, what came out, where and when", Args: cobra.ExactArgs(1)}
	o.addRegistry(cmd, c, o.run)
	return cmd
}

func (o *showCommand) run(ctx context.Context, reg *registry.Registry, args []string) error {
	m, err := readManifest(ctx, reg, args[0])
	if err != nil {
		return err
	}
	return o.printJSON(m)
}

// readManifest reads that of a run. An id that is none is a usage error.
func readManifest(ctx context.Context, reg *registry.Registry, run string) (registry.Manifest, error) {
	m, _, err := reg.Run(ctx, run)
	if exitCode(err) == exitInternal && ctx.Err() == nil { // no failure of the registry
		err = usagef("%w", err)
	}
	return m, err
}
