package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

type copyCommand struct {
	*Console
	jsonFlag
}

func newCopy(c *Console) *cobra.Command {
	o := &copyCommand{Console: c}
	cmd := &cobra.Command{
		Use:     "copy FROM TO",
		Short:   "Copy a registry to another place, verified; an interrupted copy goes on where it was",
		Example: c.examples("registry copy .cidbench 's3://bucket/prefix?endpoint=https://s3.example.org'"),
		Args:    cobra.ExactArgs(2),
		RunE:    func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0], args[1]) },
	}
	o.addJSON(cmd)
	return cmd
}

func (o *copyCommand) run(ctx context.Context, from, to string) error {
	source, err := study.OpenRegistry(ctx, from, "", study.Read)
	if err != nil {
		return err
	}
	target, err := study.OpenRegistry(ctx, to, "", study.Write)
	if err != nil {
		return err
	}
	var last registry.CopyProgress
	count := o.counter("copied")
	err = registry.Copy(ctx, source, target, func(p registry.CopyProgress) {
		last = p
		count(p.Objects, p.Total)
	})
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(last)
	}
	fmt.Fprintf(o.Stdout, "%d objects, %d of them there already, %.1f MB sent\n", last.Total, last.Skipped, float64(last.Bytes)/1e6)
	return nil
}
