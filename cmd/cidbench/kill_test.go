package main

import (
	"bufio"
	"bytes"
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

// evidenceOf is the digest of what a report on a store rests on.
func evidenceOf(t *testing.T, store string) string {
	t.Helper()
	out, err := exec.Command(program(), append([]string{"report", "--format", "json", "--store", store}, oneSeed...)...).Output()
	if err != nil {
		t.Fatalf("report: %v", err)
	}
	var r struct{ Provenance struct{ Evidence string } }
	if err := json.Unmarshal(out, &r); err != nil || r.Provenance.Evidence == "" {
		t.Fatalf("report without evidence digest: %v\n%.300s", err, out)
	}
	return r.Provenance.Evidence
}

// TestKilledRunsEndInTheSameBytes kills the program again and again, each time after some more checkpoints
// and results, until it gets through; what it then reports must be what an undisturbed run reports.
func TestKilledRunsEndInTheSameBytes(t *testing.T) {
	stormy, kills := t.TempDir(), 0
	progress := func() int { return count(stormy, "runs/*/events/*", "runs/*/manifest.json") }
	for {
		enough := progress() + 1 + kills/2
		cmd := exec.Command(program(), append([]string{"run", "--lease", "1s", "--store", stormy}, oneSeed...)...)
		if !killWhen(t, cmd, func() bool { return progress() >= enough }) {
			break
		}
		kills++
	}
	if kills < 3 {
		t.Errorf("the program was killed %d times: little was tested", kills)
	}
	calm := undisturbed(t)
	if got, want := evidenceOf(t, stormy), evidenceOf(t, calm); got != want {
		t.Errorf("after %d kills the evidence is %s, undisturbed %s", kills, got, want)
	}
	if out, err := exec.Command(program(), "registry", "check", "--read-data", "--store", stormy).CombinedOutput(); err != nil {
		t.Errorf("registry check after kills: %v\n%s", err, out)
	}
}

// heldBy lists the cells of a store, by run id, that processes hold and have not finished.
func heldBy(t *testing.T, store string, processes ...*exec.Cmd) (held []string) {
	t.Helper()
	leases, err := filepath.Glob(filepath.Join(store, "runs/*/lease.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range leases {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var lease struct {
			Owner    string
			Released bool
		}
		run := filepath.Base(filepath.Dir(file))
		if json.Unmarshal(text, &lease) != nil || lease.Released || count(store, "runs/"+run+"/manifest.json") > 0 {
			continue
		}
		for _, cmd := range processes {
			if strings.HasSuffix(lease.Owner, fmt.Sprintf(" %d", cmd.Process.Pid)) {
				held = append(held, run)
			}
		}
	}
	return held
}

// TestProcessesShareTheMatrix runs six processes on one registry and kills two of them at work: the others take
// over what those held and finish everything, and no cell is trained twice.
func TestProcessesShareTheMatrix(t *testing.T) {
	store := t.TempDir()
	args := append([]string{"--store", store}, twoSeeds...)
	const processes, victims = 6, 2
	all := make([]*exec.Cmd, processes)
	logs := make([]bytes.Buffer, processes)
	for i := range all {
		all[i] = exec.Command(program(), append([]string{"run", "--parallel", "1", "--lease", "5s"}, args...)...)
		all[i].Stderr = &logs[i]
		if err := all[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	// Until they have met: both victims are at work, and others too.
	for len(heldBy(t, store, all[0])) == 0 || len(heldBy(t, store, all[1])) == 0 || len(heldBy(t, store, all...)) < 4 {
		if count(store, "runs/*/manifest.json") == 9 {
			t.Fatal("all was done before four processes were at work at once")
		}
		time.Sleep(5 * time.Millisecond)
	}
	for _, victim := range all[:victims] {
		_ = victim.Process.Kill() // may be through already
	}
	trained := map[string]int{}
	var orphans []string
	for i, cmd := range all {
		if err := cmd.Wait(); err != nil && i >= victims {
			t.Fatalf("process %d: %v\n%s", i, err, &logs[i])
		}
		if i == victims-1 {
			orphans = heldBy(t, store, all[:victims]...)
		}
		for line := range strings.Lines(logs[i].String()) {
			if cell, _, done := strings.Cut(line, " done in "); done {
				trained[cell]++
			}
		}
	}
	if len(orphans) == 0 {
		t.Error("no process was killed at work: nothing was tested")
	}
	for _, run := range orphans {
		if count(store, "runs/"+run+"/manifest.json") != 1 {
			t.Errorf("run %s, which a killed process held, was not taken over", run)
		}
	}
	for cell, times := range trained {
		if times != 1 {
			t.Errorf("%s was finished %d times", cell, times)
		}
	}
	out, err := exec.Command(program(), append([]string{"status"}, args...)...).Output()
	if err != nil || !bytes.Contains(out, []byte("11 cells: 11 complete")) {
		t.Errorf("status: %v\n%s", err, out)
	}
	if out, err := exec.Command(program(), "registry", "check", "--read-data", "--store", store).CombinedOutput(); err != nil {
		t.Errorf("check: %v\n%s", err, out)
	}
}

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

// undisturbed is a registry with the runs of the first seed of the smoke tier, which nothing disturbed.
func undisturbed(t *testing.T) string {
	t.Helper()
	shared, err := sharedStore()
	if err != nil {
		t.Fatal(err)
	}
	store := t.TempDir() + "/undisturbed"
	if err := firstSeeds(t.Context(), shared, store, 1); err != nil {
		t.Fatal(err)
	}
	return store
}

// TestTermInEveryPhase: SIGTERM ends a probe, a training and an analysis within five seconds of work, with its exit code,
// and the lease is given back. (Work is the time of processors, so that a machine that is busy changes nothing.)
func TestTermInEveryPhase(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the work of another process is read from /proc")
	}
	analysing := undisturbed(t)
	lease := func(run string) (l struct {
		Step     int
		Released bool
	}) {
		text, err := os.ReadFile(run + "/lease.json")
		if err == nil {
			err = json.Unmarshal(text, &l)
		}
		if err != nil { // it is being written
			l.Released = true
		}
		return l
	}
	begins := func(store string, is func(run string) bool) bool {
		runs, err := filepath.Glob(store + "/runs/*")
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(runs, func(run string) bool {
			return !lease(run).Released && count(run, "manifest.json") == 0 && is(run)
		})
	}
	fresh := t.TempDir()
	for _, phase := range []struct {
		name, store string
		args        []string
		is          func(run string) bool
	}{
		// Floors come first, and are nothing but probes.
		{"probing", fresh, oneSeed, func(run string) bool { return lease(run).Step == 0 }},
		{"training", fresh, oneSeed, func(run string) bool { return lease(run).Step > 0 }},
		{"analysing", analysing, []string{"--tier", "smoke", "--claim", "consistency", "--seeds", "1", "--explore", "--backend", "go"}, func(string) bool { return true }},
	} {
		cmd := exec.Command(program(), append([]string{"run", "--parallel", "1", "--lease", "1s", "--store", phase.store}, phase.args...)...)
		var out bytes.Buffer
		cmd.Stderr = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for !begins(phase.store, phase.is) {
			select {
			case err := <-ended:
				t.Fatalf("%s never began: %v\n%s", phase.name, err, &out)
			case <-time.After(5 * time.Millisecond):
			}
		}
		before := worked(t, cmd.Process.Pid)
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-ended
		after := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if code := cmd.ProcessState.ExitCode(); code != 75 || after-before > 5*time.Second {
			t.Errorf("%s: exit code %d after %v of work\n%s", phase.name, code, after-before, &out)
		}
		if held := heldBy(t, phase.store, cmd); len(held) > 0 {
			t.Errorf("%s: leases of %v were not given back", phase.name, held)
		}
	}
}

// TestSignalsLeaveAResumableRun: each signal ends the program with its exit code, a second one changes nothing, and the
// same command goes on from there.
func TestSignalsLeaveAResumableRun(t *testing.T) {
	store := t.TempDir()
	args := append([]string{"run", "--store", store}, oneSeed...)
	for _, c := range []struct {
		signals []os.Signal
		code    int
	}{{[]os.Signal{os.Interrupt}, 130}, {[]os.Signal{syscall.SIGTERM, syscall.SIGTERM}, 75}, {[]os.Signal{syscall.SIGHUP}, 75}, {[]os.Signal{syscall.SIGUSR1, os.Interrupt}, 75}} {
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
		if err := cmd.Process.Signal(c.signals[0]); err != nil {
			t.Fatal(err)
		}
		var rest strings.Builder
		for text.Scan() {
			if len(c.signals) > 1 && strings.HasPrefix(text.Text(), "stopping;") {
				_ = cmd.Process.Signal(c.signals[1]) // it may be through already
			}
			rest.WriteString(text.Text() + "\n")
		}
		_ = cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != c.code || !strings.Contains(rest.String(), "the same command goes on") {
			t.Errorf("after %s: exit code %d, want %d\n%s", c.signals, got, c.code, &rest)
		}
	}
	out, err := exec.Command(program(), args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "6 of 6 cells are done") || strings.Contains(string(out), "(0 were there already") {
		t.Errorf("going on: %v\n%s", err, out)
	}
}
