package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/study"
)

// The exit codes, printed in every help text; those of verdicts are the report's.
const (
	exitSupported   = model.ExitSupported
	exitInternal    = 1
	exitUsage       = 2
	exitNothing     = model.ExitNothing
	exitIntegrity   = 6
	exitUnavailable = 7
	exitTerminated  = 75
	exitInterrupted = 130
)

const exitHelp = `Exit codes:
    0  done; for verify: every selected claim is supported
    1  internal error
    2  usage; also a --store that is no registry and can be none
    3  at least one claim is refuted
    4  none is refuted, at least one is inconclusive
    5  runs, artifacts or files are missing: nothing to judge
    6  integrity failure (digest, schema, data set)
    7  the registry cannot be reached or written
   75  stopped by SIGTERM after a checkpoint: run the same command again
  130  interrupted by the user after a checkpoint: likewise`

var (
	errInterrupted = coded{exitInterrupted, "interrupted; finished runs and checkpoints are kept, the same command goes on from there"}
	errTerminated  = coded{exitTerminated, "terminated; finished runs and checkpoints are kept, the same command goes on from there"}
)

// coded is an error with an exit code of its own. An empty message exits silently: the output said it all.
type coded struct {
	code    int
	message string
}

func (c coded) Error() string { return c.message }

// usagef makes an error of what the user typed.
func usagef(format string, args ...any) error {
	return study.UsageError{Err: fmt.Errorf(format, args...)}
}

func exitCode(err error) int {
	var c coded
	var usage study.UsageError
	var nothing study.NothingError
	switch {
	case err == nil:
		return exitSupported
	case errors.As(err, &c):
		return c.code
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, registry.ErrCorrupt), errors.Is(err, registry.ErrConflict), errors.Is(err, dataset.ErrDigest):
		return exitIntegrity
	case errors.Is(err, registry.ErrUnavailable):
		return exitUnavailable
	case errors.As(err, &nothing), errors.Is(err, registry.ErrNotExist), errors.Is(err, fs.ErrNotExist):
		return exitNothing
	}
	return exitInternal
}
