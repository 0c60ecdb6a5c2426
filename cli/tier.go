package cli

import (
	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/tierfile"
	"github.com/cidbench/cidbench/study"
)

// tierFlag is the value of --tier: the id of a tier, or a file that has one.
type tierFlag struct{ app *app }

func (v *tierFlag) Type() string { return "tier" }

func (v *tierFlag) String() string {
	if v.app == nil {
		return ""
	}
	return v.app.Tier
}

func (v *tierFlag) Set(text string) error {
	v.app.Tier = text
	if !study.IsTierFile(text) {
		return nil // whether there is one is said where it is asked for
	}
	catalogue, tier, err := study.WithTierFile(v.app.Catalogue, text)
	if err != nil {
		return err
	}
	v.app.Catalogue, v.app.Tier = catalogue, tier.ID
	return nil
}

func newTier(a *app) *cobra.Command {
	show := &cobra.Command{
		Use:   "show NAME",
		Short: "Print a tier as a file that --tier reads",
		Long: `Prints a tier as YAML. A file starts from a tier of the catalogue and says what is otherwise there, such as

    from: default
    id: mine
    train:
      steps: 1600

A list is given whole. On another data set the tier has a title and a caveat of its own.`,
		Example: a.examples("tier show "+first(study.TierIDs(a.Catalogue))+" > mine.yaml", "run --tier mine.yaml"),
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			tier := a.Catalogue.Tier(args[0])
			if tier == nil {
				return usagef("%w", bench.Unknown("tier", args[0], study.TierIDs(a.Catalogue)))
			}
			text, err := tierfile.Write(tier)
			if err != nil {
				return err
			}
			_, err = a.Stdout.Write(text)
			return err
		},
	}
	return group(&cobra.Command{Use: "tier", Short: "Print tiers as files"}, show)
}
