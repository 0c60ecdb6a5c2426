package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/experiments"
)

// TestMain lets the test's own program be the worker.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == workerMode {
		if err := work(context.Background(), os.Stdin, os.Stdout); err != nil {
			_, _ = io.WriteString(os.Stderr, err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func small() moco.Config { return experiments.All.Tier("smoke").Train.(moco.Config) }

// testSession has the sides of go twice.
func testSession(t *testing.T) (*session, []Side) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &session{program: program, dir: t.TempDir()}
	sides := append(s.sides(small(), 1, 1, "go"), s.sides(small(), 2, 1, "go")...)
	sides[1].Name = "two of go"
	return s, sides
}

// TestSidesTakeTurns measures two sides, one of two processes: all steps are there, and who was stopped did nothing.
func TestSidesTakeTurns(t *testing.T) {
	_, sides := testSession(t)
	measured, usage, err := measure(t.Context(), sides, Length{Rounds: 3, Block: 4}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range measured {
		if len(m.Turns) != 3 || m.Alone.Median <= 0 || m.InTurn.Median <= 0 || m.First <= 0 || m.CPU <= 0 || m.Memory < 1e6 {
			t.Errorf("%+v lacks something", m)
		}
		if !strings.HasPrefix(m.Version, "cidbench, go") {
			t.Errorf("the side is %q", m.Version)
		}
	}
	if usage.Stopped > 0.1 {
		t.Errorf("sides that were stopped took %g of a processor", usage.Stopped)
	}
}

// TestBusyMachineIsRefused has another program work meanwhile.
func TestBusyMachineIsRefused(t *testing.T) {
	other := exec.Command("sh", "-c", "while :; do :; done")
	other.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	s, sides := testSession(t)
	sides[1].Name = "eager"
	if err := s.compare(t.Context(), "a step", sides, Length{Rounds: 2, Block: 6}); err != nil {
		t.Fatal(err)
	}
	ratios := s.report.Comparisons[0].Ratios
	if len(ratios) != 1 || ratios[0].Value != nil || !strings.Contains(strings.Join(ratios[0].Refused, "\n"), "in turn, other programs took") {
		t.Errorf("%+v: want the ratio of go to eager refused, for another program works", ratios)
	}
	var text strings.Builder
	s.report.write(&text)
	for _, want := range []string{"| go to eager | refused |", "| go | ", "| eager | ", "\nRefused:\n", "- in turn, other programs took"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, text.String())
		}
	}
}

// TestEveryWork asks a worker for each kind, as the sections do.
func TestEveryWork(t *testing.T) {
	s, sides := testSession(t)
	r, err := sides[0].start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for _, work := range []string{stepWork, productsWork, contrastWork, hostWork, viewsWork, recipesWork} {
		for _, a := range ranked() {
			if answer, err := r.ask(Request{Work: work, N: 2, Arm: a.Arm}); err != nil || len(answer.MS) != 2 {
				t.Errorf("%s of %s: %d samples, %v", work, a.ID, len(answer.MS), err)
			}
		}
	}
	if answer, err := r.ask(Request{Work: stepWork, N: 3}); err != nil || len(answer.Parts["forward"]) != 3 {
		t.Errorf("parts are %v (%v), want those of the last three steps alone", answer.Parts, err)
	}
	if _, err := r.ask(Request{Work: "rest", N: 1}); err == nil || !strings.Contains(err.Error(), `go: unknown work "rest"`) {
		t.Errorf("unknown work: %v", err)
	}
	if err := s.cost(r, "section", "hardest5", Request{Work: stepWork, Arm: ranked()[1].Arm}, Request{Work: stepWork}, Length{2, 2}); err != nil {
		t.Fatal(err)
	}
	if c := s.report.Costs[0]; c.MS.Median <= 0 || (c.Against == nil) != (len(c.Faults) > 0) {
		t.Errorf("%+v: want a ratio, or why there is none", c)
	}
}

// TestSideThatFails says what the process said.
func TestSideThatFails(t *testing.T) {
	_, sides := testSession(t)
	sides[0].Job.Backend = "abacus"
	if _, err := sides[0].start(t.Context()); err == nil || !strings.Contains(err.Error(), `go: it ended: --backend "abacus"`) {
		t.Errorf("a backend that is none: %v", err)
	}
}

