package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/experiments"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report"
)

// options are the flags that select experiments.
type options struct {
	store, tier, backend, code string
	claims                     []string
	seeds, parallel, threads   int
	lease                      time.Duration
	json                       bool
}

// storeEnv names the environment variable for the default of --store.
const storeEnv = "CIDBENCH_STORE"

func (o *options) flagStore(c *cobra.Command) {
	c.Flags().StringVar(&o.store, "store", cmp.Or(os.Getenv(storeEnv), ".cidbench"), "the registry: a directory, or s3://BUCKET/PREFIX?endpoint=URL (environment: "+storeEnv+")")
}

func (o *options) flagJSON(c *cobra.Command) {
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
}

// flagSelection adds the flags that pick cells.
func (o *options) flagSelection(c *cobra.Command) {
	f := c.Flags()
	o.flagStore(c)
	f.StringVar(&o.tier, "tier", "default", "scale: "+strings.Join(tierNames(), ", "))
	f.StringSliceVar(&o.claims, "claim", nil, "claim or family of claims (repeatable; default all); see cidbench list")
	f.IntVar(&o.seeds, "seeds", 0, "number of seeds (default: the tier's)")
	f.StringVar(&o.backend, "backend", "auto", "go, xla, xla:PLUGIN, or auto: XLA where a plugin is installed, go otherwise")
	_ = c.RegisterFlagCompletionFunc("tier", fixed(tierNames()))
	_ = c.RegisterFlagCompletionFunc("claim", fixed(claimNames()))
	_ = c.RegisterFlagCompletionFunc("backend", fixed([]string{"auto", "go", "xla"}))
}

// flagRunning adds the flags of commands that train.
func (o *options) flagRunning(c *cobra.Command) {
	c.Flags().IntVar(&o.parallel, "parallel", 0, "cells at a time (default: one for each processor)")
	c.Flags().DurationVar(&o.lease, "lease", 20*time.Second, "how long other processes on the same store leave a cell to one that gives no sign of life")
	c.Flags().IntVar(&o.threads, "threads", 1, "threads of each cell; with 1 a run's bytes depend on nothing but its spec")
}

// flagCode adds the flag of commands that may judge what another version of the program computed.
func (o *options) flagCode(c *cobra.Command) {
	c.Flags().StringVar(&o.code, "code", "", "judge runs of this code digest (a prefix will do) rather than this program's")
}

// session is a selection of experiments with the registry that holds their runs.
type session struct {
	*options
	reg     *registry.Registry
	tier    *bench.Tier
	claims  []*bench.Claim
	data    *dataset.Dataset
	backend bench.Backend
	env     bench.Environment
	cells   []bench.Cell
}

// access says what a command does with the registry.
type access int

const (
	reading access = iota // it must be there
	looking               // an absent one is taken as empty, and nothing is written
	writing               // an absent one is made, and it must be writable
)

