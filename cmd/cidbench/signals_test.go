package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/deploy/enginetest"
)

// worked is the time of processors that a process has used.
func worked(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name before may hold anything
	var user, system int
	if _, err := fmt.Sscan(strings.Join(strings.Fields(rest)[11:13], " "), &user, &system); err != nil {
		t.Fatal(err)
	}
	return time.Duration(user+system) * time.Second / 100 // the kernel's ticks
}

// An ending is how signals have ended a process.
type ending struct {
	said string // to stderr
	code int
	work time.Duration // after the first signal: time of processors, so that a machine that is busy changes nothing
}

// stop runs a command until it is time, by what it has said, and sends it signals: all at once, or each when the one before
// was heeded.
func stop(t *testing.T, cmd *exec.Cmd, itIsTime func(said string) bool, atOnce bool, signals ...syscall.Signal) ending {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	said := func() string {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its state says more
	}()
	for !itIsTime(said()) {
		select {
		case <-ended:
			t.Fatalf("%v ended before it was time: %s", cmd.Args, said())
		case <-time.After(5 * time.Millisecond):
		}
	}
	before := worked(t, cmd.Process.Pid)
	for i, s := range signals {
		for over := false; !atOnce && !over && strings.Count(said(), "stopping;") < i; {
			select {
			case <-ended:
				over = true
			case <-time.After(time.Millisecond):
			}
		}
		_ = cmd.Process.Signal(s) // it may be through already
	}
	<-ended
	state := cmd.ProcessState
	return ending{said(), state.ExitCode(), state.UserTime() + state.SystemTime() - before}
}

// begun says whether a process holds a cell of a store at a step that is asked for.
func begun(t *testing.T, store string, cmd *exec.Cmd, asked func(step int) bool) bool {
	t.Helper()
	return slices.ContainsFunc(heldBy(t, store, cmd), func(run string) bool {
		var lease struct{ Step int }
		text, err := os.ReadFile(filepath.Join(store, "runs", run, "lease.json"))
		return err == nil && json.Unmarshal(text, &lease) == nil && asked(lease.Step)
	})
}

// whole fails the test unless a registry is.
func whole(t *testing.T, store string) {
	t.Helper()
	if out, err := exec.Command(program(), "registry", "check", "--read-data", "--store", store).CombinedOutput(); err != nil {
		t.Errorf("registry check: %v\n%s", err, out)
	}
}

const continues = "the same command goes on"

// TestSignalsInEveryPhase: a signal, and another one while it is heeded, end a probe, a training and an analysis within five
// seconds of work, with the exit code of the first, and the lease is given back.
func TestSignalsInEveryPhase(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the work of another process is read from /proc")
	}
	const term, hup, usr1, interrupt = syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGINT
	type signals []syscall.Signal
	codes := []struct {
		signals
		code int
	}{{signals{term}, 75}, {signals{interrupt, term}, 130}, {signals{term, interrupt}, 75}, {signals{hup, hup}, 75}, {signals{usr1, hup}, 75}}
	check := func(t *testing.T, store string, args []string, asked func(step int) bool, s signals, code int) {
		t.Helper()
		// Steps stand in leases, and those that are not renewed for their term are not given back.
		cmd := exec.Command(program(), append([]string{"run", "--parallel", "1", "--lease", "5s", "--store", store}, args...)...)
		end := stop(t, cmd, func(string) bool { return begun(t, store, cmd, asked) }, false, s...)
		if end.code != code || end.work > 5*time.Second || !strings.Contains(end.said, continues) {
			t.Errorf("%v: exit code %d after %v of work, want %d\n%s", s, end.code, end.work, code, end.said)
		}
		if held := heldBy(t, store, cmd); len(held) > 0 {
			t.Errorf("%v: leases of %v were not given back", s, held)
		}
		whole(t, store)
	}
	training, longer := t.TempDir(), []string{"--tier", enginetest.LongerTier(t), "--claim", "hardest5", "--seeds", "1", "--backend"}
	for _, phase := range []struct {
		name  string
		store func() string
		args  []string
		asked func(step int) bool
	}{
		// Floors come first, and are nothing but probes.
		{"probing", t.TempDir, oneSeed, func(step int) bool { return step == 0 }},
		{"training", func() string { return training }, append(slices.Clone(longer), "go"), func(step int) bool { return step > 0 }},
		{"analysing", func() string { return undisturbed(t) }, []string{"--tier", "smoke", "--claim", "consistency", "--seeds", "1", "--explore", "--backend", "go"}, func(int) bool { return true }},
	} {
		t.Run(phase.name, func(t *testing.T) {
			for _, c := range codes {
				check(t, phase.store(), phase.args, phase.asked, c.signals, c.code)
			}
		})
	}
	t.Run("xla", func(t *testing.T) {
		b, store := backendtest.XLA(t), t.TempDir()
		args := append(slices.Clone(longer), "xla:"+b.Plugin.Path)
		for _, c := range codes[:2] {
			check(t, store, args, func(step int) bool { return step > 0 }, c.signals, c.code)
		}
	})
}

// TestSignalsLeaveAResumableRun: each signal ends the program with its exit code, a second one changes nothing, and the
// same command goes on from there.
func TestSignalsLeaveAResumableRun(t *testing.T) {
	store := t.TempDir()
	args := append([]string{"run", "--store", store}, oneSeed...)
	for _, c := range []struct {
		signals []syscall.Signal
		code    int
	}{{[]syscall.Signal{syscall.SIGINT}, 130}, {[]syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}, 75}, {[]syscall.Signal{syscall.SIGHUP}, 75}, {[]syscall.Signal{syscall.SIGUSR1, syscall.SIGINT}, 75}} {
		end := stop(t, exec.Command(program(), args...), func(said string) bool { return strings.Contains(said, "done in") }, false, c.signals...)
		if end.code != c.code || !strings.Contains(end.said, continues) {
			t.Errorf("after %s: exit code %d, want %d\n%s", c.signals, end.code, c.code, end.said)
		}
	}
	out, err := exec.Command(program(), args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "6 of 6 cells are done") || strings.Contains(string(out), "(0 were there already") {
		t.Errorf("going on: %v\n%s", err, out)
	}
	whole(t, store)
}

// TestThirdSignalEndsAtOnce: the program then writes no checkpoint any more and gives no lease back, and what there is stays
// whole and leads to the same results.
func TestThirdSignalEndsAtOnce(t *testing.T) {
	store := t.TempDir()
	args := append([]string{"run", "--parallel", "1", "--lease", "1s", "--store", store}, oneSeed...)
	// Signals that end alike, for a system may deliver those that are sent at once in any order; and a program that has
	// stopped before the third one comes is tried again.
	for try, ended := 0, 0; ended < 2; try++ {
		if try == 10 {
			t.Fatalf("of %d programs a third signal ended %d", try, ended)
		}
		cmd := exec.Command(program(), args...)
		training := func(string) bool { return begun(t, store, cmd, func(step int) bool { return step > 0 }) }
		end := stop(t, cmd, training, true, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGTERM)
		if end.code != 75 {
			t.Fatalf("exit code %d, want 75:\n%s", end.code, end.said)
		}
		if !strings.Contains(end.said, continues) {
			ended++
		}
		whole(t, store)
	}
	if out, err := exec.Command(program(), args...).CombinedOutput(); err != nil {
		t.Fatalf("going on: %v\n%s", err, out)
	}
	if got, want := evidenceOf(t, store), evidenceOf(t, undisturbed(t)); got != want {
		t.Errorf("the evidence is %s, undisturbed %s", got, want)
	}
	whole(t, store)
}
