package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry/s3/s3test"
)

// TestServerGone: while the server of a bucket is gone, commands end with code 7 and name it; when it is back, the same
// command goes on from there, and what comes out is what an undisturbed run gives.
func TestServerGone(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	store := server.URL("gone")
	command := func(code int, args ...string) string {
		t.Helper()
		cmd := exec.Command(program(), append(args, "--store", store)...)
		out, err := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != code {
			t.Fatalf("%q: exit code %d, want %d: %v\n%s", args, got, code, err, out)
		}
		return string(out)
	}
	run := append([]string{"run", "--parallel", "1", "--lease", "1s"}, oneSeed...)
	gone := func() {
		t.Helper()
		server.Kill()
		for _, args := range [][]string{run, append([]string{"status"}, oneSeed...), append([]string{"report"}, oneSeed...), {"registry", "ls"}, {"registry", "check"}} {
			if out := command(7, args...); !strings.Contains(out, "connection refused") {
				t.Errorf("%q says %s", args, out)
			}
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	gone()
	cmd := exec.Command(program(), append(run, "--store", store)...)
	if !killWhen(t, cmd, func() bool { return count(server.File("gone"), "runs/*/manifest.json") >= 3 }) {
		t.Error("everything was done before the run was killed")
	}
	gone()
	if out := command(0, run...); !strings.Contains(out, "6 of 6 cells are done") || strings.Contains(out, "(0 were there already") {
		t.Errorf("going on: %s", out)
	}
	command(0, "registry", "check", "--read-data")
	if got, want := evidenceOf(t, store), evidenceOf(t, undisturbed(t)); got != want {
		t.Errorf("the evidence is %s, undisturbed %s", got, want)
	}
}
