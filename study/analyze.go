package study

import (
	"context"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
)

// Analyze analyses what is stored of the selected arms, or of those that the claims observe, and trains nothing.
// Of the report, it is the analyses of these arms that count. Errors: NothingError if no such run is there.
func (s *Study) Analyze(ctx context.Context) (*model.Report, error) {
	cells := s.observed(s.cells)
	if len(s.opts.Arms) > 0 {
		cells = nil
		for _, cell := range s.everyCell(s.cells) {
			if slices.Contains(s.opts.Arms, cell.Arm) {
				cells = append(cells, cell)
			}
		}
	}
	there := 0
	for _, cell := range cells {
		done, err := bench.Finished(ctx, s.reg, cell.Spec.ID())
		if err != nil {
			return nil, err
		}
		if done {
			there++
		}
	}
	if there == 0 {
		return nil, NothingError(fmt.Sprintf("nothing to analyse: none of these runs is there; `%s run` trains them", s.opts.Program))
	}
	if there < len(cells) {
		s.opts.Observer.Say(fmt.Sprintf("%d of %d runs are not there and cannot be analysed; `%s run` trains them", len(cells)-there, len(cells), s.opts.Program))
	}
	if err := s.analyze(ctx, cells); err != nil {
		return nil, err
	}
	r, err := s.Report(ctx)
	if err != nil {
		return nil, err
	}
	r.Analyses = slices.DeleteFunc(r.Analyses, func(a model.Analysis) bool {
		return !slices.ContainsFunc(cells, func(c bench.Cell) bool { return c.Arm == a.Arm && c.Temperature == a.Temperature })
	})
	return r, nil
}
