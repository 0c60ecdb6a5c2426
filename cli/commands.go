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
	"github.com/spf13/pflag"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/study"
)

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           a.Name,
		Short:         "Tests the claims of a paper",
		Long:          longHelp(a.Name, a.Catalogue.Paper),
		Version:       strings.TrimSpace(bench.Version + " " + bench.Commit),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetArgs(a.Args)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetFlagErrorFunc(flagError)
	group(root, newList(a), newPlan(a), newRun(a), newVerify(a), newReproduce(a), newAnalyze(a), newImportEncoder(a), newExportEncoder(a), newProbe(a), newReport(a), newDrift(a), newShowClaim(a), newStatus(a), newRegistry(a), newData(a), newTier(a), newDoctor(a), newBackend(a), newMan())
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			group(c)
		}
	}
	checkArgs(root)
	root.AddCommand(&cobra.Command{Use: "exit-codes", Short: "What the program ends with", Long: exitHelp})
	a.addConsole(root)
	setHelp(root)
	return root
}

// longHelp says what the program does.
func longHelp(program string, p bench.Paper) string {
	return fmt.Sprintf(`%s tests the claims of "%s" (%s; %s). %s What was learned is probed, every run is kept in a registry, and each claim is judged as supported, refuted or inconclusive.`,
		program, p.Title, p.Authors, p.Link, p.Summary)
}

// flagError makes what a parser of flags says a usage error, with the flag that was most likely meant.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return hinted(err, c)
	}
	var known []string
	c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	return hinted(bench.Unknown("flag", "--"+unknown.GetSpecifiedName(), known), c)
}

// hinted makes an error of what the user typed one that says where help is, unless it asks what was meant.
func hinted(err error, c *cobra.Command) error {
	if strings.HasSuffix(err.Error(), "?") {
		return usagef("%w", err)
	}
	return usagef("%w; see %s --help", err, c.CommandPath())
}

// group makes a command that only holds others: alone it prints its help, and what it does not hold is a
// usage error.
func group(c *cobra.Command, held ...*cobra.Command) *cobra.Command {
	c.AddCommand(held...)
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(c, args[0])
		}
		return c.Help()
	}
	return c
}

// unknownCommand says that a command holds none of a name.
func unknownCommand(c *cobra.Command, name string) error {
	var known []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			known = append(known, sub.Name())
		}
	}
	return hinted(bench.Unknown("command", name, known), c)
}

// checkArgs makes wrong arguments - any, unless the command says which it takes - and flags that exclude each
// other a usage error, here and below.
func checkArgs(c *cobra.Command) {
	check := c.Args
	if check == nil {
		check = cobra.NoArgs
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(c.ValidateFlagGroups(), check(c, args)); err != nil {
			return hinted(err, c)
		}
		return nil
	}
	for _, sub := range c.Commands() {
		checkArgs(sub)
	}
}

// app is a console with what flags set. The commands share it, since only one of them runs.
type app struct {
	*Console
	study.Options
	stop          context.CancelCauseFunc // the work, for a reason
	json, noRun   bool
	output, yours string
	modelKey      string
}

// storeEnv names the environment variable for the default of --store.
const storeEnv = "CIDBENCH_STORE"

