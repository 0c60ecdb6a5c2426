package storetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry/store"
)

const (
	processes = 6
	rounds    = 30 // per process and test

	urlVariable    = "CIDBENCH_STORETEST_URL"
	writerVariable = "CIDBENCH_STORETEST_WRITER"
)

// Main is for TestMain of a package whose tests call RunProcesses: it runs the
// tests, or the part of a writer if RunProcesses has started this process. open
// opens the store with the URL of another, Store.String.
func Main(m *testing.M, open func(url string) (store.Store, error)) {
	if url := os.Getenv(urlVariable); url != "" {
		if err := write(open, url, os.Getenv(writerVariable)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// RunProcesses tests the empty store that open returns with writers in several
// processes. They are copies of the test binary that open its URL as Main says.
func RunProcesses(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var writers []*exec.Cmd
	var outputs []*bufio.Scanner
	var starts []io.Closer
	for w := range processes {
		cmd := exec.CommandContext(t.Context(), executable)
		cmd.Env = append(os.Environ(), urlVariable+"="+s.String(), fmt.Sprintf("%s=%d", writerVariable, w))
		cmd.Stderr = os.Stderr
		start, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		writers, outputs, starts = append(writers, cmd), append(outputs, bufio.NewScanner(stdout)), append(starts, start)
	}
	for _, output := range outputs {
		if !output.Scan() {
			t.Fatal("a writer did not get ready")
		}
	}
	for _, start := range starts {
		start.Close()
	}
	won := make(map[string][]string) // writers by key
	for w, output := range outputs {
		for output.Scan() {
			won[output.Text()] = append(won[output.Text()], fmt.Sprint(w))
		}
		if err := writers[w].Wait(); err != nil {
			t.Fatalf("writer %d: %v", w, err)
		}
	}
	for round := range rounds {
		key := raceKey(round)
		if len(won[key]) != 1 {
			t.Errorf("%s: writers %v won, want one", key, won[key])
			continue
		}
		wantData(t, s, key, won[key][0])
	}
	wantCount(t, s, "counter", processes*rounds)
}

func raceKey(round int) string { return fmt.Sprintf("race/%d", round) }

// write takes part in the races: it prints the keys that it was the one to
// create, then counts.
func write(open func(url string) (store.Store, error), url, writer string) error {
	ctx := context.Background()
	s, err := open(url)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil { // until all are ready
		return err
	}
	var won []string
	for round := range rounds {
		err := create(ctx, s, raceKey(round), writer)
		if err == nil {
			won = append(won, raceKey(round))
		} else if !errors.Is(err, store.ErrExist) {
			return err
		}
	}
	for range rounds {
		if err := increment(ctx, s, "counter", writer); err != nil {
			return err
		}
	}
	fmt.Println(strings.Join(won, "\n"))
	return nil
}
