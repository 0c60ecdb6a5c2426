package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
)

func newStatus(s *state) *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:   "status",
		Short: "Show which cells are done, failed, begun or missing",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return status(c.Context(), s, o) },
	}
	o.flagSelection(c)
	o.flagSweep(c)
	o.flagCode(c)
	o.flagJSON(c)
	return c
}

// cellState is where a cell stands.
type cellState struct {
	bench.Cell
	Run    string `json:"run"`
	State  string `json:"state"` // complete, failed, begun, missing
	Reason string `json:"reason,omitempty"`
	// Seconds is the wall time of a finished run and Bytes the size of its artifacts, Step the last checkpoint
	// of one begun.
	Seconds float64 `json:"seconds,omitempty"`
	Bytes   int64   `json:"bytes,omitempty"`
	Step    int     `json:"step,omitempty"`
}

func (n *session) states(ctx context.Context, cells []bench.Cell) ([]cellState, error) {
	var all []cellState
	for _, cell := range cells {
		c := cellState{Cell: cell, Run: cell.Spec.ID(), State: "missing"}
		m, _, err := n.reg.Run(ctx, c.Run)
		switch {
		case err == nil:
			c.State, c.Reason, c.Seconds = string(m.Status), m.Reason, m.Provenance.WallSeconds
			for _, artifact := range m.Artifacts {
				c.Bytes += artifact.Size
			}
		case !errors.Is(err, registry.ErrNotExist):
			return nil, err
		default:
			for event, err := range n.reg.Events(ctx, c.Run) {
				if err != nil {
					return nil, err
				}
				c.State = "begun"
				var at struct{ Step int }
				if json.Unmarshal(event.Data, &at) == nil {
					c.Step = max(c.Step, at.Step)
				}
			}
		}
		all = append(all, c)
	}
	return all, nil
}

func status(ctx context.Context, s *state, o *options) error {
	n, err := o.open(ctx, s, reading)
	if err != nil {
		return err
	}
	cells, err := n.states(ctx, n.cells)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(s, cells)
	}
	printStates(s, cells)
	return nil
}

// printStates prints the cells and a summary.
func printStates(s *state, cells []cellState) {
	count := map[string]int{}
	for _, c := range cells {
		count[c.State]++
		detail := c.Reason
		switch {
		case c.Step > 0:
			detail = fmt.Sprintf("checkpoint at step %d of %d", c.Step, c.Spec.Training.Config.Steps)
		case c.Seconds > 0 && detail == "":
			detail = fmt.Sprintf("%.0f s", c.Seconds)
		}
		fmt.Fprintf(s.stdout, "%-9s %-36s T %-5g seed %-3d %s  %s\n", c.State, c.Arm, c.Temperature, c.Seed, c.Run, detail)
	}
	fmt.Fprintf(s.stdout, "%d cells: %d complete, %d failed, %d begun, %d missing\n", len(cells), count["complete"], count["failed"], count["begun"], count["missing"])
}
