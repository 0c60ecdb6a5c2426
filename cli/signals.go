package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"syscall"
)

// stopping are the signals by which users, terminals and schedulers stop a program: Ctrl-C, kill, a terminal that goes
// away, and what Slurm sends where a job asks for it.
var stopping = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1}

// heed stops the work at the first signal. Schedulers repeat themselves within a second, and a run that writes its
// checkpoint should be let; so it takes a third signal for heed to return, with the exit code of a process that ends at
// once. That corrupts nothing either: what is not whole is not there.
func heed(signals <-chan os.Signal, cancel context.CancelCauseFunc, out io.Writer) int {
	first := <-signals
	cause := errTerminated
	if first == os.Interrupt {
		cause = errInterrupted
	}
	cancel(cause)
	fmt.Fprintln(out, "stopping; a checkpoint is written first")
	<-signals
	fmt.Fprintln(out, "still stopping; one more signal ends the program at once")
	<-signals
	return cause.code
}
