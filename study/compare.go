package study

import (
	"cmp"
	"context"
	"fmt"
	"regexp"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report"
)

// versionSuffix is what may follow the store of a side: @ and the start of a code digest or a commit, or a
// backend.
var versionSuffix = regexp.MustCompile(`@((?:(?:sha256:)?[0-9a-f]{4,64}|go|xla)(?:,(?:(?:sha256:)?[0-9a-f]{4,64}|go|xla))*)$`)

// side is the options for one side of a comparison, STORE, STORE@VERSION or @VERSION.
func (o Options) side(arg string) Options {
	if at := versionSuffix.FindStringSubmatchIndex(arg); at != nil {
		arg, o.Version = arg[:at[0]], arg[at[2]:]
	}
	o.Store = cmp.Or(arg, o.Store)
	return o
}

// Compare judges the same selection on two sides, each STORE, STORE@VERSION or @VERSION of the Store of the
// options. Errors: NothingError if a side holds no complete run; those of Open.
func Compare(ctx context.Context, catalogue *bench.Catalogue, o Options, a, b string) (*report.Comparison, error) {
	var names [2]string
	var reports [2]*report.Report
	for i, arg := range []string{a, b} {
		s, err := Open(ctx, catalogue, o.side(arg))
		if err == nil {
			reports[i], err = s.Report(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", arg, err)
		}
		names[i] = s.reg.String()
		if s.opts.Version != "" {
			names[i] += "@" + s.opts.Version
		}
		if reports[i].Tier.RunsPresent == 0 {
			return nil, NothingError(fmt.Sprintf("nothing to compare: %s holds no complete run of these claims in tier %s", names[i], s.tier.ID))
		}
	}
	return report.Compare(names[0], reports[0], names[1], reports[1])
}
