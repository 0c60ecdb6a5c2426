// Package cli is the command line of a catalogue of experiments: commands, flags, progress and exit codes. A
// command parses its flags into its own options and has package study do the work. It knows no paper: the
// program for another one is its catalogue and a call of Main.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"golang.org/x/term"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/write"
)

// Main runs the program of a catalogue on the process's arguments and streams, and returns its exit code.
func Main(catalogue *bench.Catalogue) int {
	// Training allocates a working set of some hundred megabytes again and again; collecting it less often
	// saves about 5% of the time.
	debug.SetGCPercent(400)
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		cause := errInterrupted
		if <-signals == syscall.SIGTERM {
			cause = errTerminated
		}
		cancel(cause)
		signal.Stop(signals) // a second signal ends the process at once
	}()
	c := &Console{
		Catalogue: catalogue, Name: strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe"), Args: os.Args[1:], Getenv: os.Getenv,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Terminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		c.Text = write.TextOptions{Width: width, Colour: os.Getenv("NO_COLOR") == ""}
	}
	return c.Run(ctx)
}

// Run runs the command that Args name, and returns the exit code.
func (c *Console) Run(ctx context.Context) int {
	c.Name = cmp.Or(c.Name, "cidbench")
	if err := c.Catalogue.Validate(); err != nil {
		fmt.Fprintf(c.Stderr, "%s: the catalogue of experiments is not valid: %v\n", c.Name, err)
		return exitInternal
	}
	root := newRoot(c)
	root.SetArgs(c.Args)
	root.SetOut(c.Stdout)
	root.SetErr(c.Stderr)
	err := root.ExecuteContext(ctx)
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		err = cause
	}
	if err != nil && err.Error() != "" {
		fmt.Fprintf(c.Stderr, "%s: %v\n", c.Name, err)
	}
	return exitCode(err)
}
