package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
)

type gcCommand struct {
	*Console
	storeFlag
	jsonFlag
	remove bool
	grace  time.Duration
}

func newGC(c *Console) *cobra.Command {
	o := &gcCommand{Console: c}
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Collect blobs that no run needs (looks only, without --remove)",
		Long: `Finds blobs that no manifest or live run needs, such as the checkpoints of finished runs'
earlier attempts. With --remove they are moved to the trash, and what has been there for longer than the
grace period is deleted. Runs may be at work meanwhile.`,
		Args: cobra.NoArgs,
	}
	o.addRegistry(cmd, c, o.run)
	o.addJSON(cmd)
	cmd.Flags().BoolVar(&o.remove, "remove", false, "do it; without this flag nothing is written")
	cmd.Flags().DurationVar(&o.grace, "grace", registry.DefaultGrace, "age below which nothing is touched, and time that the trash is kept")
	return cmd
}

func (o *gcCommand) run(ctx context.Context, reg *registry.Registry, _ []string) error {
	if o.grace <= 0 {
		return usagef("--grace must be positive")
	}
	found, err := reg.GC(ctx, registry.GCOptions{Remove: o.remove, Grace: o.grace, Owner: fmt.Sprintf("process %d", os.Getpid()), Progress: o.counter("looked at")})
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(found)
	}
	verb := "would be "
	if o.remove {
		verb = ""
	}
	for _, kind := range []struct {
		name string
		list []registry.Garbage
	}{{"moved to the trash", found.Trashed}, {"restored from the trash", found.Restored}, {"deleted", found.Purged}, {"left alone, damaged", found.Damaged}} {
		var bytes int64
		for _, g := range kind.list {
			bytes += g.Size
		}
		fmt.Fprintf(o.Stdout, "%d blobs (%.1f MB) %s%s\n", len(kind.list), float64(bytes)/1e6, verb, kind.name)
	}
	return nil
}
