package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// count is the number of files that match one of some patterns in a store.
func count(store string, patterns ...string) (files int) {
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(store, p))
		if err != nil {
			panic(err)
		}
		files += len(found)
	}
	return files
}

// killWhen runs a command, and kills it with SIGKILL as soon as it is time. It says whether that came before
// the end.
func killWhen(t *testing.T, cmd *exec.Cmd, itIsTime func() bool) bool {
	t.Helper()
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			return false
		case <-time.After(5 * time.Millisecond):
			if itIsTime() {
				_ = cmd.Process.Kill() // it may have ended meanwhile
				return <-ended != nil
			}
		}
	}
}

// TestKilledRunsEndInTheSameBytes kills the program again and again, each time after some more checkpoints
// and results, until it gets through; what it then reports must be what an undisturbed run reports.
func TestKilledRunsEndInTheSameBytes(t *testing.T) {
	evidence := func(store string) string {
		out, err := exec.Command(program(), append([]string{"report", "--format", "json", "--store", store}, selection...)...).Output()
		if err != nil {
			t.Fatalf("report: %v", err)
		}
		var r struct{ Provenance struct{ Evidence string } }
		if err := json.Unmarshal(out, &r); err != nil || r.Provenance.Evidence == "" {
			t.Fatalf("report without evidence digest: %v\n%.300s", err, out)
		}
		return r.Provenance.Evidence
	}
	stormy, kills := t.TempDir(), 0
	progress := func() int { return count(stormy, "runs/*/events/*", "runs/*/manifest.json") }
	for {
		enough := progress() + 1 + kills
		cmd := exec.Command(program(), append([]string{"run", "--lease", "1s", "--store", stormy}, selection...)...)
		if !killWhen(t, cmd, func() bool { return progress() >= enough }) {
			break
		}
		kills++
	}
	if kills < 3 {
		t.Errorf("the program was killed %d times: little was tested", kills)
	}
	calm, err := sharedStore()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := evidence(stormy), evidence(calm); got != want {
		t.Errorf("after %d kills the evidence is %s, undisturbed %s", kills, got, want)
	}
	if out, err := exec.Command(program(), "registry", "check", "--read-data", "--store", stormy).CombinedOutput(); err != nil {
		t.Errorf("registry check after kills: %v\n%s", err, out)
	}
}

// TestProcessesShareTheMatrix runs sixteen processes on one registry and kills five of them at work: the
// others finish everything, and no cell is trained twice.
func TestProcessesShareTheMatrix(t *testing.T) {
	store := t.TempDir()
	args := []string{"--tier", "smoke", "--claim", "hardest5", "--seeds", "3", "--backend", "go", "--store", store}
	const processes, victims = 16, 5
	var all [processes]*exec.Cmd
	var logs [processes]bytes.Buffer
	for i := range all {
		all[i] = exec.Command(program(), append([]string{"run", "--parallel", "1", "--lease", "5s"}, args...)...)
		all[i].Stderr = &logs[i]
		if err := all[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for count(store, "runs/*/lease.json") < 13 { // until every cell was taken by someone
		time.Sleep(5 * time.Millisecond)
	}
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
	out, err := exec.Command(program(), append([]string{"status"}, args...)...).Output()
	if err != nil || !bytes.Contains(out, []byte("13 cells: 13 complete")) {
		t.Errorf("status: %v\n%s", err, out)
	}
	if out, err := exec.Command(program(), "registry", "check", "--read-data", "--store", store).CombinedOutput(); err != nil {
		t.Errorf("check: %v\n%s", err, out)
	}
}

// TestSignalsLeaveAResumableRun: both signals end the program with their exit code, and the same command
// goes on from there.
func TestSignalsLeaveAResumableRun(t *testing.T) {
	store := t.TempDir()
	args := append([]string{"run", "--store", store}, selection...)
	for _, c := range []struct {
		signal os.Signal
		code   int
	}{{os.Interrupt, 130}, {syscall.SIGTERM, 75}} {
		cmd := exec.Command(program(), args...)
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
	out, err := exec.Command(program(), args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "9 of 9 cells are done") || strings.Contains(string(out), "(0 were there already") {
		t.Errorf("going on: %v\n%s", err, out)
	}
}
