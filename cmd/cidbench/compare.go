package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/report"
	"github.com/cidbench/cidbench/report/diff"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/write"
)

// versionSuffix is what may follow the store of a side: @ and the start of a code digest or a commit, or a
// backend.
var versionSuffix = regexp.MustCompile(`@((?:(?:sha256:)?[0-9a-f]{4,64}|go|xla)(?:,(?:(?:sha256:)?[0-9a-f]{4,64}|go|xla))*)$`)

// side is the options for one side of a comparison, STORE, STORE@VERSION or @VERSION.
func (o options) side(arg string) *options {
	if at := versionSuffix.FindStringSubmatchIndex(arg); at != nil {
		arg, o.code = arg[:at[0]], arg[at[2]:]
	}
	o.store = cmp.Or(arg, o.store)
	return &o
}

func compareReports(ctx context.Context, s *state, o *options, to output, a, b string) error {
	if !slices.Contains(report.ComparisonFormats, to.format) {
		return usage{fmt.Errorf("--format %q: a comparison is written as %s", to.format, strings.Join(report.ComparisonFormats, ", "))}
	}
	var names [2]string
	var reports [2]*model.Report
	for i, arg := range []string{a, b} {
		n, err := o.side(arg).open(ctx, s, reading)
		if err != nil {
			return fmt.Errorf("%s: %w", arg, err)
		}
		if reports[i], err = n.report(ctx); err != nil {
			return fmt.Errorf("%s: %w", arg, err)
		}
		names[i] = n.reg.String()
		if n.code != "" {
			names[i] += "@" + n.code
		}
		if reports[i].Tier.RunsPresent == 0 {
			return coded{exitNothing, fmt.Sprintf("nothing to compare: %s holds no complete run of these claims in tier %s", names[i], n.tier.ID)}
		}
	}
	c, err := diff.Compare(names[0], reports[0], names[1], reports[1])
	if err != nil {
		return err
	}
	var text bytes.Buffer
	fit := s.text
	if to.file != "" {
		fit = write.TextOptions{}
	}
	if err := report.WriteComparison(&text, c, to.format, fit); err != nil {
		return err
	}
	return to.write(s, text.Bytes())
}
