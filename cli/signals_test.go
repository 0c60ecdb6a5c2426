package cli

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
)

// The first signal says what the work ends with, a second one changes nothing, and the third ends the program.
func TestSignals(t *testing.T) {
	for first, code := range map[os.Signal]int{os.Interrupt: exitInterrupted, syscall.SIGTERM: exitTerminated, syscall.SIGHUP: exitTerminated, syscall.SIGUSR1: exitTerminated} {
		signals := make(chan os.Signal)
		ended := make(chan int)
		ctx, cancel := context.WithCancelCause(t.Context())
		var out strings.Builder
		go func() { ended <- heed(signals, cancel, &out) }()
		signals <- first
		<-ctx.Done()
		if got := exitCode(context.Cause(ctx)); got != code {
			t.Errorf("%s: exit code %d, want %d", first, got, code)
		}
		signals <- syscall.SIGTERM
		select {
		case <-ended:
			t.Errorf("%s: a second signal ended the program", first)
		case signals <- os.Interrupt:
		}
		if got := <-ended; got != code || !strings.Contains(out.String(), "a checkpoint is written first\nstill stopping") {
			t.Errorf("%s: ended with %d, want %d: %s", first, got, code, &out)
		}
	}
}
