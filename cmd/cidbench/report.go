package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/report"
)

var errCodeRuns = errors.New("--code judges stored runs: use it with --no-run")

func newReport(s *state) *cobra.Command {
	o := &options{}
	var format, output string
	c := &cobra.Command{
		Use:   "report",
		Short: "Write a report of what is stored",
		Long: `Writes a report of the stored runs: the same registry gives the same bytes. It runs nothing; cells that
are not there stand in it as missing.`,
		Example: "  cidbench report --format md --output RESULTS.md\n  cidbench report --format html --output report.html",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return writeReport(c.Context(), s, o, format, output) },
	}
	o.flagSelection(c)
	o.flagCode(c)
	c.Flags().StringVar(&format, "format", "text", strings.Join(report.Formats(), ", "))
	c.Flags().StringVarP(&output, "output", "o", "", "file to write (default: standard output)")
	_ = c.RegisterFlagCompletionFunc("format", fixed(report.Formats()))
	return c
}

func writeReport(ctx context.Context, s *state, o *options, format, output string) error {
	write, err := s.writer(format)
	if output != "" {
		write, err = report.Format(format)
	}
	if err != nil {
		return usage{fmt.Errorf("--format: %w", err)}
	}
	n, err := o.open(ctx, s, reading)
	if err != nil {
		return err
	}
	r, err := n.report(ctx)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := write(&text, r); err != nil {
		return err
	}
	if output == "" {
		_, err := s.stdout.Write(text.Bytes())
		return err
	}
	if err := replaceFile(output, text.Bytes()); err != nil {
		return usage{fmt.Errorf("--output: %w", err)}
	}
	fmt.Fprintln(s.stderr, "wrote", output)
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
