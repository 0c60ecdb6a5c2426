package registry_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
)

const (
	killedVariable = "CIDBENCH_REGISTRY_KILLED_URL"
	roundVariable  = "CIDBENCH_REGISTRY_KILLED_ROUND"
)

// TestKill kills a writer with SIGKILL at random moments. What it committed is
// there, whatever is listed is whole, and nothing is damaged.
func TestKill(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	committed := make(map[string]bool)
	for round := range 24 {
		cmd := exec.CommandContext(t.Context(), executable)
		cmd.Env = append(os.Environ(), killedVariable+"="+root, fmt.Sprintf("%s=%d", roundVariable, round))
		cmd.Stderr = os.Stderr
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(stdout)
		if _, err := lines.ReadString('\n'); err != nil { // "ready"
			t.Fatal(err)
		}
		time.Sleep(rand.N(120 * time.Millisecond))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(lines)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // "signal: killed"
		for line := range strings.Lines(string(rest)) {
			if run, whole := strings.CutSuffix(line, "\n"); whole {
				committed[run] = true
			}
		}
	}

	r, err := registry.OpenExisting(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	listed := collect(t, r.Runs(t.Context()))
	for _, run := range listed {
		m, _, err := r.Run(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		for _, artifact := range m.Artifacts {
			if _, err := r.Blob(t.Context(), artifact); err != nil {
				t.Error(err)
			}
		}
		delete(committed, run)
	}
	if len(committed) != 0 {
		t.Errorf("%d runs were committed and are not there", len(committed))
	}
	if len(listed) == 0 {
		t.Error("no writer lived long enough to commit a run")
	}
	if got := found(t, r, registry.CheckOptions{ReadData: true}); got != nil {
		t.Errorf("after the kills: %q", got)
	}
	t.Logf("%d runs are whole", len(listed))
}

// writeUntilKilled is the writer of TestKill. It prints the id of every run
// whose Commit has returned.
func writeUntilKilled(url string) {
	err := func() error {
		ctx := context.Background()
		fmt.Println("ready")
		r, err := registry.Open(ctx, url)
		if err != nil {
			return err
		}
		var version registry.Version
		ref := "round-" + os.Getenv(roundVariable)
		for i := 0; ; i++ {
			name := fmt.Sprintf("%s run %d", ref, i)
			m := newManifest(i, make(map[string]registry.Descriptor))
			m.Key = fmt.Appendf(nil, "{\"name\":%q}", name)
			run, err := registry.RunID(m.Key)
			if err != nil {
				return err
			}
			var blob registry.Descriptor
			for _, artifact := range []string{"checkpoint", "series"} {
				blob, err = r.PutBlob(ctx, "text/plain", []byte(strings.Repeat(name+artifact, 1000)))
				if err != nil {
					return err
				}
				m.Artifacts[artifact] = blob
				if _, err := r.Append(ctx, run, artifact, blob); err != nil {
					return err
				}
			}
			if _, err := r.Commit(ctx, m); err != nil {
				return err
			}
			fmt.Println(run)
			if version, err = r.SetRef(ctx, ref, blob, version); err != nil {
				return err
			}
		}
	}()
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
