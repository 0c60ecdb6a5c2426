package moco_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/machine"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/experiments"
)

// TestStepReport is `make bench`: it prints, for the encoder of the default tier, where the time of a
// training step goes, and what the same step takes in PyTorch. Everything that is compared alternates in
// short blocks, since other work on the machine comes and goes.
var stepReport = flag.Bool("step-report", false, "measure the training step (make bench)")

func TestStepReport(t *testing.T) {
	if !*stepReport {
		t.Skip("a measurement, not a test: make bench runs it")
	}
	tier := experiments.All.Tier("default")
	config := tier.Train.(moco.Config)
	data, err := experiments.All.Dataset("glyphs-small").Open("")
	if err != nil {
		t.Fatal(err)
	}
	threads := runtime.GOMAXPROCS(0)
	fmt.Printf("%s, %d processors, SIMD %t; encoder %+v, batch %d, queue %d\n", runtime.Version(), threads, machine.SIMD, config.Encoder, config.Batch, config.Queue)

	one := stepper(t, config, nil, data, 1)
	one.run(t, 5)
	one.parts = map[string][]float64{}
	whole := median(one.run(t, 60))
	fmt.Printf("\none cell, one thread: %.1f ms a step\n", whole)
	for _, part := range moco.Parts {
		fmt.Printf("  %-10s %7.2f ms\n", part, median(one.parts[part]))
	}
	bytes, err := one.GraphBytes(one.device.Backend)
	if err != nil {
		t.Fatal(err)
	}
	// Query forward, its two gradients, key forward; and the products with the queue, forward and back.
	multiplyAdds := float64(config.Batch) * (4*float64(moco.MultiplyAdds(config.Encoder)) + 2*float64(config.Queue*config.Encoder.Dim))
	fmt.Printf("  %.2f G multiply-adds, %.1f G a second; operations write %.0f MB\n", multiplyAdds/1e9, multiplyAdds/1e6/whole, float64(bytes)/1e6)

	fmt.Printf("\ncost of an arm against all negatives (same thread, alternating)\n")
	for _, arm := range experiments.All.Arms {
		if arm.Features == bench.Trained && len(arm.Rules) > 0 {
			other := stepper(t, config, arm.Rules, data, 1)
			other.run(t, 3)
			ratio, low, high := compare(5, func() []float64 { return other.run(t, 6) }, func() []float64 { return one.run(t, 6) })
			fmt.Printf("  %-36s %.2f (%.2f to %.2f)\n", arm.ID, ratio, low, high)
			other.Close()
		}
	}

	fmt.Printf("\ncells x threads, steps a second over all cells\n")
	for _, split := range [][2]int{{1, 1}, {1, threads}, {threads, 1}} {
		fmt.Printf("  %d x %d  %.1f\n", split[0], split[1], throughput(t, config, data, split[0], split[1]))
	}

	fmt.Printf("\nmemory over 1,000 steps, one cell\n")
	at := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / 1e6
	}
	early := at()
	one.run(t, 1000-150)
	fmt.Printf("  live heap %.0f MB after %s, %.0f MB after 1,000; peak of the process %s\n", early, "the first steps", at(), peak())

	peer, err := startPeer(config, threads)
	if err != nil {
		fmt.Printf("\nno peer: %v\n", err)
		return
	}
	defer peer.Close()
	all := stepper(t, config, nil, data, threads)
	all.run(t, 5)
	ratio, low, high := compare(9, func() []float64 { return all.run(t, 10) }, func() []float64 { return peer.run(t, 10) })
	fmt.Printf("\nthe same step, %d threads each, alternating blocks of 10: cidbench %.1f ms, PyTorch %s %.1f ms\n",
		threads, median(all.took), peer.version, median(peer.took))
	fmt.Printf("ratio of block medians, quartiles: %.2f to %.2f\n", low, high)
	fmt.Printf("pytorch ratio: %.2f\n", ratio)
}

// steps is a trainer that records what its steps took.
type steps struct {
	*moco.Trainer
	device nn.Device
	took   []float64 // milliseconds
	parts  map[string][]float64
}

