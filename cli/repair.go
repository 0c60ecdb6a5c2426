package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

func newRepair(a *app) *cobra.Command {
	var opts registry.RepairOptions
	var from string
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Mend what is damaged, or drop it (without --remove, look)",
		Long: `Checks everything, and puts whole bytes in the place of what is damaged: from the trash, or from a
second registry. What is to be had nowhere is dropped: a manifest with its signatures, so that its run is
unfinished and goes on from its last checkpoint; an event or a checkpoint that no finished run needs, so that
a run goes on from the one before. What nothing mends is left, and listed with what to do.`,
		Example: a.examples("registry repair", "registry repair --remove \\\n      --from 's3://bucket/copy?endpoint=https://s3.example'"),
	}
	a.addRegistry(cmd, func(ctx context.Context, reg *registry.Registry, _ []string) error {
		if from != "" {
			var err error
			if opts.From, err = study.OpenRegistry(ctx, from, "", study.Read); err != nil {
				return fmt.Errorf("--from: %w", err)
			}
		}
		opts.Progress = a.counter("checked")
		found, err := reg.Repair(ctx, opts)
		if err != nil {
			return err
		}
		left := 0
		for _, m := range found {
			if m.Remedy == registry.Leave {
				left++
			}
			if !a.json {
				a.printf("%v\n", m)
			}
		}
		if a.json {
			err = a.printJSON("mendings", found)
		} else if len(found) == 0 {
			a.printf("%s is whole\n", reg)
		}
		switch {
		case err != nil:
			return err
		case left > 0:
			return coded{exitIntegrity, fmt.Sprintf("%d problems are left", left)}
		case len(found) > 0 && !opts.Remove:
			return coded{exitIntegrity, "nothing was written; --remove repairs"}
		}
		return nil
	})
	a.addJSON(cmd)
	cmd.Flags().BoolVar(&opts.Remove, "remove", false, "do it; without this flag nothing is written")
	cmd.Flags().StringVar(&from, "from", "", "a second registry, to fetch whole bytes from")
	return cmd
}

func newForget(a *app) *cobra.Command {
	var failed, remove bool
	var evidence []string
	cmd := &cobra.Command{
		Use:   "forget [RUN]...",
		Short: "Delete runs that nothing cites (looks only, without --remove)",
		Long: `Deletes runs, by the first digits of their ids or all failed ones, so that they count as never run; gc
then collects their checkpoints. A run stays that a stored plan, night or analysis rests on, that somebody has
signed, or that is in evidence which a report was saved with; and all stay while a manifest cannot be read.`,
		Example: a.examples("registry forget 60f88db3", "registry forget --failed --evidence results.tar.gz --remove"),
		Args:    cobra.ArbitraryArgs,
	}
	a.addRegistry(cmd, func(ctx context.Context, reg *registry.Registry, args []string) error {
		if len(args) == 0 && !failed {
			return usagef("say which runs: the first digits of their ids, or --failed")
		}
		var cites []*registry.Registry
		for _, place := range evidence {
			source, err := study.OpenRegistry(ctx, place, "", study.Read)
			if err != nil {
				return fmt.Errorf("--evidence: %w", err)
			}
			cites = append(cites, source)
		}
		runs, err := study.Forget(ctx, reg, args, failed, cites, remove)
		if a.json && runs != nil {
			if e := a.printJSON("forgotten", runs); e != nil {
				return e
			}
			return err
		}
		for _, f := range runs {
			switch {
			case len(f.CitedBy) > 0:
				a.printf("%s  kept: it is cited by %s\n", f.Run, strings.Join(f.CitedBy, ", "))
			case remove && err == nil:
				a.printf("%s  forgotten\n", f.Run)
			default:
				a.printf("%s  would be forgotten\n", f.Run)
			}
		}
		return err
	})
	a.addJSON(cmd)
	cmd.Flags().BoolVar(&failed, "failed", false, "all runs that are recorded as failed")
	cmd.Flags().BoolVar(&remove, "remove", false, "do it; without this flag nothing is written")
	cmd.Flags().StringSliceVar(&evidence, "evidence", nil, "a file that report --save-evidence wrote: what is in it stays (repeatable)")
	return cmd
}
