package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
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
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/study"
)

// options are the flags that select experiments.
type options struct {
	store, tier, sweep       string
	backend, code            string
	claims                   []string
	seeds, parallel, threads int
	looks                    lookOptions
	lease                    time.Duration
	json                     bool
}

// storeEnv names the environment variable for the default of --store.
const storeEnv = "CIDBENCH_STORE"

func (o *options) flagStore(c *cobra.Command) {
	c.Flags().StringVar(&o.store, "store", cmp.Or(os.Getenv(storeEnv), ".cidbench"), "the registry: a directory, s3://BUCKET/PREFIX?endpoint=URL, or to read only, a file that report --save-evidence wrote (environment: "+storeEnv+")")
}

func (o *options) flagJSON(c *cobra.Command) {
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
}

// flagSelection adds the flags that pick cells.
func (o *options) flagSelection(c *cobra.Command) {
	f := c.Flags()
	o.flagStore(c)
	f.StringVar(&o.tier, "tier", "default", "scale: "+strings.Join(tierNames(), ", "))
	f.StringSliceVar(&o.claims, "claim", nil, "claim, or pattern such as 'hardest01-*' (repeatable; default all); see cidbench list")
	f.Var(&seedCount{n: &o.seeds}, "seeds", "number of seeds (default: the tier's)")
	f.StringVar(&o.backend, "backend", "auto", "go, xla, xla:PLUGIN, or auto: XLA where a plugin is installed, go otherwise")
	_ = c.RegisterFlagCompletionFunc("tier", fixed(tierNames()))
	_ = c.RegisterFlagCompletionFunc("claim", fixed(claimNames()))
	_ = c.RegisterFlagCompletionFunc("backend", fixed([]string{"auto", "go", "xla"}))
}

// flagSweep adds the flag that picks a sweep in place of claims.
func (o *options) flagSweep(c *cobra.Command) {
	c.Flags().StringVar(&o.sweep, "sweep", "", "cells of a sweep instead of those of claims: "+strings.Join(sweepNames(), ", "))
	c.Flags().Lookup("seeds").Usage = "number of seeds (default: the tier's, or with --sweep the sweep's)"
	_ = c.RegisterFlagCompletionFunc("sweep", fixed(sweepNames()))
	c.MarkFlagsMutuallyExclusive("sweep", "claim")
}

// flagRunning adds the flags of commands that train.
func (o *options) flagRunning(c *cobra.Command) {
	c.Flags().IntVar(&o.parallel, "parallel", 0, "cells at a time (default: one for each processor)")
	c.Flags().DurationVar(&o.lease, "lease", 20*time.Second, "how long other processes on the same store leave a cell to one that gives no sign of life")
	c.Flags().IntVar(&o.threads, "threads", 1, "threads of each cell; with 1 a run's bytes depend on nothing but its spec")
}

// flagCode adds the flag of commands that may judge what another version of the program computed.
func (o *options) flagCode(c *cobra.Command) {
	c.Flags().StringVar(&o.code, "code", "", "judge runs of this code digest or commit (the start will do) rather than this program's; ',go' or ',xla' after it picks a backend")
}

