package study

import (
	"cmp"
	"context"
	"fmt"
	"regexp"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/diff"
	"github.com/cidbench/cidbench/report/model"
)

// versionSuffix is what may follow the store of a side: @ and a version of the method, a backend, or both.
var versionSuffix = regexp.MustCompile(`@((?:v[0-9]+|go|xla)(?:,(?:v[0-9]+|go|xla))*)$`)

// side is the options for one side of a comparison, STORE, STORE@VERSION or @VERSION.
func (o Options) side(arg string) Options {
	if at := versionSuffix.FindStringSubmatchIndex(arg); at != nil {
		arg, o.Runs = arg[:at[0]], arg[at[2]:]
	}
	o.Store = cmp.Or(arg, o.Store)
	return o
}

// Compare judges the same selection on two sides, each STORE, STORE@VERSION or @VERSION of the Store of the
// options. Errors: NothingError if a side holds no complete run; those of Open.
func Compare(ctx context.Context, catalogue *bench.Catalogue, o Options, a, b string) (*diff.Comparison, error) {
	var names [2]string
	var reports [2]*model.Report
	for i, arg := range []string{a, b} {
		s, err := Open(ctx, catalogue, o.side(arg))
		if err == nil {
			reports[i], err = s.Report(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", arg, err)
		}
		names[i] = s.reg.String()
		if s.opts.Runs != "" {
			names[i] += "@" + s.opts.Runs
		}
		if reports[i].Tier.RunsPresent == 0 {
			return nil, NothingError(fmt.Sprintf("nothing to compare: %s holds no complete run of these claims in tier %s", names[i], s.tier.ID))
		}
	}
	return diff.Compare(names[0], reports[0], names[1], reports[1])
}