func (a *app) addStore(cmd *cobra.Command) {
	usual := cmp.Or(a.env(storeEnv), ".cidbench")
	cmd.Flags().StringVar(&a.Store, "store", usual, "the registry: a directory, s3://BUCKET/PREFIX?endpoint=URL, to read only, a file that report --save-evidence wrote, or mem://NAME, which is forgotten at the end (environment: "+storeEnv+")")
	cmd.Flags().Lookup("store").DefValue = store.Redacted(usual) // help is no place for what may stand in a URL
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
		if cmd.Flags().Changed("claim") && len(a.Claims) == 0 {
			return usagef("--claim is empty: name a claim, or leave it out for all of them")
		}
		if a.yours != "" {
			tier, gpu := a.Tier, false
			if !cmd.Flags().Changed("tier") {
				var err error
				if gpu, err = study.UsesGPU(cmd.Context(), a.Backend); err != nil {
					return err
				}
				tier = "" // to be chosen
			}
			catalogue, yours, err := a.data().Yours(cmd.Context(), a.yours, tier, gpu, a.importOptions())
			if err != nil {
				return err
			}
			a.Catalogue, a.Tier = catalogue, yours.ID
		}
		if !a.noRun && a.Access == study.Read {
			a.Access = access
		}
		s, err := study.Open(cmd.Context(), a.Catalogue, a.Options)
		if err != nil {
			return err
		}
		err = work(cmd.Context(), s)
		if damage := s.Damage(); damage != nil && (err == nil || errors.As(err, new(coded))) { // a verdict without them is none to rely on
			return damage
		}
		return err
	}
	a.addStore(cmd)
	f := cmd.Flags()
	f.StringVar(&a.Base, "base", "", "a registry below --store that is only read, such as shipped evidence: what it holds is not run again")
	claims := study.ClaimIDs(a.Catalogue)
	a.addTier(cmd)
	a.addDataDir(cmd)
	f.StringVar(&a.yours, "data", "", "your pictures in place of the tier's: the name of an imported data set, or a folder or archive, which is imported first")
	f.StringSliceVar(&a.Claims, "claim", nil, "claim, or pattern such as '"+first(claims)+"*' (repeatable; default all); see "+a.Name+" list")
	f.Var(&seedCount{&a.Seeds}, "seeds", "number of seeds, from 0, on which exploratory claims are judged (default: the tier's); those of a plan are the plan's")
	f.BoolVar(&a.Explore, "explore", false, "take all claims for exploratory, those of the tier's plan too")
	a.addBackend(cmd)
	complete(cmd, "claim", claims)
}

func (a *app) addTier(cmd *cobra.Command) {
	tiers := study.TierIDs(a.Catalogue)
	usual := first(tiers)
	if slices.Contains(tiers, "default") {
		usual = "default"
	}
	a.Tier = usual
	cmd.Flags().Var(&tierFlag{a}, "tier", "scale: "+strings.Join(tiers, ", ")+", or a file (.yaml): see tier show")
	complete(cmd, "tier", tiers)
}

func (a *app) addBackend(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.Backend, "backend", "auto", "go, xla, xla:NAME (cpu, cuda), xla:/path/to/plugin.so, or auto: that of the runs in the store, else a GPU, XLA on the CPU or go, what is there first; doctor shows the plugins")
	complete(cmd, "backend", []string{"auto", "go", "xla", "xla:cpu", "xla:cuda"})
}

// addSweep adds the flag that picks a sweep in place of claims.
func (a *app) addSweep(cmd *cobra.Command) {
	sweeps := study.SweepIDs(a.Catalogue)
	cmd.Flags().StringVar(&a.Sweep, "sweep", "", "cells of a sweep instead of those of claims: "+strings.Join(sweeps, ", "))
	cmd.Flags().Lookup("seeds").Usage = "number of seeds, from 0, to explore (default: the tier's, or with --sweep the sweep's)"
	complete(cmd, "sweep", sweeps)
	cmd.MarkFlagsMutuallyExclusive("sweep", "claim")
}

// addLook adds the flag of commands that train a plan without judging it.
func (a *app) addLook(cmd *cobra.Command) {
	cmd.Flags().IntVar(&a.Look, "look", 0, "of the tier's plan, from 1: its seeds up to that one (default: the last)")
	cmd.MarkFlagsMutuallyExclusive("look", "explore")
	if cmd.Flags().Lookup("sweep") != nil {
		cmd.MarkFlagsMutuallyExclusive("look", "sweep")
	}
}

