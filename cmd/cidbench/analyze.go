package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/experiments"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/write"
)

func newAnalyze(s *state) *cobra.Command {
	o := &options{}
	var arms []string
	c := &cobra.Command{
		Use:   "analyze",
		Short: "Analyse the embeddings of stored checkpoints; trains nothing",
		Long: `Measures, on the checkpoints that finished runs keep (early, middle and end of training, and the encoder
as initialised), how difficult negatives relate to the query in meaning, and whether some are hard or easy
for more queries than chance. Each analysis is stored as a run of its own and never repeated. Prints the
statistics over training, with the p values of their permutation nulls.`,
		Example: "  cidbench analyze\n  cidbench analyze --arm hardest5 --arm easiest95 --json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return analyze(c.Context(), s, o, arms) },
	}
	o.flagSelection(c)
	o.flagRunning(c)
	o.flagJSON(c)
	c.Flags().StringSliceVar(&arms, "arm", nil, "arm to analyse (repeatable; default those that the claims observe)")
	_ = c.RegisterFlagCompletionFunc("arm", fixed(armNames()))
	return c
}

func analyze(ctx context.Context, s *state, o *options, arms []string) error {
	for _, id := range arms {
		if arm := experiments.All.Arm(id); arm == nil || arm.Features == bench.Pixels {
			return usage{fmt.Errorf("--arm %q is not an arm with an encoder; see cidbench list", id)}
		}
	}
	n, err := o.open(ctx, s, writing)
	if err != nil {
		return err
	}
	cells := n.observed()
	if len(arms) > 0 {
		cells = nil
		for _, cell := range n.everyCell() {
			if slices.Contains(arms, cell.Arm) {
				cells = append(cells, cell)
			}
		}
	}
	trained := 0
	for _, cell := range cells {
		done, err := bench.Finished(ctx, n.reg, cell.Spec.ID())
		if err != nil {
			return err
		}
		if done {
			trained++
		}
	}
	if trained == 0 {
		return coded{exitNothing, "nothing to analyse: none of these runs is there; `cidbench run` trains them"}
	}
	if trained < len(cells) {
		fmt.Fprintf(s.stderr, "%d of %d runs are not there and cannot be analysed; `cidbench run` trains them\n", len(cells)-trained, len(cells))
	}
	if err := n.analyze(ctx, s, cells); err != nil {
		return err
	}
	r, err := n.report(ctx)
	if err != nil {
		return err
	}
	r.Analyses = slices.DeleteFunc(r.Analyses, func(a model.Analysis) bool {
		return !slices.ContainsFunc(cells, func(c bench.Cell) bool { return c.Arm == a.Arm && c.Temperature == a.Temperature })
	})
	if o.json {
		return printJSON(s, r.Analyses)
	}
	return write.Text(s.stdout, layout.Document{layout.Analyses(r)}, s.text)
}
