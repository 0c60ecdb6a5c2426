package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/deploy/enginetest"
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

// evidenceOf is the digest of what a report of a store with the first seed rests on.
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
	if got, want := evidenceOf(t, stormy), evidenceOf(t, undisturbed(t)); got != want {
		t.Errorf("after %d kills the evidence is %s, undisturbed %s", kills, got, want)
	}
	whole(t, stormy)
}

// TestPreemptedRunsEndInTheSameBytes is the same for signals at random moments, as a scheduler that preempts sends them.
func TestPreemptedRunsEndInTheSameBytes(t *testing.T) {
	store := t.TempDir()
	stopped := enginetest.Preempt(t, 1, 500*time.Millisecond, func() *exec.Cmd {
		return exec.Command(program(), append([]string{"run", "--parallel", "1", "--lease", "1s", "--store", store}, oneSeed...)...)
	})
	if stopped < 3 {
		t.Errorf("the program was stopped %d times: little was tested", stopped)
	}
	if got, want := evidenceOf(t, store), evidenceOf(t, undisturbed(t)); got != want {
		t.Errorf("preempted %d times the evidence is %s, undisturbed %s", stopped, got, want)
	}
	whole(t, store)
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
	whole(t, store)
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
