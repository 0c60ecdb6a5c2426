package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

// app is a console with what flags set. The commands share it, since only one of them runs.
type app struct {
	*Console
	study.Options
	json, noRun bool
	output      string
}

// storeEnv names the environment variable for the default of --store.
const storeEnv = "CIDBENCH_STORE"

func (a *app) addStore(cmd *cobra.Command) {
	usual := ".cidbench"
	if a.Getenv != nil {
		usual = cmp.Or(a.Getenv(storeEnv), usual)
	}
	cmd.Flags().StringVar(&a.Store, "store", usual, "the registry: a directory, s3://BUCKET/PREFIX?endpoint=URL, or to read only, a file that report --save-evidence wrote (environment: "+storeEnv+")")
}

// addRegistry adds the flag, and has the command work on the registry that is there.
func (a *app) addRegistry(cmd *cobra.Command, work func(context.Context, *registry.Registry, []string) error) {
	a.addStore(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		reg, err := a.open(cmd.Context(), study.Read)
		if err != nil {
			return err
		}
		return work(cmd.Context(), reg, args)
	}
}

func (a *app) open(ctx context.Context, access study.Access) (*registry.Registry, error) {
	reg, err := study.OpenRegistry(ctx, a.Store, "", access)
	if err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	return reg, nil
}

func (a *app) addJSON(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
}

func (a *app) addOutput(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&a.output, "output", "o", "", "file to write (default: standard output)")
}

// addStudy adds the flags that pick cells, and has the command work on the study of them.
func (a *app) addStudy(cmd *cobra.Command, access study.Access, work func(context.Context, *study.Study) error) {
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !a.noRun {
			a.Access = access
		}
		s, err := study.Open(cmd.Context(), a.Catalogue, a.Options)
		if err != nil {
			return err
		}
		return work(cmd.Context(), s)
	}
	a.addStore(cmd)
	f := cmd.Flags()
	f.StringVar(&a.Base, "base", "", "a registry below --store that is only read, such as shipped evidence: what it holds is not run again")
	tiers, claims := study.TierIDs(a.Catalogue), study.ClaimIDs(a.Catalogue)
	usual := first(tiers)
	if slices.Contains(tiers, "default") {
		usual = "default"
	}
	f.StringVar(&a.Tier, "tier", usual, "scale: "+strings.Join(tiers, ", "))
	f.StringSliceVar(&a.Claims, "claim", nil, "claim, or pattern such as '"+first(claims)+"*' (repeatable; default all); see "+a.Name+" list")
	f.Var(&seedCount{n: &a.Seeds}, "seeds", "number of seeds (default: the tier's)")
	f.StringVar(&a.Backend, "backend", "auto", "go, xla, xla:PLUGIN, or auto: XLA where a plugin is installed, go otherwise")
	complete(cmd, "tier", tiers)
	complete(cmd, "claim", claims)
	complete(cmd, "backend", []string{"auto", "go", "xla"})
}

// addSweep adds the flag that picks a sweep in place of claims.
func (a *app) addSweep(cmd *cobra.Command) {
	sweeps := study.SweepIDs(a.Catalogue)
	cmd.Flags().StringVar(&a.Sweep, "sweep", "", "cells of a sweep instead of those of claims: "+strings.Join(sweeps, ", "))
	cmd.Flags().Lookup("seeds").Usage = "number of seeds (default: the tier's, or with --sweep the sweep's)"
	complete(cmd, "sweep", sweeps)
	cmd.MarkFlagsMutuallyExclusive("sweep", "claim")
}

// addWorkers adds the flags of commands that train.
func (a *app) addWorkers(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&a.Parallel, "parallel", 0, "cells at a time (default: one for each processor)")
	f.DurationVar(&a.Lease, "lease", 20*time.Second, "how long other processes on the same store leave a cell to one that gives no sign of life")
	f.IntVar(&a.Threads, "threads", 1, "threads of each cell; with 1 a run's bytes depend on nothing but its spec")
}

// addRuns adds the flag of commands that may judge what another version of the method, or another backend, computed.
func (a *app) addRuns(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.Runs, "runs", "", "judge stored runs of this version of the training method (v1), of this backend (go, xla), or of both (v1,go), rather than this program's")
}

// complete completes a flag with one of some values.
func complete(cmd *cobra.Command, flag string, values []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// first is the one that help texts take as their example.
func first(ids []string) string {
	if len(ids) == 0 {
		return "ID"
	}
	return ids[0]
}

const autoSeeds = "auto"

// seedCount is the value of --seeds: a number or, where the command allows it, "auto".
type seedCount struct {
	n    *int
	auto *bool // nil where auto is not allowed
}

func (v *seedCount) Type() string {
	if v.auto != nil {
		return "int|" + autoSeeds
	}
	return "int"
}

func (v *seedCount) String() string {
	switch {
	case v.auto != nil && *v.auto:
		return autoSeeds
	case v.n == nil || *v.n == 0: // not given
		return ""
	}
	return strconv.Itoa(*v.n)
}

func (v *seedCount) Set(text string) error {
	n, err := strconv.Atoi(text)
	auto := text == autoSeeds
	switch {
	case auto && v.auto == nil:
		return errors.New("only verify adds seeds by itself; give a number")
	case auto: // n is 0
	case err != nil && v.auto != nil:
		return errors.New(`give a number or "auto"`)
	case err != nil:
		return errors.New("give a number")
	case n < 0:
		return errors.New("a number of seeds cannot be negative")
	}
	*v.n = n
	if v.auto != nil {
		*v.auto = auto
	}
	return nil
}
