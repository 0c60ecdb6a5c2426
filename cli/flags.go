package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

// A command is a Console with its options: these groups of flags, each with a method that adds it, and what is
// its own. Its method run does the work.

// storeEnv names the environment variable for the default of --store.
const storeEnv = "CIDBENCH_STORE"

type storeFlag struct{ store string }

func addStore(cmd *cobra.Command, c *Console, store *string) {
	cmd.Flags().StringVar(store, "store", cmp.Or(c.getenv(storeEnv), ".cidbench"), "the registry: a directory, s3://BUCKET/PREFIX?endpoint=URL, or to read only, a file that report --save-evidence wrote (environment: "+storeEnv+")")
}

// addRegistry adds the flag, and has the command work on the registry that is there.
func (o *storeFlag) addRegistry(cmd *cobra.Command, c *Console, work func(context.Context, *registry.Registry, []string) error) {
	addStore(cmd, c, &o.store)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		reg, err := o.open(cmd.Context(), study.Read)
		if err != nil {
			return err
		}
		return work(cmd.Context(), reg, args)
	}
}

func (o *storeFlag) open(ctx context.Context, access study.Access) (*registry.Registry, error) {
	reg, err := study.OpenRegistry(ctx, o.store, "", access)
	if err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	return reg, nil
}

type jsonFlag struct{ json bool }

func (o *jsonFlag) addJSON(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
}

type outputFlag struct{ output string }

func (o *outputFlag) addOutput(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "file to write (default: standard output)")
}

// studyFlags pick cells, and the registry that holds their runs.
type studyFlags struct{ study.Options }

// addStudy adds the flags, and has the command work on the study that they select.
func (o *studyFlags) addStudy(cmd *cobra.Command, c *Console, access study.Access, work func(context.Context, *study.Study) error) {
	o.Access, o.Program, o.Command, o.Observer = access, c.Name, c.command(), c
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := study.Open(cmd.Context(), c.Catalogue, o.Options)
		if err != nil {
			return err
		}
		return work(cmd.Context(), s)
	}
	addStore(cmd, c, &o.Store)
	f := cmd.Flags()
	f.StringVar(&o.Base, "base", "", "a registry below --store that is only read, such as shipped evidence: what it holds is not run again")
	tiers, claims := study.TierIDs(c.Catalogue), study.ClaimIDs(c.Catalogue)
	usual := first(tiers)
	if slices.Contains(tiers, "default") {
		usual = "default"
	}
	f.StringVar(&o.Tier, "tier", usual, "scale: "+strings.Join(tiers, ", "))
	f.StringSliceVar(&o.Claims, "claim", nil, "claim, or pattern such as '"+first(claims)+"*' (repeatable; default all); see "+c.Name+" list")
	f.Var(&seedCount{n: &o.Seeds}, "seeds", "number of seeds (default: the tier's)")
	f.StringVar(&o.Backend, "backend", "auto", "go, xla, xla:PLUGIN, or auto: XLA where a plugin is installed, go otherwise")
	_ = cmd.RegisterFlagCompletionFunc("tier", fixed(tiers))
	_ = cmd.RegisterFlagCompletionFunc("claim", fixed(claims))
	_ = cmd.RegisterFlagCompletionFunc("backend", fixed([]string{"auto", "go", "xla"}))
}

// addSweep adds the flag that picks a sweep in place of claims.
func (o *studyFlags) addSweep(cmd *cobra.Command, c *Console) {
	sweeps := study.SweepIDs(c.Catalogue)
	cmd.Flags().StringVar(&o.Sweep, "sweep", "", "cells of a sweep instead of those of claims: "+strings.Join(sweeps, ", "))
	cmd.Flags().Lookup("seeds").Usage = "number of seeds (default: the tier's, or with --sweep the sweep's)"
	_ = cmd.RegisterFlagCompletionFunc("sweep", fixed(sweeps))
	cmd.MarkFlagsMutuallyExclusive("sweep", "claim")
}

// addWorkers adds the flags of commands that train.
func (o *studyFlags) addWorkers(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&o.Parallel, "parallel", 0, "cells at a time (default: one for each processor)")
	f.DurationVar(&o.Lease, "lease", 20*time.Second, "how long other processes on the same store leave a cell to one that gives no sign of life")
	f.IntVar(&o.Threads, "threads", 1, "threads of each cell; with 1 a run's bytes depend on nothing but its spec")
}

// addRuns adds the flag of commands that may judge what another version of the method, or another backend, computed.
func (o *studyFlags) addRuns(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.Runs, "runs", "", "judge stored runs of this version of the training method (v1), of this backend (go, xla), or of both (v1,go), rather than this program's")
}

// fixed completes a flag with one of some values.
func fixed(values []string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values, cobra.ShellCompDirectiveNoFileComp
	}
}

// first is the one that help texts take as their example.
func first(ids []string) string {
	if len(ids) == 0 {
		return "ID"
	}
	return ids[0]
}
