package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/study"
)

func newLs(a *app) *cobra.Command {
	var filter study.Filter
	var reindex bool
	cmd := &cobra.Command{
		Use:   "ls [RUN]...",
		Short: "List the finished runs: what, when, their result digests",
		Long: `Lists the finished runs of the registry, or those whose ids begin with some digits, in the words of this
program: training, floor, analysis or plan, with tier, arm, temperature and seed, and the first digits of the run's
id and of the digest of its result; --json has all of these, and times. It reads the index, and of what
that lacks the manifests; --reindex reads all manifests and writes the index anew.`,
		Example: a.examples("registry ls --tier default --status failed", "registry ls 60f8 --json"),
		Args:    cobra.ArbitraryArgs,
	}
	a.addRegistry(cmd, func(ctx context.Context, reg *registry.Registry, args []string) error {
		var err error
		var o *registry.Overview
		if reindex {
			if reg, err = a.open(ctx, study.Write); err == nil {
				o, err = reg.Reindex(ctx)
			}
		} else {
			o, err = reg.Overview(ctx, nil)
		}
		if err != nil {
			return err
		}
		filter.Prefixes = args
		runs, err := study.List(a.Catalogue, o, filter)
		if err != nil {
			return err
		}
		if a.json {
			err = a.printJSON("runs", runs)
		}
		damaged := 0
		for _, x := range runs {
			if x.Error != "" {
				damaged++
			}
			if !a.json {
				a.printf("%s\n", store.Printable(lineOf(x)))
			}
		}
		if err == nil && damaged > 0 {
			err = coded{exitIntegrity, fmt.Sprintf("%d manifests are damaged", damaged)}
		}
		return err
	})
	a.addJSON(cmd)
	f := cmd.Flags()
	f.StringVar(&filter.Tier, "tier", "", "runs of this tier alone")
	f.StringVar(&filter.Arm, "arm", "", "runs of this arm alone, and analyses of them")
	f.StringVar(&filter.Status, "status", "", "complete, failed or damaged ones alone")
	f.BoolVar(&reindex, "reindex", false, "read all manifests, and write the index anew")
	complete(cmd, "tier", study.TierIDs(a.Catalogue))
	complete(cmd, "arm", study.ArmIDs(a.Catalogue))
	complete(cmd, "status", []string{"complete", "failed", "damaged"})
	return cmd
}

// lineOf is a line about a run.
func lineOf(x study.Listed) string {
	if x.Error != "" {
		return fmt.Sprintf("%s %-8s %s", short(x.Run), x.Status, x.Error)
	}
	_, result, _ := strings.Cut(string(x.ResultDigest), ":")
	return fmt.Sprintf("%s %-8s %s %s  %s", short(x.Run), x.Status, x.Finished.Format(time.DateOnly), short(result), x.Name())
}
