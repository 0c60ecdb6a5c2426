package cli

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report"
	"github.com/cidbench/cidbench/study"
)

// nightFlag is the value of --night.
type nightFlag struct{ night *bench.Night }

func (v nightFlag) Type() string   { return "DATE" }
func (v nightFlag) String() string { return "" }

func (v nightFlag) Set(text string) error {
	night, err := bench.ParseNight(text)
	v.night.Name = night.Name
	return err
}

// addNight adds the flags that pick a night's runs.
func (a *app) addNight(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(nightFlag{&a.Night}, "night", "repeat the claims in a night of this name, on seeds that follow from it and are no other night's: see drift")
	f.BoolVar(&a.Night.Control, "control", false, "a second run of --night, on seeds of its own, to hold an alarm of drift against")
	for _, other := range []string{"explore", "look", "sweep"} {
		if f.Lookup(other) != nil {
			cmd.MarkFlagsMutuallyExclusive("night", other)
		}
	}
}

func newDrift(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "Set a tier's nights one after another, and say what changed",
		Long: `Reads the nights that the registry holds of a tier: for each claim and night the verdict and the estimate with its
interval, what changed from night to night (commit, code, machine, GPU with driver, backend, data), and alarms,
where the level of a contrast is shown to have changed. In 60 unchanged nights there is any false alarm with
probability 0.05. If the last night raised an alarm, the exit code is 8.

A night is the claims of a tier, run once more on seeds that follow from its name. Its runs are trained by run
--night, and judged and kept by drift --night, once and for all, as the program of that night judges them:

    DATE=2026-11-30
    run --night $DATE      # on any number of workers
    drift --night $DATE

Beside an alarm belongs a control: with the commit of before, or whatever else is to be told apart, the same
commands with --control. It is no night of the row; it is held against both levels of each alarm up to it.`,
		Example: a.examples("drift", "drift --night 2026-11-30 --format md", "drift --night 2026-11-30 --control --json"),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(report.DriftFormats, format) {
				return usagef("--format %q: nights are written as %s", format, strings.Join(report.DriftFormats, ", "))
			}
			for _, name := range []string{"control", "seeds", "runs"} {
				if cmd.Flags().Changed(name) && a.Night.Name == "" {
					return usagef("--%s is for a night that is kept: use it with --night", name)
				}
			}
			if a.output != "" {
				a.Text.Width, a.Text.Colour = 0, false // text fits no terminal
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return a.drift(cmd.Context(), format) },
	}
	a.addStore(cmd)
	a.addTier(cmd)
	a.addDataDir(cmd)
	a.addNight(cmd)
	a.addRuns(cmd)
	a.addJSON(cmd)
	a.addOutput(cmd)
	cmd.Flags().Var(&seedCount{&a.Seeds}, "seeds", "number of seeds of --night (default: the tier's)")
	cmd.Flags().StringVar(&format, "format", "text", strings.Join(report.DriftFormats, ", "))
	cmd.MarkFlagsMutuallyExclusive("json", "format")
	cmd.MarkFlagsMutuallyExclusive("json", "output")
	complete(cmd, "format", report.DriftFormats)
	return cmd
}

func (a *app) drift(ctx context.Context, format string) error {
	if a.Night.Name != "" {
		a.Backend, a.Access = "auto", study.Read
		s, err := study.Open(ctx, a.Catalogue, a.Options)
		if err == nil {
			err = s.KeepNight(ctx)
		}
		if err != nil {
			return err
		}
	}
	d, damage := study.Drift(ctx, a.Catalogue, a.Options)
	if d == nil {
		return damage
	}
	var err error
	if a.json {
		err = a.printJSON("drift", d)
	} else {
		err = a.write("--output", a.output, func(w io.Writer) error { return report.WriteDrift(w, d, format, a.Text) })
	}
	if err == nil && damage == nil && d.Latest() {
		return coded{code: exitDrift}
	}
	return errors.Join(err, damage)
}
