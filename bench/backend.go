package bench

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/go-xla/compute/xla"
)

// Backend says where the graphs run.
type Backend struct {
	// Kind is "go" or "xla": it is part of a run's key.
	Kind string
	// Plugin is XLA's PJRT plugin ("cpu", "cuda"); empty for go.
	Plugin string
	// Note says how the backend was chosen, where that may surprise.
	Note string
}

// The plugins must be there already: nothing is downloaded behind the user's back.
func init() { xla.EnableAutoInstall(false) }

// ChooseBackend resolves a --backend flag: "go", "xla", "xla:PLUGIN", or "auto", which takes XLA where a
// plugin is installed and go otherwise, and says so.
func ChooseBackend(flag string) (Backend, error) {
	kind, plugin, _ := strings.Cut(flag, ":")
	switch {
	case flag == "go":
		return Backend{Kind: "go"}, nil
	case kind == "xla" || flag == "auto":
		plugins := xla.GetAvailablePlugins()
		if len(plugins) == 0 {
			if flag == "auto" {
				return Backend{Kind: "go", Note: "no XLA plugin is installed, so the pure-Go backend is used"}, nil
			}
			return Backend{}, errors.New("--backend xla: no PJRT plugin is installed; install one (see README) or use --backend go")
		}
		if plugin == "" {
			plugin = plugins[0]
			for _, p := range plugins { // a GPU before the CPU
				if strings.HasPrefix(p, "cuda") {
					plugin = p
				}
			}
		}
		if !slices.Contains(plugins, plugin) {
			return Backend{}, fmt.Errorf("--backend %s: no such PJRT plugin; installed: %s", flag, strings.Join(plugins, ", "))
		}
		return Backend{Kind: "xla", Plugin: plugin, Note: "XLA plugin " + plugin}, nil
	}
	return Backend{}, fmt.Errorf("--backend %q is not auto, go, xla or xla:PLUGIN", flag)
}

// String describes the backend for a manifest.
func (b Backend) String() string {
	if b.Kind == "xla" {
		return "xla:" + b.Plugin
	}
	if SIMD {
		return "go, SIMD"
	}
	return "go, no SIMD"
}

// Open starts a backend that uses at most so many threads; those of go are bounded by the processors. Every
// cell has its own.
func (b Backend) Open(threads int) (compute.Backend, error) {
	if b.Kind == "xla" {
		return xla.New(b.Plugin)
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
