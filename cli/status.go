package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/study"
)

type statusCommand struct {
	*Console
	studyFlags
	jsonFlag
}

func newStatus(c *Console) *cobra.Command {
	o := &statusCommand{Console: c}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which cells are done, failed, begun or missing",
		Args:  cobra.NoArgs,
	}
	o.addStudy(cmd, c, study.Read, o.run)
	o.addSweep(cmd, c)
	o.addRuns(cmd)
	o.addJSON(cmd)
	return cmd
}

func (o *statusCommand) run(ctx context.Context, s *study.Study) error {
	cells, err := s.Status(ctx)
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(cells)
	}
	o.printCells(cells)
	return nil
}

// printCells prints where cells stand, and a summary.
func (c *Console) printCells(cells []study.CellState) {
	count := map[study.State]int{}
	for _, cell := range cells {
		count[cell.State]++
		detail := cell.Reason
		switch {
		case cell.Step > 0:
			detail = fmt.Sprintf("checkpoint at step %d of %d", cell.Step, cell.Spec.Training.Steps())
		case cell.Seconds > 0 && detail == "":
			detail = fmt.Sprintf("%.0f s", cell.Seconds)
		}
		fmt.Fprintf(c.Stdout, "%-9s %-36s T %-5g seed %-3d %s  %s\n", cell.State, cell.Arm, cell.Temperature, cell.Seed, cell.Run, detail)
	}
	fmt.Fprintf(c.Stdout, "%d cells: %d complete, %d failed, %d begun, %d missing\n",
		len(cells), count[study.Complete], count[study.Failed], count[study.Begun], count[study.Missing])
}
