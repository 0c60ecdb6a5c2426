package backend_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/nn"
)

func TestOn(t *testing.T) {
	gpu := backend.Backend{Kind: "xla", Plugin: &backend.Plugin{Kind: "cuda", Devices: []string{"a", "b", "c", "d"}}}
	cpu := backend.Backend{Kind: "xla", Plugin: &backend.Plugin{Kind: "cpu", Devices: []string{"a", "b"}}}
	for name, c := range map[string]struct {
		backend     backend.Backend
		gpus        []int
		cells, want int
		err         string
	}{
		"all GPUs":       {gpu, nil, 0, 4, ""},
		"two of them":    {gpu, []int{1, 3}, 0, 2, ""},
		"one cell":       {gpu, []int{1, 3}, 1, 1, ""},
		"too many cells": {gpu, []int{1, 3}, 3, 0, "--parallel 3: a GPU runs one cell at a time, and there are 2"},
		"no such GPU":    {gpu, []int{4}, 0, 0, "has the GPUs 0 to 3"},
		"twice":          {gpu, []int{1, 1}, 0, 0, "each once"},
		"a CPU":          {cpu, []int{0}, 0, 0, "training runs on the CPU"},
		"go":             {backend.Backend{Kind: "go"}, []int{0}, 0, 0, "training runs on the CPU"},
		"cells on a CPU": {cpu, nil, 7, 7, ""},
	} {
		b, cells, err := c.backend.On(c.gpus, c.cells)
		if fmt.Sprint(err) != "<nil>" && (c.err == "" || !strings.Contains(err.Error(), c.err)) || err == nil && (c.err != "" || cells != c.want || !slices.Equal(b.GPUs, c.gpus)) {
			t.Errorf("%s: %d cells on %v, %v", name, cells, b.GPUs, err)
		}
	}
}

// TestDevicesShareWhatIsCompiled: four cells on a client with four devices, each on one of its own, and a graph that was
// built once.
func TestDevicesShareWhatIsCompiled(t *testing.T) {
	devices, err := backendtest.XLA(t).Open(4, 1)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	var cells sync.WaitGroup
	all := make([]nn.Device, 4)
	for i := range all {
		if all[i], err = devices.Take(); err != nil {
			t.Fatal(err)
		}
		used[fmt.Sprint(all[i].Number)] = true
	}
	for i, d := range all {
		cells.Go(func() {
			program, err := d.Program(func(in []*Node) []*Node {
				return []*Node{Add(in[0], in[0])}
			}, t.Name())
			if err != nil {
				t.Error(err)
				return
			}
			x := []*tensors.Tensor{tensors.FromFlatDataAndDimensions([]float32{float32(i)}, 1)}
			for range 3 { // what it returns goes back in, and stays on its device
				if x, err = program.Run(x); err != nil {
					t.Error(err)
					return
				}
			}
			if got := nn.Values(x[0])[0]; got != float32(8*i) {
				t.Errorf("cell %d computed %g", i, got)
			}
			devices.Give(d)
		})
	}
	cells.Wait()
	if built := all[0].Built(); built != 1 || len(used) != 4 {
		t.Errorf("the graph was built %d times, for %d devices", built, len(used))
	}
}

// TestThreads: the pool of a client of XLA's CPU has as many threads as its cells have together, as on go.
func TestThreads(t *testing.T) {
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skip("NOT CHECKED: this system does not list threads")
	}
	pool := func() (n int) {
		threads, err := filepath.Glob("/proc/self/task/*/comm")
		if err != nil {
			t.Fatal(err)
		}
		for _, thread := range threads {
			if name, err := os.ReadFile(thread); err == nil && strings.HasPrefix(string(name), "tf_XLAEigen") { // others may have ended
				n++
			}
		}
		return n
	}
	b := backendtest.XLA(t)
	for _, ask := range []struct{ cells, threads int }{{1, 5}, {3, 3}} { // which no other test asks for
		before := pool()
		if _, err := b.Open(ask.cells, ask.threads); err != nil {
			t.Fatal(err)
		}
		if got := pool() - before; got != ask.cells*ask.threads {
			t.Errorf("%d cells with %d threads each: a pool of %d", ask.cells, ask.threads, got)
		}
	}
}
