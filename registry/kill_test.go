package registry_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3test"
)

const (
	killedVariable = "CIDBENCH_REGISTRY_KILLED_URL"
	roundVariable  = "CIDBENCH_REGISTRY_KILLED_ROUND"
)

func TestKill(t *testing.T) { testKill(t, t.TempDir(), 24) }

func TestKillS3(t *testing.T) { testKill(t, s3test.Start(t, s3test.Versitygw).URL("p"), 12) }

// testKill kills a writer with SIGKILL at random moments, later ones on a machine
// too slow to commit anything before. What it committed is there, whatever is
// listed is whole, and nothing is damaged.
func testKill(t *testing.T, url string, rounds int) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	committed := make(map[string]bool)
	window := 150 * time.Millisecond
	for round := range rounds {
		cmd := exec.CommandContext(t.Context(), executable)
		cmd.Env = append(os.Environ(), killedVariable+"="+url, fmt.Sprintf("%s=%d", roundVariable, round))
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
		time.Sleep(rand.N(window))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(lines)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // "signal: killed"
		if len(rest) == 0 {
			window += window / 2
		}
		for line := range strings.Lines(string(rest)) {
			if run, whole := strings.CutSuffix(line, "\n"); whole {
				committed[run] = true
			}
		}
	}

	wantWhole(t, url, committed)
}

// wantWhole checks that the committed runs are there, that all runs that are
// listed are whole, and that nothing is damaged.
func wantWhole(t *testing.T, url string, committed map[string]bool) {
	t.Helper()
	r, err := registry.OpenExisting(t.Context(), url)
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

// TestKillServer kills the server with SIGKILL again and again while runs are
// written to it.
func TestKillServer(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	r := openRegistry(t, server.URL("p"))
	committed := make(map[string]bool)
	ctx, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			run, err := writeRun(ctx, r, fmt.Sprintf("run %d", i), i)
			if err == nil {
				committed[run] = true
			} else if !errors.Is(err, registry.ErrUnavailable) && ctx.Err() == nil {
				t.Error(err)
			}
		}
	})
	for range 10 {
		time.Sleep(rand.N(200 * time.Millisecond))
		server.Kill()
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	writer.Wait()
	wantWhole(t, server.URL("p"), committed)
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
			run, err := writeRun(ctx, r, name, i)
			if err != nil {
				return err
			}
			fmt.Println(run)
			report, err := r.PutBlob(ctx, "text/plain", []byte(name))
			if err != nil {
				return err
			}
			if version, err = r.SetRef(ctx, ref, report, version); err != nil {
				return err
			}
		}
	}()
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// writeRun commits a run with two artifacts, and an event for each.
func writeRun(ctx context.Context, r *registry.Registry, name string, seed int) (run string, err error) {
	m := newManifest(seed, make(map[string]registry.Descriptor))
	m.Key = fmt.Appendf(nil, "{\"name\":%q}", name)
	if run, err = registry.RunID(m.Key); err != nil {
		return "", err
	}
	for _, artifact := range []string{"checkpoint", "series"} {
		blob, err := r.PutBlob(ctx, "text/plain", []byte(strings.Repeat(name+artifact, 1000)))
		if err != nil {
			return "", err
		}
		m.Artifacts[artifact] = blob
		if _, err := r.Append(ctx, run, artifact, blob); err != nil {
			return "", err
		}
	}
	_, err = r.Commit(ctx, m)
	return run, err
}
