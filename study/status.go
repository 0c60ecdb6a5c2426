package study

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
)

// CellState is where a cell stands.
type CellState struct {
	bench.Cell
	Run    string `json:"run"`
	State  State  `json:"state"`
	Reason string `json:"reason,omitempty"`
	// Seconds is the wall time of a finished run and Bytes the size of its artifacts, Step the last checkpoint
	// of one begun.
	Seconds float64 `json:"seconds,omitempty"`
	Bytes   int64   `json:"bytes,omitempty"`
	Step    int     `json:"step,omitempty"`
}

// State says what there is of a run.
type State string

// The states; the first two are those of finished runs.
const (
	Complete State = "complete"
	Failed   State = "failed"
	Begun    State = "begun"
	Missing  State = "missing"
)

// Status says where the cells stand.
func (s *Study) Status(ctx context.Context) ([]CellState, error) { return states(ctx, s.reg, s.cells) }

func states(ctx context.Context, reg *registry.Registry, cells []bench.Cell) ([]CellState, error) {
	var all []CellState
	for _, cell := range cells {
		c := CellState{Cell: cell, Run: cell.Spec.ID(), State: Missing}
		m, _, err := reg.Run(ctx, c.Run)
		switch {
		case err == nil:
			c.State, c.Reason, c.Seconds = State(m.Status), m.Reason, m.Provenance.WallSeconds
			for _, artifact := range m.Artifacts {
				c.Bytes += artifact.Size
			}
		case !errors.Is(err, registry.ErrNotExist):
			return nil, err
		default:
			for event, err := range reg.Events(ctx, c.Run) {
				if err != nil {
					return nil, err
				}
				c.State = Begun
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
