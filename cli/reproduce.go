package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/study"
)

func newReproduce(a *app) *cobra.Command {
	var evidence, details string
	cmd := &cobra.Command{
		Use:   "reproduce",
		Short: "Train a plan's claims again, and compare with evidence",
		Long: `Trains again, into a registry of its own, what the primary claims of the tier's plan need and the first look
of the secondary ones. Then it says in one sentence how many runs have the same bytes as the published ones,
how many of the others agree within the prediction interval of their arm (another processor rounds otherwise,
and rounding makes other trajectories), and whether each verdict is the same at the looks that were run.

With --output it also writes a report of what was run here, in Markdown, and
beside it, or in the folder --details, its figures and the full report in HTML.`,
		Example: a.examples("reproduce --evidence results.tar.gz --store mine -o REPRODUCED.md"),
		PreRunE: func(*cobra.Command, []string) error {
			if evidence == "" {
				return usagef("--evidence must name what is to be reproduced: a file that report --save-evidence wrote, or a registry")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, here, damage := study.Reproduce(cmd.Context(), a.Catalogue, a.Options, evidence)
			if r == nil {
				return damage
			}
			if a.output != "" {
				if err := a.writeReport(here, "md", details); err != nil {
					return err
				}
			}
			if a.json {
				return errors.Join(a.printJSON("reproduction", r), damage)
			}
			for _, v := range r.Claims {
				a.printf("%-32s look %d: %s, published %s\n", v.Claim, v.Look, v.Here, v.Published)
			}
			for _, d := range r.Differ {
				a.printf("%-32s %.2f, published %.2f, expected %.2f to %.2f\n", d.Name, d.Here, d.Published, d.Expected.Low, d.Expected.High)
			}
			a.printf("%s\n", r)
			if r.Runs == 0 && damage == nil {
				return study.NothingError("the published evidence holds none of these runs")
			}
			return damage
		},
	}
	a.addStore(cmd)
	a.addTier(cmd)
	a.addDataDir(cmd)
	a.addBackend(cmd)
	a.addWorkers(cmd)
	a.addJSON(cmd)
	a.addOutput(cmd)
	addDetails(cmd, &details)
	cmd.Flags().StringVar(&evidence, "evidence", "", "what was published: a file that report --save-evidence wrote, or a registry")
	return cmd
}
