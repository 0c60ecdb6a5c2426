package backend

import (
	"cmp"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"

	"github.com/cidbench/cidbench/bench/nn"
)

// Devices has a device for each of the cells that run at a time.
type Devices struct {
	take func() (nn.Device, error)
	give func(nn.Device)
}

// Take waits for a free device. Errors: the backend's, which cannot be started.
func (d Devices) Take() (nn.Device, error) { return d.take() }

// Give returns it.
func (d Devices) Give(device nn.Device) { d.give(device) }

// On bounds the backend to some GPUs, by number - none: to all -, and gives the number of cells to run at a time: what was
// asked for, or with 0 one for each GPU or processor. Errors: there are no such GPUs, or fewer than cells.
func (b Backend) On(gpus []int, cells int) (Backend, int, error) {
	if !b.GPU() {
		if len(gpus) > 0 {
			return b, 0, fmt.Errorf("--devices %v: they are GPUs, and training runs on the CPU, where --parallel says how many cells", gpus)
		}
		return b, cmp.Or(cells, runtime.GOMAXPROCS(0)), nil
	}
	for i, gpu := range gpus {
		if gpu < 0 || gpu >= len(b.Plugin.Devices) || slices.Contains(gpus[:i], gpu) {
			return b, 0, fmt.Errorf("--devices %v: %s has the GPUs 0 to %d, each once", gpus, b.Plugin.Label(), len(b.Plugin.Devices)-1)
		}
	}
	b.GPUs = gpus
	have := cmp.Or(len(gpus), len(b.Plugin.Devices))
	if cells > have {
		return b, 0, fmt.Errorf("--parallel %d: a GPU runs one cell at a time, and there are %d", cells, have)
	}
	return b, cmp.Or(cells, have), nil
}

// Open starts devices for so many cells at a time, each with so many threads. On XLA's CPU the cells share all of their
// threads, and on GPUs each has one GPU. Errors: there are fewer GPUs than cells; the plugin's.
func (b Backend) Open(cells, threads int) (Devices, error) {
	if b.Kind == "go" {
		return Devices{take: func() (nn.Device, error) { return pure(threads) }, give: nn.Device.Close}, nil
	}
	free, err := b.client(cells, threads)
	if err != nil {
		return Devices{}, err
	}
	return Devices{take: func() (nn.Device, error) { return <-free, nil }, give: func(d nn.Device) { free <- d }}, nil
}

// pure starts GoMLX's go backend on at most so many threads; those of go are bounded by the processors.
func pure(threads int) (nn.Device, error) {
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
		return nn.Device{}, err
	}
	return nn.Devices(backend, 1)[0], bound(backend, workers)
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

// clients are those of XLA that this process has started, by what they were started with, as channels of their free
// devices. They live as long as the process, for they hold what was compiled.
var clients = struct {
	sync.Mutex
	free map[string]chan nn.Device
}{free: map[string]chan nn.Device{}}

// client has devices for so many cells.
func (b Backend) client(cells, threads int) (chan nn.Device, error) {
	clients.Lock()
	defer clients.Unlock()
	key := fmt.Sprint(b.Plugin.Kind, b.Plugin.Path, b.GPUs, cells, threads)
	if free, ok := clients.free[key]; ok {
		return free, nil
	}
	backend, err := b.start(cells, threads)
	if err != nil {
		return nil, err
	}
	if n := backend.NumDevices(); n < cells {
		backend.Finalize()
		return nil, fmt.Errorf("%d cells at a time need as many GPUs, and %s has %d: give --parallel %d or less", cells, b.Plugin.Label(), n, n)
	}
	free := make(chan nn.Device, cells)
	for _, d := range nn.Devices(backend, cells) {
		free <- d
	}
	clients.free[key] = free
	return free, nil
}

// start makes the client of a plugin. A CPU plugin has a device for each cell, and reads the size of its pool of threads
// from the environment.
func (b Backend) start(cells, threads int) (compute.Backend, error) {
	if b.Plugin.Kind != "cpu" {
		return b.Plugin.open(visible(b.GPUs), nil)
	}
	const pool = "NPROC"
	before, set := os.LookupEnv(pool)
	if err := os.Setenv(pool, strconv.Itoa(cells*threads)); err != nil {
		return nil, err
	}
	defer func() {
		if set {
			_ = os.Setenv(pool, before)
		} else {
			_ = os.Unsetenv(pool)
		}
	}()
	return b.Plugin.open("", map[string]any{"cpu_device_count": int64(cells)})
}

// visible is go-xla's option that shows a client only some GPUs.
func visible(gpus []int) string {
	if len(gpus) == 0 {
		return ""
	}
	return ",visible_devices=" + strings.ReplaceAll(strings.Trim(fmt.Sprint(gpus), "[]"), " ", ";")
}
