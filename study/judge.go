package study

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
)

// Judge judges the claims, after running what is missing if run is set. With Looks it runs no more than it
// takes to decide them.
func (s *Study) Judge(ctx context.Context, run bool) (*model.Report, error) {
	if s.looks != nil {
		return s.look(ctx, run)
	}
	if run {
		if err := s.Run(ctx); err != nil {
			return nil, err
		}
	}
	return s.Report(ctx)
}

var errBudget = errors.New("the budget is spent")

// look judges at each planned number of seeds, running what is missing, until the claims are decided. It
// reads what is stored before it runs anything, so the budget has no say in the verdict on stored runs.
func (s *Study) look(ctx context.Context, run bool) (*model.Report, error) {
	limited, cancel := ctx, context.CancelFunc(func() {})
	budget := s.opts.Looks.Budget
	if budget > 0 {
		limited, cancel = context.WithTimeoutCause(ctx, budget, errBudget)
	}
	defer cancel()
	at := s.whole()
	for ran := 0; ; {
		r, err := s.report(ctx, at)
		if err != nil {
			return nil, err
		}
		next := r.Looks.Next()
		if next == 0 || at.stopped != "" {
			return r, nil
		}
		before := len(at.cells)
		at.cells = union(at.cells, s.matrix(s.open(r), next))
		if len(at.cells) > before {
			continue // its runs may be there already
		}
		if !run || ran == next { // what was run and is gone again is not run twice
			at.stopped = "stored runs end"
			continue
		}
		ran = next
		s.opts.Observer.Say(fmt.Sprintf("look %d of %d: %d seeds for %s", r.Looks.Taken+1, len(s.looks), next, strings.Join(r.Looks.Open, ", ")))
		err = s.compute(limited, at.cells)
		if errors.Is(err, context.DeadlineExceeded) && context.Cause(limited) == errBudget {
			at.stopped = fmt.Sprintf("budget of %s spent", budget)
		} else if err != nil {
			return nil, err
		}
	}
}

// open lists the claims that a further look may decide.
func (s *Study) open(r *model.Report) (claims []*bench.Claim) {
	for _, claim := range s.claims {
		if slices.Contains(r.Looks.Open, claim.ID) {
			claims = append(claims, claim)
		}
	}
	return claims
}
