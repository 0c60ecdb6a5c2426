package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/write"
	"github.com/cidbench/cidbench/study"
)

type analyzeCommand struct {
	*Console
	studyFlags
	jsonFlag
}

func newAnalyze(c *Console) *cobra.Command {
	o := &analyzeCommand{Console: c}
	arms := study.ArmIDs(c.Catalogue)
	cmd := &cobra.Command{
		Use:   "analyze",
		Short: "Analyse the embeddings of stored checkpoints; trains nothing",
		Long: `Measures, on the checkpoints that finished runs keep (early, middle and end of training, and the encoder
as initialised), how difficult negatives relate to the query in meaning, and whether some are hard or easy
for more queries than chance. Each analysis is stored as a run of its own and never repeated. Prints the
statistics over training, with the p values of their permutation nulls.`,
		Example: c.examples("analyze", "analyze --arm "+first(arms)+" --json"),
		Args:    cobra.NoArgs,
	}
	o.addStudy(cmd, c, study.Write, o.run)
	o.addWorkers(cmd)
	o.addJSON(cmd)
	cmd.Flags().StringSliceVar(&o.Arms, "arm", nil, "arm to analyse (repeatable; default those that the claims observe)")
	_ = cmd.RegisterFlagCompletionFunc("arm", fixed(arms))
	return cmd
}

func (o *analyzeCommand) run(ctx context.Context, s *study.Study) error {
	r, err := s.Analyze(ctx)
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(r.Analyses)
	}
	return write.Text(o.Stdout, layout.Document{layout.Analyses(r)}, o.Text)
}
