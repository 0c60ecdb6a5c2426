package nn

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"
)

// Device is where graphs run: one of the devices of a backend. Devices that were made together share what is compiled
// for any of them.
type Device struct {
	compute.Backend
	Number compute.DeviceNum
	// Compiles says whether the backend compiles a whole graph, as XLA does. The pure-Go backend runs operation after
	// operation, and has graphs of its own (Layer.Forward and Backward).
	Compiles bool
	programs *programs
}

// Devices are the first n of a backend, which Close ends for all of them.
func Devices(b compute.Backend, n int) []Device {
	shared := &programs{byKey: map[string]*Exec{}}
	all := make([]Device, n)
	for i := range all {
		all[i] = Device{Backend: b, Number: compute.DeviceNum(i), Compiles: b.String() != "go", programs: shared}
	}
	return all
}

// Close ends the backend with all that was compiled on it.
func (d Device) Close() {
	for _, e := range d.programs.byKey {
		e.Finalize()
	}
	d.Finalize()
}

// IsCPU says whether the device is no GPU.
func (d Device) IsCPU() bool {
	xla, ok := d.Backend.(interface{ IsCUDA() bool })
	return !ok || !xla.IsCUDA()
}

// Built is how many graphs were built so far, and on XLA compiled, for this device and those that share them.
func (d Device) Built() int { return int(d.programs.built.Load()) }

// programs are compiled graphs by their keys.
type programs struct {
	mu    sync.Mutex
	byKey map[string]*Exec
	built atomic.Int64
}

// Program is a graph on a device.
type Program struct {
	exec   *Exec
	number compute.DeviceNum
}

// Program is the graph that build makes of its inputs. It is built and compiled at its first run, once for all devices:
// the key must name all that build depends on, and build may outlive who asked.
func (d Device) Program(build func([]*Node) []*Node, key ...any) (Program, error) {
	d.programs.mu.Lock()
	defer d.programs.mu.Unlock()
	name := fmt.Sprintf("%+v", key)
	e, ok := d.programs.byKey[name]
	if !ok {
		var err error
		counted := func(in []*Node) []*Node {
			d.programs.built.Add(1)
			return build(in)
		}
		if e, err = NewExec(d.Backend, counted); err != nil {
			return Program{}, err
		}
		d.programs.byKey[name] = e
	}
	return Program{e, d.Number}, nil
}

// Run runs the program on inputs that come in groups. What it returns stays on the device until someone reads it.
func (p Program) Run(groups ...[]*tensors.Tensor) ([]*tensors.Tensor, error) {
	var args []any
	for _, group := range groups {
		for _, x := range group {
			args = append(args, x)
		}
	}
	return p.exec.CallOnDevice(p.number, args...)
}
