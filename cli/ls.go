package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
)

type lsCommand struct {
	*Console
	storeFlag
	jsonFlag
}

func newLs(c *Console) *cobra.Command {
	o := &lsCommand{Console: c}
	cmd := &cobra.Command{Use: "ls", Short: "List the finished runs and their result digests", Args: cobra.NoArgs}
	o.addRegistry(cmd, c, o.run)
	o.addJSON(cmd)
	return cmd
}

type listedRun struct {
	Run          string          `json:"run"`
	Status       string          `json:"status"`
	ResultDigest registry.Digest `json:"resultDigest,omitempty"`
	Manifest     registry.Digest `json:"manifest,omitempty"`
	Error        string          `json:"error,omitempty"`
}

func (o *lsCommand) run(ctx context.Context, reg *registry.Registry, _ []string) error {
	runs, err := reg.Statuses(ctx)
	if err != nil {
		return err
	}
	damaged := 0
	rows := make([]listedRun, len(runs))
	for i, r := range runs {
		rows[i] = listedRun{Run: r.Run, Status: string(r.Status), ResultDigest: r.ResultDigest, Manifest: r.Manifest}
		if r.Err != nil {
			rows[i].Status, rows[i].Error = "damaged", r.Err.Error()
			damaged++
		}
	}
	if o.json {
		err = o.printJSON(rows)
	} else {
		for _, r := range rows {
			fmt.Fprintf(o.Stdout, "%s  %-8s  %s%s\n", r.Run, r.Status, r.ResultDigest, r.Error)
		}
	}
	if err == nil && damaged > 0 {
		err = coded{exitIntegrity, fmt.Sprintf("%d manifests are damaged", damaged)}
	}
	return err
}
