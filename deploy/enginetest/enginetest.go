// Package enginetest is what the tests of deploy share: the program, a matrix of trainings to interrupt, and the
// processes of an engine.
package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Asked skips the test unless make test-engines runs it.
func Asked(t *testing.T) {
	t.Helper()
	if os.Getenv("CIDBENCH_TEST_ENGINES") == "" {
		t.Skip("make test-engines runs this; it takes minutes")
	}
}

// A Matrix is a small one, which a process by itself computes while an engine does.
type Matrix struct {
	Program string   // cidbench
	Args    []string // that select the matrix

	alone string // the store of the process by itself
	done  chan error
}

// LongerTier is the file of a tier in which a training takes half a minute, so that there is something to interrupt.
func LongerTier(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "longer.yaml")
	if err := os.WriteFile(file, []byte("from: smoke\nid: longer\ntrain:\n  steps: 1500\nband_every: 500\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// NewMatrix builds the program and starts the process by itself, on that tier.
func NewMatrix(t *testing.T) *Matrix {
	t.Helper()
	dir := t.TempDir()
	m := &Matrix{Program: filepath.Join(dir, "cidbench"), alone: filepath.Join(dir, "alone"), done: make(chan error, 1)}
	Run(t, "go", "build", "-o", m.Program, "github.com/cidbench/cidbench/cmd/cidbench")
	m.Args = []string{"--tier", LongerTier(t), "--claim", "hardest5", "--seeds", "1", "--backend", "go"}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		out, err := exec.CommandContext(ctx, m.Program, append([]string{"run", "--store", m.alone}, m.Args...)...).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("the process by itself: %w\n%s", err, out)
		}
		m.done <- err
	}()
	return m
}

// Compare fails the test unless a store is whole and holds the results of the process by itself.
func (m *Matrix) Compare(t *testing.T, store string) {
	t.Helper()
	if err := <-m.done; err != nil {
		t.Fatal(err)
	}
	want, got := m.digests(t, m.alone), m.digests(t, store)
	if len(want) == 0 || !maps.Equal(want, got) {
		differ := slices.DeleteFunc(slices.Sorted(maps.Keys(want)), func(run string) bool { return want[run] == got[run] })
		t.Errorf("the engine has %d results, and one process %d; they differ at %v", len(got), len(want), differ)
	}
	Run(t, m.Program, "registry", "check", "--read-data", "--store", store)
}

// digests are those of the results in a store, by run.
func (m *Matrix) digests(t *testing.T, store string) map[string]string {
	t.Helper()
	var runs struct {
		Items []struct{ Run, ResultDigest string }
	}
	if err := json.Unmarshal([]byte(Run(t, m.Program, "registry", "ls", "--store", store, "--json")), &runs); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, x := range runs.Items {
		all[x.Run] = x.ResultDigest
	}
	return all
}

// stops are the signals by which schedulers and people preempt a program.
var stops = []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1}

// Preempt runs a command again and again until it gets through, and stops it at random moments, after about so long, by a
// random signal. It returns how often it was stopped with its code; any other failure ends the test.
func Preempt(t *testing.T, seed uint64, about time.Duration, command func() *exec.Cmd) (stopped int) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	for {
		var said strings.Builder
		cmd := command()
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		preempt := time.AfterFunc(time.Duration(random.Float64()*2*float64(about)), func() { _ = cmd.Process.Signal(stops[random.IntN(len(stops))]) })
		err := cmd.Wait()
		preempt.Stop()
		state, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		switch {
		case err == nil:
			return stopped
		case state.ExitStatus() == 75 || state.ExitStatus() == 130:
			stopped++
		case !state.Signaled(): // before it listened, and so without a word
			t.Fatalf("%v: %v\n%s", cmd.Args, err, &said)
		}
		about += about / 20 // where a machine is so slow that nothing is done in that time
	}
}

// Run returns what a program writes to stdout; the test ends where it fails.
func Run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Serve runs a program until the test ends; what it says is shown if the test fails.
func Serve(t *testing.T, program string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		patience := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		patience.Stop()
		_ = log.Close()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s %s:\n%s", filepath.Base(program), args[0], text[max(0, len(text)-4000):])
		}
	})
}

// Wait ends the test if something is not done in time.
func Wait(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Since(start) > limit {
			t.Fatalf("waited %v for %s", limit, what)
		}
	}
}
