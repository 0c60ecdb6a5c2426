package main

import (
	"errors"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
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
    2  usage
    3  at least one claim is refuted
    4  none is refuted, at least one is inconclusive
    5  runs or artifacts are missing: nothing to judge
    6  integrity failure (digest, schema)
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

// usage is an error in what the user typed.
type usage struct{ error }

func exitCode(err error) int {
	var c coded
	var u usage
	switch {
	case err == nil:
		return exitSupported
	case errors.As(err, &c):
		return c.code
	case errors.As(err, &u):
		return exitUsage
	case errors.Is(err, registry.ErrCorrupt), errors.Is(err, registry.ErrConflict):
		return exitIntegrity
	case errors.Is(err, registry.ErrUnavailable):
		return exitUnavailable
	case errors.Is(err, registry.ErrNotExist):
		return exitNothing
	}
	return exitInternal
}