// addWorkers adds the flags of commands that train.
func (a *app) addWorkers(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&a.Parallel, "parallel", 0, "cells at a time (default: one for each processor, or for each GPU)")
	f.IntSliceVar(&a.Devices, "devices", nil, "GPUs to use, by number, with one cell on each at a time (default: all)")
	f.DurationVar(&a.Lease, "lease", 20*time.Second, "how long other processes on the same store leave a cell to one that gives no sign of life")
	f.IntVar(&a.Threads, "threads", 1, "threads of each cell; on go they change no byte, on XLA those of all cells together may")
}

// Where schedulers tell a task its index: Slurm's job arrays, with its least index and their number, and Indexed Jobs
// of Kubernetes, which do not tell their number.
const (
	slurmIndex      = "SLURM_ARRAY_TASK_ID"
	slurmLeast      = "SLURM_ARRAY_TASK_MIN"
	slurmCount      = "SLURM_ARRAY_TASK_COUNT"
	kubernetesIndex = "JOB_COMPLETION_INDEX"
)

// addSharing adds the flags of workers among many.
func (a *app) addSharing(cmd *cobra.Command) {
	f := cmd.Flags()
	share := f.String("worker", "", "begin with the share I/N of the cells, I from 0; then help with the rest. /N takes I from "+slurmIndex+" or "+kubernetesIndex+" (default: of a Slurm array its share, else everything)")
	f.BoolVar(&a.NoWait, "no-wait", false, "end when all that is left is held by others")
	limit := f.Duration("time-limit", 0, "stop after this time as by SIGTERM, with a checkpoint and exit code 75 (default: none)")
	f.DurationVar(&a.SaveEvery, "checkpoint-every", 0, "leave a checkpoint to resume from after this time, such as 2m, besides those that a run keeps (default: 1h)")
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if a.Share, err = a.share(*share); err != nil {
			return usagef("--worker: %w", err)
		}
		if s := a.Share.String(); s != "" && *share == "" {
			a.Say("this is " + s + ", as the Slurm array says; --worker 0/1 takes no share")
		}
		if *limit < 0 {
			return usagef("--time-limit cannot be negative")
		}
		if *limit > 0 {
			defer time.AfterFunc(*limit, func() { a.stop(errTimeLimit) }).Stop()
		}
		return run(cmd, args)
	}
}

// share is the part of this worker: as the flag says, or the scheduler.
func (a *app) share(flag string) (bench.Share, error) {
	index := cmp.Or(a.env(slurmIndex), a.env(kubernetesIndex))
	if at, err := strconv.Atoi(a.env(slurmIndex)); err == nil { // arrays need not begin at 0
		least, _ := strconv.Atoi(a.env(slurmLeast))
		index = strconv.Itoa(at - least)
	}
	if flag == "" && a.env(slurmIndex) != "" && a.env(slurmCount) != "" {
		flag = "/" + a.env(slurmCount)
	}
	if flag == "" {
		return bench.Share{}, nil
	}
	return bench.ParseShare(flag, index)
}

// addPrice adds the flag of commands that say what is to be paid.
func (a *app) addPrice(cmd *cobra.Command) {
	cmd.Flags().Float64Var(&a.Price, "price", 0, "of an hour of a device - a GPU, or a cell's part of a CPU - in any currency")
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

// last is the one that help texts take as their largest.
func last(ids []string) string {
	if len(ids) == 0 {
		return "ID"
	}
	return ids[len(ids)-1]
}

// seedCount is the value of --seeds.
type seedCount struct{ n *int }

func (v *seedCount) Type() string { return "int" }

func (v *seedCount) String() string {
	if v.n == nil || *v.n == 0 { // not given
		return ""
	}
	return strconv.Itoa(*v.n)
}

func (v *seedCount) Set(text string) error {
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return errors.New("give a number")
	case n < 1:
		return errors.New("give at least 1")
	}
	*v.n = n
	return nil
}