// TestStoppedBench: what was measured before a bench was stopped, or failed, is written, and says that it is not all.
func TestStoppedBench(t *testing.T) {
	s := &session{options: options{json: filepath.Join(t.TempDir(), "bench.json")}}
	s.report.Losses = []Losses{{Title: "the default tier"}}
	var printed strings.Builder
	if err := s.keep(context.Canceled, &printed); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	text, err := os.ReadFile(s.json)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{printed.String(), string(text)} {
		if !strings.Contains(got, "stopped before the end: context canceled") || !strings.Contains(got, "the default tier") {
			t.Errorf("written is\n%s", got)
		}
	}
}

// TestPeerDoesTheSameStep: PyTorch has the losses of go, from the same weights and views.
func TestPeerDoesTheSameStep(t *testing.T) {
	s, _ := testSession(t)
	findPeer(t, s)
	if err := s.agree(t.Context(), "smoke", small(), "go", "eager"); err != nil {
		t.Error(err)
	}
	if got := len(s.report.Losses[0].Of["eager"]); got != 5 {
		t.Errorf("%d losses of PyTorch, want 5", got)
	}
}

// findPeer takes the PyTorch that make peer installs, or another.
func findPeer(t *testing.T, s *session) {
	t.Helper()
	s.device = "cpu"
	if installed, err := filepath.Abs("../../bin/peer/bin/python"); err != nil {
		t.Fatal(err)
	} else if _, err := os.Stat(installed); err == nil {
		s.python = installed
	}
	if err := s.findPeer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.peer == nil {
		backendtest.NoPeer(t, "no python3 has it")
	}
}

// TestGPUOnTheProcessor runs make bench-gpu with tiny sizes on XLA's CPU plugin. Its figures are none of a GPU, and it says
// so.
func TestGPUOnTheProcessor(t *testing.T) {
	if testing.Short() {
		t.Skip("XLA compiles for minutes")
	}
	t.Chdir(filepath.Join("..", "..")) // where make runs it
	plugin := backendtest.XLA(t).Plugin.Path
	file := filepath.Join(t.TempDir(), "gpu.json")
	var out strings.Builder
	args := []string{"-gpu", "-xla", "xla:" + plugin, "-networks", "resnet18:32:bfloat16:4", "-queue", "64", "-rounds", "1", "-block", "1", "-json", file}
	if err := run(t.Context(), args, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"THIS IS NO GPU", "### resnet18 at 32 pixels, bfloat16, batch 4", "| xla |", "### Parts of a step of resnet18 at 32 pixels", "| batch | xla |", "### Share of the contrast, 64 negatives"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, out.String())
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Comparisons) != 1 || r.Comparisons[0].Sides[0].Side != "xla" || len(r.Costs) == 0 {
		t.Errorf("the file has %d comparisons and %d costs", len(r.Comparisons), len(r.Costs))
	}
}

func TestCommandLine(t *testing.T) {
	for args, want := range map[string]string{
		"more":                                  "no arguments besides flags",
		"-rounds 0":                             "positive",
		"-sections steps,rest":                  `"rest" is none of steps, losses`,
		"-queue 300":                            "no multiple of the 256 queries",
		"-networks vgg:32:float32:4":            "is not resnet18 or resnet50",
		"-networks resnet18:30:float32:4":       "a multiple of 32",
		"-networks resnet18:32:float32":         "is not NAME:PIXELS:PRECISION:BATCH",
		"-networks resnet18:32:float32:x":       "invalid syntax",
		"-networks resnet18:32:float32:48":      "no multiple of the batch",
		"-python /nothing/there -sections runs": "-python /nothing/there has no PyTorch",
	} {
		if err := run(t.Context(), strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
	o, err := parse([]string{"-gpu"})
	if err != nil || len(o.networks) != 4 || o.networks[3].String() != "resnet50 at 224 pixels, bfloat16, batch 128" {
		t.Errorf("networks of a GPU are %v (%v)", o.networks, err)
	}
}