func stepper(t *testing.T, c moco.Config, rules []negatives.Rule, data *dataset.Dataset, threads int) *steps {
	t.Helper()
	c.Steps = 1 << 20 // never at the end of the schedule
	device := backendtest.Open(t, backend.Backend{Kind: "go"}, threads)
	trainer, err := moco.New(c, method.Start{Device: device, Rules: rules, Data: data, Seed: 1, Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	return &steps{Trainer: trainer, device: device, parts: map[string][]float64{}}
}

func (s *steps) run(t *testing.T, n int) []float64 {
	t.Helper()
	for range n {
		start := time.Now()
		last := start
		s.Clock = func(part string) {
			now := time.Now()
			s.parts[part] = append(s.parts[part], ms(now.Sub(last)))
			last = now
		}
		if _, err := s.Advance(context.Background(), false); err != nil {
			t.Fatal(err)
		}
		s.took = append(s.took, ms(time.Since(start)))
	}
	return s.took[len(s.took)-n:]
}

func ms(d time.Duration) float64 { return d.Seconds() * 1e3 }

func median(values []float64) float64 { return quantile(values, 0.5) }

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

// compare alternates two kinds of blocks and returns the median and quartiles of the ratio of their medians.
func compare(rounds int, a, b func() []float64) (ratio, low, high float64) {
	var ratios []float64
	for range rounds {
		ratios = append(ratios, median(a())/median(b()))
	}
	return median(ratios), quantile(ratios, 0.25), quantile(ratios, 0.75)
}

func throughput(t *testing.T, c moco.Config, data *dataset.Dataset, cells, threads int) float64 {
	t.Helper()
	const each = 40
	trainers := make([]*steps, cells)
	for i := range trainers {
		trainers[i] = stepper(t, c, nil, data, threads)
		trainers[i].run(t, 3)
	}
	start := time.Now()
	done := make(chan struct{})
	for _, s := range trainers {
		go func() {
			s.run(t, each)
			done <- struct{}{}
		}()
	}
	for range trainers {
		<-done
	}
	rate := float64(cells*each) / time.Since(start).Seconds()
	for _, s := range trainers {
		s.Close()
	}
	return rate
}

// peak is the process's largest resident size, where the system tells it.
func peak() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// peer is a PyTorch process that does the same step.
type peer struct {
	version string
	took    []float64
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// startPeer tries the interpreters that may have PyTorch: Debian's is not always the first in the path.
func startPeer(c moco.Config, threads int) (*peer, error) {
	var lastErr error
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if lastErr = exec.Command(python, "-c", "import torch").Run(); lastErr != nil {
			continue
		}
		p := &peer{cmd: exec.Command(python, "testdata/moco_step.py")}
		p.cmd.Stderr = os.Stderr
		var err error
		if p.in, err = p.cmd.StdinPipe(); err != nil {
			return nil, err
		}
		out, err := p.cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		p.out = bufio.NewReader(out)
		if err := p.cmd.Start(); err != nil {
			return nil, err
		}
		config := struct {
			moco.Config
			Threads int `json:"threads"`
		}{c, threads}
		if err := json.NewEncoder(p.in).Encode(config); err != nil {
			return nil, err
		}
		var hello struct{ Torch string }
		if err := p.read(&hello); err != nil {
			return nil, err
		}
		p.version = hello.Torch
		return p, nil
	}
	return nil, fmt.Errorf("no Python with PyTorch (Debian: python3-torch): %w", lastErr)
}

func (p *peer) read(v any) error {
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("PyTorch peer: %w", err)
	}
	return json.Unmarshal(line, v)
}

func (p *peer) run(t *testing.T, n int) []float64 {
	t.Helper()
	fmt.Fprintln(p.in, n)
	var took []float64
	if err := p.read(&took); err != nil {
		t.Fatal(err)
	}
	p.took = append(p.took, took...)
	return took
}

func (p *peer) Close() {
	p.in.Close()
	_ = p.cmd.Wait()
}
