// Command cidbench tests the claims of "Are all negatives created equal in contrastive instance
// discrimination?" by training MoCo v2 with negatives restricted by difficulty.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"golang.org/x/term"

	"github.com/cidbench/cidbench/report/write"
)

func main() {
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
	s := &state{
		args: os.Args[1:], stdout: os.Stdout, stderr: os.Stderr,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		s.text = write.TextOptions{Width: width, Colour: os.Getenv("NO_COLOR") == ""}
	}
	os.Exit(s.main(ctx))
}

// state is what a command may touch of the world.
type state struct {
	args           []string
	stdout, stderr io.Writer
	// terminal says that stderr is one: progress may redraw itself.
	terminal bool
	// text fits reports to stdout, if that is a terminal.
	text write.TextOptions
}

func (s *state) main(ctx context.Context) int {
	root := newRoot(s)
	root.SetArgs(s.args)
	root.SetOut(s.stdout)
	root.SetErr(s.stderr)
	err := root.ExecuteContext(ctx)
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		err = cause
	}
	code := exitCode(err)
	if err != nil && err.Error() != "" {
		fmt.Fprintf(s.stderr, "cidbench: %v\n", err)
	}
	return code
}
