// Package backend is where graphs run: GoMLX's pure-Go backend, or XLA through a PJRT plugin. It finds the plugins of
// this machine, tries each in a process of its own, and chooses.
package backend

import (
	"fmt"
	"reflect"
	"runtime"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"

	"github.com/cidbench/cidbench/bench/machine"
)

// Backend says where the graphs run.
type Backend struct {
	// Kind is "go" or "xla": it is part of a run's key.
	Kind string
	// Plugin is what XLA runs on; nil for go.
	Plugin *Plugin
	// Note says why this one was chosen, and what may surprise.
	Note string
}

// String describes the backend for a manifest: versions, and no places.
func (b Backend) String() string {
	switch {
	case b.Kind == "xla":
		return "xla:" + b.Plugin.Label()
	case machine.SIMD:
		return "go, SIMD"
	}
	return "go, no SIMD"
}

// Open starts a backend that uses at most so many threads; those of go are bounded by the processors. Every
// cell has its own.
func (b Backend) Open(threads int) (compute.Backend, error) {
	if b.Kind == "xla" {
		return b.Plugin.open()
	}
	// Neither the number of workers, -1 for all processors, nor the way operations are executed changes a bit of the
	// results. Operations run side by side, as those of query and key encoder can, only without a bound: with one the
	// backend hangs when every worker is inside a product that waits for a free worker (workerspool.Saturate, up to
	// compute v0.1.3; TestBackendFinishes).
	operations, workers := "ops_sequential", threads
	if threads <= 1 {
		workers = 0 // no goroutines at all
	} else if threads >= runtime.GOMAXPROCS(0) {
		operations, workers = "ops_parallel", -1
	}
	backend, err := gobackend.New(operations)
	if err != nil {
		return nil, err
	}
	return backend, bound(backend, workers)
}

// bound sets the number of workers of the go backend. Its option for that announces itself on standard output,
// which belongs to results, and its type cannot be named, but the field behind the option is exported.
func bound(backend any, parallelism int) error {
	if v := reflect.Indirect(reflect.ValueOf(backend)); v.Kind() == reflect.Struct {
		if workers := v.FieldByName("Workers"); workers.IsValid() {
			if pool, ok := workers.Interface().(interface{ SetMaxParallelism(int) }); ok {
				pool.SetMaxParallelism(parallelism)
				return nil
			}
		}
	}
	return fmt.Errorf("the number of workers of this version of GoMLX's go backend cannot be set: %T has no pool Workers", backend)
}