// open checks every option before anything costly, then opens the registry.
func (o *options) open(ctx context.Context, s *state, how access) (*session, error) {
	n := &session{options: o, tier: experiments.All.Tier(o.tier)}
	if n.tier == nil {
		return nil, usage{fmt.Errorf("unknown tier %q: choose one of %s", o.tier, strings.Join(tierNames(), ", "))}
	}
	var err error
	if n.claims, err = experiments.All.Select(o.tier, o.claims); err != nil {
		return nil, usage{err}
	}
	if o.seeds < 0 || o.parallel < 0 || o.threads < 0 {
		return nil, usage{errors.New("--seeds, --parallel and --threads cannot be negative")}
	}
	if o.lease != 0 && (o.lease < time.Second || o.lease > time.Hour) {
		return nil, usage{errors.New("--lease must lie between 1s and 1h")}
	}
	n.seeds = cmp.Or(o.seeds, n.tier.Seeds)
	n.parallel = cmp.Or(o.parallel, runtime.GOMAXPROCS(0))
	n.threads = cmp.Or(o.threads, 1)
	if n.backend, err = bench.ChooseBackend(o.backend); err != nil {
		return nil, usage{err}
	}
	n.reg, err = o.openStore(ctx, how == writing)
	if how == looking && errors.Is(err, registry.ErrNotExist) {
		n.reg, err = registry.Open(ctx, "mem://empty")
	}
	if err != nil {
		return nil, err
	}
	if n.data, err = dataset.Open(n.tier.Dataset); err != nil {
		return nil, err
	}
	n.env = bench.Environment{Backend: n.backend.Kind, Code: bench.Code()}
	n.cells = n.matrix()
	if how == reading {
		if err := n.adopt(ctx, s); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *session) matrix() []bench.Cell {
	return experiments.All.Matrix(n.tier, n.claims, n.seeds, n.data, n.env)
}

// adopt looks for runs of this tier's cells by another version of the code, or another backend, when the
// registry has none of this one: a registry can be judged anywhere.
func (n *session) adopt(ctx context.Context, s *state) error {
	if n.code == "" {
		for _, cell := range n.cells { // the usual case needs no more than the first that is there
			if done, err := bench.Finished(ctx, n.reg, cell.Spec.ID()); done || err != nil {
				return err
			}
		}
	}
	found := map[bench.Environment]int{}
	for m, err := range n.reg.Manifests(ctx) {
		if err != nil {
			return err
		}
		var spec bench.Spec
		if err := json.Unmarshal(m.Key, &spec); err == nil && spec.Dataset.Name == n.tier.Dataset {
			found[bench.Environment{Backend: spec.Backend, Code: spec.Code}]++
		}
	}
	if n.code == "" && (found[n.env] > 0 || len(found) == 0) {
		return nil
	}
	var matching []bench.Environment
	for env := range found {
		if strings.HasPrefix(env.Code, n.code) || strings.HasPrefix(env.Code, "sha256:"+n.code) {
			matching = append(matching, env)
		}
	}
	slices.SortFunc(matching, func(a, b bench.Environment) int { return cmp.Compare(a.Code+a.Backend, b.Code+b.Backend) })
	if len(matching) != 1 {
		var names []string
		for env, runs := range found {
			names = append(names, fmt.Sprintf("%s (%s, %d runs)", env.Code, env.Backend, runs))
		}
		slices.Sort(names)
		return usage{fmt.Errorf("%s holds runs of %d versions of the code; choose one with --code: %s", n.reg, len(found), strings.Join(names, ", "))}
	}
	n.env = matching[0]
	n.cells = n.matrix()
	fmt.Fprintf(s.stderr, "judging runs of code %s on backend %s, as the registry holds them; this program is code %s\n", n.env.Code, n.env.Backend, bench.Code())
	return nil
}

// compute runs what is missing.
func (n *session) compute(ctx context.Context, s *state) error {
	if n.backend.Note != "" {
		fmt.Fprintln(s.stderr, n.backend.Note)
	}
	if n.backend.Kind == "go" && !bench.SIMD {
		fmt.Fprintln(s.stderr, "this binary was built without GOEXPERIMENT=simd: training takes several times longer; `make` sets it")
	}
	runner := &bench.Runner{
		Registry: n.reg, Data: n.data, Probe: n.tier.Probe, Backend: n.backend,
		Parallel: n.parallel, Threads: n.threads, Lease: n.lease,
	}
	progress := newProgress(s, n.cells)
	runner.Observe = progress.observe
	err := runner.Run(ctx, n.cells)
	progress.close()
	return err
}

// report judges what the registry holds.
func (n *session) report(ctx context.Context) (*report.Report, error) {
	runs, err := report.Load(ctx, n.reg, n.cells)
	if err != nil {
		return nil, err
	}
	return report.Build(report.Input{
		Catalogue: experiments.All, Tier: n.tier, Claims: n.claims, Seeds: n.seeds, Cells: n.cells, Runs: runs,
		Classes: len(n.data.Classes),
		Command: n.command(),
	})
}

// command is how to get the same report again.
func (n *session) command() string {
	command := fmt.Sprintf("cidbench verify --tier %s --seeds %d", n.tier.ID, n.seeds)
	for _, claim := range n.options.claims {
		command += " --claim " + claim
	}
	return command
}
