package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
)

type exportCommand struct {
	*Console
	storeFlag
	outputFlag
}

func newExport(c *Console) *cobra.Command {
	o := &exportCommand{Console: c}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write all finished runs as a tar archive, an OCI image layout: the same runs give the same bytes",
		Args:  cobra.NoArgs,
	}
	o.addRegistry(cmd, c, o.run)
	o.addOutput(cmd)
	return cmd
}

func (o *exportCommand) run(ctx context.Context, reg *registry.Registry, _ []string) error {
	return o.write("--output", o.output, func(w io.Writer) error { return reg.Export(ctx, w, o.counter("exported")) })
}
