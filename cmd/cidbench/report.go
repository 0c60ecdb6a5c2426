package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/write"
)

var errCodeRuns = errors.New("--code judges stored runs: use it with --no-run")

func newReport(s *state) *cobra.Command {
	o := &options{}
	var to output
	var compare bool
	c := &cobra.Command{
		Use:   "report | report --compare A B",
		Short: "Write a report of what is stored, or set two side by side",
		Long: `Writes a report of the stored runs: the same registry gives the same bytes. It runs nothing; cells that
are not there stand in it as missing.

With --save-evidence it also writes what the verdicts rest on - manifests and results, no checkpoints - to one
small file, which is a --store that can be read and judged anywhere.

With --compare it sets two registries, or two versions of the code, side by side. A and B are each STORE,
STORE@VERSION or @VERSION (of --store); VERSION is the start of a code digest or of a commit, go, xla, or
several of these with commas between. Both sides are judged by this program's definitions.`,
		Example: "  cidbench report --format md --output RESULTS.md --save-evidence results.tar.gz\n" +
			"  cidbench report --store results.tar.gz\n" +
			"  cidbench report --compare old-registry new-registry\n" +
			"  cidbench report --compare @579feec @2e7cda1 --format md",
		Args: func(c *cobra.Command, args []string) error {
			if compare {
				return cobra.ExactArgs(2)(c, args)
			}
			return cobra.NoArgs(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if compare {
				return compareReports(c.Context(), s, o, to, args[0], args[1])
			}
			return writeReport(c.Context(), s, o, to)
		},
	}
	o.flagSelection(c)
	o.flagCode(c)
	c.Flags().StringVar(&to.format, "format", "text", strings.Join(report.Formats, ", "))
	c.Flags().StringVarP(&to.file, "output", "o", "", "file to write (default: standard output)")
	c.Flags().StringVar(&to.evidence, "save-evidence", "", "file to write what the report rests on to (a .tar.gz)")
	c.Flags().BoolVar(&compare, "compare", false, "set two registries or versions side by side")
	c.MarkFlagsMutuallyExclusive("compare", "save-evidence")
	c.MarkFlagsMutuallyExclusive("compare", "code")
	_ = c.RegisterFlagCompletionFunc("format", fixed(report.Formats))
	return c
}

// output says where a report goes, and how.
type output struct{ format, file, evidence string }

// write writes to the file, or to standard output if none is named.
func (to output) write(s *state, content []byte) error {
	if to.file == "" {
		_, err := s.stdout.Write(content)
		return err
	}
	if err := replaceFile(to.file, content); err != nil {
		return outputError(err)
	}
	fmt.Fprintln(s.stderr, "wrote", to.file)
	return nil
}

func writeReport(ctx context.Context, s *state, o *options, to output) error {
	if !slices.Contains(report.Formats, to.format) {
		return usage{fmt.Errorf("--format: unknown report format %q: choose one of %s", to.format, strings.Join(report.Formats, ", "))}
	}
	fit := s.text
	if to.file != "" {
		fit = write.TextOptions{}
	}
	n, err := o.open(ctx, s, reading)
	if err != nil {
		return err
	}
	in, err := n.input(ctx)
	if err != nil {
		return err
	}
	r, err := judge.Build(in)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := report.Write(&text, r, to.format, fit); err != nil {
		return err
	}
	if to.evidence != "" {
		if err := n.saveEvidence(ctx, to.evidence, in); err != nil {
			return err
		}
		fmt.Fprintln(s.stderr, "wrote", to.evidence)
	}
	return to.write(s, text.Bytes())
}

// saveEvidence writes the runs and analyses that a report is built from.
func (n *session) saveEvidence(ctx context.Context, file string, in judge.Input) error {
	ids := slices.Collect(maps.Keys(in.Runs))
	for _, a := range in.Analyses {
		ids = append(ids, a.Spec.ID())
	}
	var content bytes.Buffer
	if err := n.reg.WriteEvidence(ctx, &content, ids, analysis.CountsType); err != nil {
		return err
	}
	if err := replaceFile(file, content.Bytes()); err != nil {
		return usage{fmt.Errorf("--save-evidence: %w", err)}
	}
	return nil
}

// replaceFile writes a file whole or not at all.
func replaceFile(name string, content []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(name), ".cidbench-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // gone already if all went well
	_, err = temp.Write(content)
	if err = errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), name)
}
