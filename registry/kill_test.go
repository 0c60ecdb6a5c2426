package registry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3/s3test"
)

func TestKill(t *testing.T) { testKill(t, t.TempDir(), 24) }

func TestKillS3(t *testing.T) { testKill(t, s3test.Start(t, s3test.Versitygw).URL("p"), 12) }

// stepLine is what a writer prints before each operation on its store.
const stepLine = "step"

// testKill kills a writer with SIGKILL, each time after two steps more: a run is
// 11 of them. What it committed is there, whatever is listed is whole, and nothing
// is damaged.
func testKill(t *testing.T, url string, rounds int) {
	committed := make(map[string]bool)
	for round := range rounds {
		writer := start(t, killedVariable, url, fmt.Sprint("writer ", round))
		var lines []string
		for steps := 0; steps < 1+2*round; {
			line := writer.line(t)
			if lines = append(lines, line); line == stepLine {
				steps++
			}
		}
		if err := writer.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		rest, _ := writer.rest(t) // "signal: killed"
		for _, line := range append(lines, rest...) {
			if line != stepLine {
				committed[line] = true
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
		t.Error("no run is there, and the later writers committed some")
	}
	if got := found(t, r, registry.CheckOptions{ReadData: true}); got != nil {
		t.Errorf("after the kills: %q", got)
	}
	t.Logf("%d runs are whole", len(listed))
}

// TestKillServer kills the server with SIGKILL again and again in the middle of
// the steps of runs that are written to it.
func TestKillServer(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	url := server.URL("p")
	s, err := registry.OpenStore(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	stepped := &steppedStore{s, func() {}}
	r := openOn(t, stepped)
	ctx, stop := context.WithCancel(t.Context())
	steps := make(chan struct{})
	stepped.step = func() {
		select {
		case steps <- struct{}{}:
		case <-ctx.Done():
		}
	}
	committed := make(map[string]bool)
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
	for round := range 10 {
		for range 1 + 2*round {
			<-steps
		}
		server.Kill()
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	writer.Wait()
	wantWhole(t, url, committed)
}

// writeUntilKilled is the writer of testKill. It prints every step, and the id of
// every run whose Commit has returned.
func writeUntilKilled(url, name string) error {
	ctx := context.Background()
	s, err := registry.OpenStore(ctx, url)
	if err != nil {
		return err
	}
	r, err := registry.OpenOn(ctx, &steppedStore{s, func() { fmt.Println(stepLine) }})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		run, err := writeRun(ctx, r, fmt.Sprintf("%s run %d", name, i), i)
		if err != nil {
			return err
		}
		fmt.Println(run)
	}
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