// session is a selection of experiments with the registry that holds their runs.
type session struct {
	*options
	reg     *registry.Registry
	tier    *bench.Tier
	claims  []*bench.Claim
	sweep   *bench.Sweep // nil: the cells are those of the claims
	data    *dataset.Dataset
	pinned  bench.Data
	backend bench.Backend
	env     bench.Environment
	cells   []bench.Cell
	// plan holds the numbers of seeds of the looks with --seeds auto; nil otherwise. stopped says why the last
	// of them were left out.
	plan    []int
	stopped string
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
	if o.parallel < 0 || o.threads < 0 {
		return nil, usage{errors.New("--parallel and --threads cannot be negative")}
	}
	if o.lease != 0 && (o.lease < time.Second || o.lease > time.Hour) {
		return nil, usage{errors.New("--lease must lie between 1s and 1h")}
	}
	usual := n.tier.Seeds
	if o.sweep != "" {
		if n.sweep = experiments.All.Sweep(o.sweep); n.sweep == nil {
			return nil, usage{fmt.Errorf("unknown sweep %q: choose one of %s", o.sweep, strings.Join(sweepNames(), ", "))}
		}
		n.claims, usual = nil, n.sweep.Seeds
	}
	n.seeds = cmp.Or(o.seeds, usual)
	if err := n.planLooks(); err != nil {
		return nil, usage{err}
	}
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
	n.pinned = bench.Pin(n.data)
	n.env = bench.Environment{Backend: n.backend.Kind, Code: bench.Code(), Analysis: bench.AnalysisCode()}
	n.cells = n.matrix(n.claims, n.seeds)
	if how == reading {
		if err := n.adopt(ctx, s); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *session) matrix(claims []*bench.Claim, seeds int) []bench.Cell {
	if n.sweep != nil {
		return experiments.All.SweepMatrix(n.tier, n.sweep, seeds, n.pinned, n.env)
	}
	return experiments.All.Matrix(n.tier, claims, seeds, n.pinned, n.env)
}

// compute runs what is missing: cells, and then the analyses of what the claims observe.
func (n *session) compute(ctx context.Context, s *state) error {
	if n.backend.Note != "" {
		fmt.Fprintln(s.stderr, n.backend.Note)
	}
	if n.backend.Kind == "go" && !bench.SIMD {
		fmt.Fprintln(s.stderr, "this binary was built without GOEXPERIMENT=simd: training takes several times longer; `make` sets it")
	}
	weights := map[string]int{}
	for _, cell := range n.cells {
		weights[cell.Spec.ID()] = weight(cell)
	}
	progress := newProgress(s, "cells", weights)
	err := n.runner(progress).Run(ctx, n.cells)
	progress.close()
	if err != nil {
		return err
	}
	return n.analyze(ctx, s, n.observed())
}

// observed lists the cells that claims observe, and untrained encoders beside them.
func (n *session) observed() (cells []bench.Cell) {
	for _, cell := range n.cells {
		observes := func(c *bench.Claim) bool {
			return slices.ContainsFunc(c.Observations, func(x bench.Observation) bool {
				at := cmp.Or(c.Temperature, n.tier.Train.Temperature)
				return cell.Spec.Training.Features == bench.Untrained || x.Arm == cell.Arm && at == cell.Temperature
			})
		}
		if slices.ContainsFunc(n.claims, observes) {
			cells = append(cells, cell)
		}
	}
	return cells
}

// analyze analyses what is stored of the cells and was not analysed yet.
func (n *session) analyze(ctx context.Context, s *state, cells []bench.Cell) error {
	analyses, err := bench.Analyses(ctx, n.reg, cells, n.tier.Analysis, n.env)
	if err != nil || len(analyses) == 0 {
		return err
	}
	weights := map[string]int{}
	for _, a := range analyses {
		weights[a.Spec.ID()] = analysisSteps
	}
	progress := newProgress(s, "analyses", weights)
	err = n.runner(progress).Analyze(ctx, n.tier.Analysis, analyses)
	progress.close()
	return err
}

func (n *session) runner(p *progress) *bench.Runner {
	return &bench.Runner{
		Registry: n.reg, Data: n.data, Probe: n.tier.Probe, Backend: n.backend,
		Parallel: n.parallel, Threads: n.threads, Lease: n.lease, Observe: p.observe, Command: withoutStore(p.state.args),
	}
}

// sweeps lists the sweeps with their cells, as far as their usual seeds.
func (n *session) sweeps() (all []judge.SweepInput) {
	for _, sweep := range experiments.All.Sweeps {
		cells := experiments.All.SweepMatrix(n.tier, sweep, sweep.Seeds, n.pinned, n.env)
		all = append(all, judge.SweepInput{Sweep: sweep, Seeds: sweep.Seeds, Cells: cells})
	}
	return all
}

// everyCell lists the cells of the claims and of all sweeps, each run once.
func (n *session) everyCell() []bench.Cell {
	all := slices.Clone(n.cells)
	seen := map[string]bool{}
	for _, cell := range all {
		seen[cell.Spec.ID()] = true
	}
	for _, sweep := range n.sweeps() {
		for _, cell := range sweep.Cells {
			if id := cell.Spec.ID(); !seen[id] {
				seen[id] = true
				all = append(all, cell)
			}
		}
	}
	return all
}

// withoutStore is a command line without the place of the registry, which is nobody's business but the user's.
func withoutStore(args []string) []string {
	command := []string{"cidbench"}
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--store":
			i++
		case !strings.HasPrefix(args[i], "--store="):
			command = append(command, args[i])
		}
	}
	return command
}

// report judges what the registry holds.
func (n *session) report(ctx context.Context) (*model.Report, error) {
	in, err := n.input(ctx)
	if err != nil {
		return nil, err
	}
	return judge.Build(in)
}

// input reads what a report is built from.
func (n *session) input(ctx context.Context) (judge.Input, error) {
	cells := n.everyCell()
	runs, err := study.Load(ctx, n.reg, cells)
	if err != nil {
		return judge.Input{}, err
	}
	stored, err := bench.Analyses(ctx, n.reg, cells, n.tier.Analysis, n.env)
	if err != nil {
		return judge.Input{}, err
	}
	analyses, err := study.LoadAnalyses(ctx, n.reg, stored)
	if err != nil {
		return judge.Input{}, err
	}
	return judge.Input{
		Catalogue: experiments.All, Tier: n.tier, Claims: n.claims, Seeds: n.seeds, Cells: n.cells, Runs: runs,
		Looks: n.plan, Stopped: n.stopped,
		Sweeps: n.sweeps(), Analyses: analyses, Classes: n.classNames(), Picture: n.picture,
		Command: n.command(),
	}, nil
}

func (n *session) classNames() (names []string) {
	for _, c := range n.data.Classes {
		names = append(names, c.Name)
	}
	return names
}

// picture draws a training image, of which analyses are made, as PNG.
func (n *session) picture(index int) []byte {
	pixels := n.data.Train.Image(index)
	picture := image.NewNRGBA(image.Rect(0, 0, n.data.Width, n.data.Height))
	for i := range n.data.Width * n.data.Height {
		copy(picture.Pix[4*i:], pixels[dataset.Channels*i:][:dataset.Channels])
		picture.Pix[4*i+3] = 0xff
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}

// command is how to get the same report again.
func (n *session) command() string {
	command := fmt.Sprintf("cidbench verify --tier %s --seeds %d", n.tier.ID, n.seeds)
	if n.plan != nil {
		command = fmt.Sprintf("cidbench verify --tier %s --seeds auto --max-seeds %d", n.tier.ID, n.looks.max)
	}
	for _, claim := range n.options.claims {
		command += " --claim " + claim
	}
	return command
}
