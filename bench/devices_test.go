package bench

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/moco"
)

// located is MoCo that says on which device a training is, before it begins.
type located struct {
	moco.Config
	begin func(method.Start) error
}

func (p located) AtTemperature(temperature float64) method.Method {
	p.Temperature = temperature
	return p
}

func (p located) New(s method.Start) (method.Trainer, error) {
	if err := p.begin(s); err != nil {
		return nil, err
	}
	return p.Config.New(s)
}

// TestCellsOnFourDevices: on a machine with four devices, which a CPU client has that is asked for them, four cells train at
// the same time, each on one of its own, with what is compiled once for all; and end in the results of one after the other
// on one device. The pool of threads is as large then: how XLA divides a sum follows from that.
func TestCellsOnFourDevices(t *testing.T) {
	if testing.Short() {
		t.Skip("XLA compiles for seconds")
	}
	b := backendtest.XLA(t)
	train := func(parallel, threads int, begin func(method.Start) error) (*Runner, []Cell) {
		c := small()
		c.Tiers[0].Train = located{c.Tiers[0].Train.(moco.Config), begin}
		cells := slices.DeleteFunc(c.Matrix(c.Tiers[0], c.Claims, Explored(2), Environment{Backend: b.Kind}), func(c Cell) bool {
			return c.Spec.Training.Features != Trained || c.Arm == "random"
		})
		if len(cells) != 4 {
			t.Fatalf("%d cells", len(cells))
		}
		r := runner(t, t.TempDir())
		r.Backend, r.Parallel, r.Threads, r.Lease = b, parallel, threads, time.Minute
		if err := r.Run(t.Context(), cells); err != nil {
			t.Fatal(err)
		}
		return r, cells
	}

	var mu sync.Mutex
	used, all, built := map[string]int{}, make(chan struct{}), func() int { return 0 }
	r, cells := train(4, 1, func(s method.Start) error {
		mu.Lock()
		used[s.Device.DeviceDescription(s.Device.Number)]++
		built = s.Device.Built
		if len(used) == 4 {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
			return nil
		case <-time.After(time.Minute):
			return errors.New("fewer than four cells train at the same time")
		}
	})
	if len(used) != 4 {
		t.Errorf("cells by device: %v", used)
	}
	four := built()
	var before []int // how many graphs there are when a cell begins
	one, _ := train(1, 4, func(s method.Start) error {
		built, before = s.Device.Built, append(before, s.Device.Built())
		return nil
	})
	if diff := cmp.Diff(results(t, one, cells), results(t, r, cells)); diff != "" {
		t.Errorf("one device, and four: %s", diff)
	}
	if all := built(); all == 0 || four != all || before[1] != all {
		t.Errorf("on one device the first cell built %d graphs, and all cells %d; on four they built %d", before[1], all, four)
	}
}
