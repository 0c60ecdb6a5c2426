package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

const (
	autoSeeds = "auto"
	maxSeeds  = 12
)

const autoHelp = `With --seeds auto it adds seeds until every claim is decided, or --max-seeds or --budget is spent. It looks
at seed counts planned up front (3, 5, 8, 12, ...: half as many again, up to --max-seeds). Looking more than
once is corrected for: each of K planned looks is judged at 0.05/K (Bonferroni), with intervals of that
level, so that any wrong verdict at any look has a probability of at most 0.05. A claim keeps the verdict of
the first look that decides it, and is not trained further. The verdict depends on --max-seeds, the claims
selected and the runs stored, and on nothing else: the same command gives it again.`

// seedCount is the value of --seeds: a number or, where the command allows it, "auto".
type seedCount struct {
	n    *int
	auto *bool // nil where auto is not allowed
}

func (v *seedCount) Type() string {
	if v.auto != nil {
		return "int|" + autoSeeds
	}
	return "int"
}

func (v *seedCount) String() string {
	switch {
	case v.auto != nil && *v.auto:
		return autoSeeds
	case v.n == nil || *v.n == 0: // not given
		return ""
	}
	return strconv.Itoa(*v.n)
}

func (v *seedCount) Set(text string) error {
	if text == autoSeeds {
		if v.auto == nil {
			return errors.New("only verify adds seeds by itself; give a number")
		}
		*v.auto, *v.n = true, 0
		return nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil && v.auto != nil:
		return errors.New(`give a number or "auto"`)
	case err != nil:
		return errors.New("give a number")
	case n < 0:
		return errors.New("a number of seeds cannot be negative")
	}
	*v.n = n
	if v.auto != nil {
		*v.auto = false
	}
	return nil
}

// lookOptions are the flags of --seeds auto.
type lookOptions struct {
	auto   bool
	max    int
	budget time.Duration
}

// flagLooks lets --seeds be auto.
func (o *options) flagLooks(c *cobra.Command) {
	f := c.Flags()
	seeds := f.Lookup("seeds")
	seeds.Value = &seedCount{&o.seeds, &o.looks.auto}
	seeds.Usage = "number of seeds, or auto: add seeds until the claims are decided (default: the tier's)"
	f.IntVar(&o.looks.max, "max-seeds", maxSeeds, "with --seeds auto: the seeds of the last look")
	f.DurationVar(&o.looks.budget, "budget", 0, "with --seeds auto: stop training after this time, such as 90m (default: no limit)")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		for _, name := range []string{"max-seeds", "budget"} {
			if c.Flags().Changed(name) && !o.looks.auto {
				return usage{fmt.Errorf("--%s means something only with --seeds auto", name)}
			}
		}
		return nil
	}
	_ = c.RegisterFlagCompletionFunc("seeds", fixed([]string{autoSeeds}))
}

// planLooks fixes the looks before anything is known: they are a function of the flags.
func (n *session) planLooks() error {
	o := n.looks
	if !o.auto {
		return nil
	}
	first := 0
	for _, claim := range n.claims {
		first = max(first, claim.MinSeeds)
	}
	switch {
	case o.max < first:
		return fmt.Errorf("--max-seeds %d is less than the %d seeds that a verdict needs", o.max, first)
	case o.max > stats.MaxSeeds:
		return fmt.Errorf("--max-seeds %d is more than anyone trains; the most is %d", o.max, stats.MaxSeeds)
	case o.budget < 0:
		return errors.New("--budget cannot be negative")
	}
	n.plan = stats.PlanLooks(first, o.max)
	n.seeds = first
	return nil
}

var errBudget = errors.New("the budget is spent")

// look judges at each planned number of seeds, running what is missing, until the claims are decided. It
// reads what is stored before it runs anything, so the budget has no say in the verdict on stored runs.
func (n *session) look(ctx context.Context, s *state, noRun bool) (*model.Report, error) {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if n.looks.budget > 0 {
		limited, cancel = context.WithTimeoutCause(ctx, n.looks.budget, errBudget)
	}
	defer cancel()
	for ran := 0; ; {
		r, err := n.report(ctx)
		if err != nil {
			return nil, err
		}
		next := r.Looks.Next()
		if next == 0 || n.stopped != "" {
			return r, nil
		}
		if n.extend(r.Looks.Open, next) {
			continue // its runs may be there already
		}
		if noRun || ran == next { // what was run and is gone again is not run twice
			n.stopped = "stored runs end"
			continue
		}
		ran = next
		fmt.Fprintf(s.stderr, "look %d of %d: %d seeds for %s\n", r.Looks.Taken+1, len(n.plan), next, strings.Join(r.Looks.Open, ", "))
		err = n.compute(limited, s)
		if errors.Is(err, context.DeadlineExceeded) && context.Cause(limited) == errBudget {
			n.stopped = fmt.Sprintf("budget of %s spent", n.looks.budget)
		} else if err != nil {
			return nil, err
		}
	}
}

// extend adds the cells that open claims need for so many seeds, and says whether there are any.
func (n *session) extend(open []string, seeds int) bool {
	var claims []*bench.Claim
	for _, claim := range n.claims {
		if slices.Contains(open, claim.ID) {
			claims = append(claims, claim)
		}
	}
	had := map[string]bool{}
	for _, cell := range n.cells {
		had[cell.Spec.ID()] = true
	}
	before := len(n.cells)
	for _, cell := range n.matrix(claims, seeds) {
		if !had[cell.Spec.ID()] {
			n.cells = append(n.cells, cell)
		}
	}
	return len(n.cells) > before
}
