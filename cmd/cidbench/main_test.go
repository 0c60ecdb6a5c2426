package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cidbench": main})
}

// TestScripts runs testdata/script: the commands as a user types them.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "flip": flip, "same": same, "recode": recode,
		},
	})
}

// exits runs a program and checks its exit code: exits CODE PROGRAM ARGS..., or CODE|CODE where the outcome
// depends on the processor's rounding.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE[|CODE]... PROGRAM ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if !slices.Contains(strings.Split(args[0], "|"), strconv.Itoa(got)) {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// flip changes one byte in the middle of the first file that matches a pattern.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	files, err := filepath.Glob(ts.MkAbs(args[0]))
	if err != nil || len(files) == 0 {
		ts.Fatalf("no file matches %s", args[0])
	}
	content, err := os.ReadFile(files[0])
	ts.Check(err)
	content[len(content)/2] ^= 1
	ts.Check(os.Chmod(files[0], 0o644))
	ts.Check(os.WriteFile(files[0], content, 0o444))
	ts.Setenv("FLIPPED", filepath.Base(files[0]))
}

// same checks that two files have the same bytes, and some.
func same(ts *testscript.TestScript, _ bool, args []string) {
	a, b := ts.ReadFile(args[0]), ts.ReadFile(args[1])
	if a != b || a == "" {
		ts.Fatalf("%s (%d bytes) and %s (%d bytes) differ or are empty", args[0], len(a), args[1], len(b))
	}
}

// TestKilledRunsEndInTheSameBytes kills the program with SIGKILL again and again, until it gets through;
// what it then reports must be what an undisturbed run reports.
func TestKilledRunsEndInTheSameBytes(t *testing.T) {
	program := install(t)
	args := []string{"--tier", "smoke", "--claim", "hardest5", "--seeds", "2", "--backend", "go"}
	running := func(store string) []string {
		return append([]string{"run", "--lease", "1s", "--store", store}, args...)
	}
	evidence := func(store string) string {
		out, err := exec.Command(program, append([]string{"report", "--format", "json", "--store", store}, args...)...).Output()
		if err != nil {
			t.Fatalf("report: %v", err)
		}
		var r struct{ Provenance struct{ Evidence string } }
		if err := json.Unmarshal(out, &r); err != nil || r.Provenance.Evidence == "" {
			t.Fatalf("report without evidence digest: %v\n%.300s", err, out)
		}
		return r.Provenance.Evidence
	}
	calm, stormy := t.TempDir(), t.TempDir()
	if out, err := exec.Command(program, running(calm)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	kills := 0
	for life := 1500 * time.Millisecond; ; life += life / 2 {
		ctx, cancel := context.WithTimeout(t.Context(), life)
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, program, running(stormy)...)
		cmd.Stderr = &out
		err := cmd.Run() // a context that runs out sends SIGKILL
		cancel()
		if err == nil {
			break
		}
		if kills++; kills > 20 || ctx.Err() == nil {
			t.Fatalf("after %d kills: %v\n%s", kills, err, &out)
		}
	}
	if kills == 0 {
		t.Error("the program was never killed: nothing was tested")
	}
	if got, want := evidence(stormy), evidence(calm); got != want {
		t.Errorf("after %d kills the evidence is %s, undisturbed %s", kills, got, want)
	}
	if out, err := exec.Command(program, "registry", "check", "--read-data", "--store", stormy).CombinedOutput(); err != nil {
		t.Errorf("registry check after kills: %v\n%s", err, out)
	}
}

// install returns a path under which the test binary is cidbench.
func install(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "cidbench")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	return program
}

// TestProcessesShareTheMatrix runs sixteen processes on one registry and kills five of them at work: the
// others finish everything, and no cell is trained twice.
func TestProcessesShareTheMatrix(t *testing.T) {
	program, store := install(t), t.TempDir()
	selection := []string{"--tier", "smoke", "--claim", "hardest5", "--seeds", "3", "--backend", "go", "--store", store}
	const processes, victims = 16, 5
	var all [processes]*exec.Cmd
	var logs [processes]bytes.Buffer
	for i := range all {
		all[i] = exec.Command(program, append([]string{"run", "--parallel", "1", "--lease", "2s"}, selection...)...)
		all[i].Stderr = &logs[i]
		if err := all[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(3 * time.Second)
	for _, victim := range all[:victims] {
		_ = victim.Process.Kill() // may be through already
	}
	trained, killed := map[string]int{}, 0
	for i, cmd := range all {
		if err := cmd.Wait(); err != nil {
			if i >= victims {
				t.Fatalf("process %d: %v\n%s", i, err, &logs[i])
			}
			killed++
		}
		for line := range strings.Lines(logs[i].String()) {
			if cell, _, done := strings.Cut(line, " done in "); done {
				trained[cell]++
			}
		}
	}
	if killed == 0 {
		t.Error("no process was killed at work: nothing was tested")
	}
	for cell, times := range trained {
		if times != 1 {
			t.Errorf("%s was finished %d times", cell, times)
		}
	}
	out, err := exec.Command(program, append([]string{"status"}, selection...)...).Output()
	if err != nil || !bytes.Contains(out, []byte("13 cells: 13 complete")) {
		t.Errorf("status: %v\n%s", err, out)
	}
	if out, err := exec.Command(program, "registry", "check", "--read-data", "--store", store).CombinedOutput(); err != nil {
		t.Errorf("check: %v\n%s", err, out)
	}
}

// TestSignalsLeaveAResumableRun: both signals end the program with their exit code, and the same command
// goes on from there.
func TestSignalsLeaveAResumableRun(t *testing.T) {
	program, store := install(t), t.TempDir()
	args := []string{"run", "--tier", "smoke", "--claim", "hardest5", "--seeds", "2", "--backend", "go", "--store", store}
	for _, c := range []struct {
		signal os.Signal
		code   int
	}{{os.Interrupt, 130}, {syscall.SIGTERM, 75}} {
		cmd := exec.Command(program, args...)
		progress, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		text := bufio.NewScanner(progress)
		for text.Scan() && !strings.Contains(text.Text(), "done in") {
		}
		if err := cmd.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		var rest strings.Builder
		for text.Scan() {
			rest.WriteString(text.Text() + "\n")
		}
		_ = cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != c.code || !strings.Contains(rest.String(), "the same command goes on") {
			t.Errorf("after %s: exit code %d, want %d\n%s", c.signal, got, c.code, &rest)
		}
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "9 of 9 cells are done") || strings.Contains(string(out), "(0 were there already") {
		t.Errorf("going on: %v\n%s", err, out)
	}
}
