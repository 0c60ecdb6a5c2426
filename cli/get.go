package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
)

type getCommand struct {
	*Console
	storeFlag
	outputFlag
}

func newGet(c *Console) *cobra.Command {
	o := &getCommand{Console: c}
	cmd := &cobra.Command{
		Use:     "get RUN ARTIFACT",
		Short:   "Write an artifact of a run, such as series or a checkpoint, verified",
		Example: c.examples("registry get 0123...cdef series -o series.jsonl"),
		Args:    cobra.ExactArgs(2),
	}
	o.addRegistry(cmd, c, o.run)
	o.addOutput(cmd)
	return cmd
}

func (o *getCommand) run(ctx context.Context, reg *registry.Registry, args []string) error {
	m, err := readManifest(ctx, reg, args[0])
	if err != nil {
		return err
	}
	d, ok := m.Artifacts[args[1]]
	if !ok {
		return usagef("run %s has no artifact %q: `%s registry show` lists them", args[0], args[1], o.Name)
	}
	blob, err := reg.Blob(ctx, d)
	if err != nil {
		return err
	}
	return o.write("--output", o.output, content(blob))
}
