package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry/store"
)

const writers = 16

// race runs f for every writer at once.
func race(f func(writer int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for w := range writers {
		wg.Go(func() {
			<-start
			f(w)
		})
	}
	close(start)
	wg.Wait()
}

func testRaceToCreate(t *testing.T, s store.Store) {
	for round := range 20 {
		key := fmt.Sprintf("round/%d", round)
		var winner string
		var wins atomic.Int32
		race(func(w int) {
			data := fmt.Sprintf("writer %d", w)
			switch err := create(t.Context(), s, key, data); {
			case err == nil:
				if wins.Add(1) == 1 {
					winner = data
				}
			case !errors.Is(err, store.ErrExist):
				t.Error(err)
			}
		})
		if wins.Load() != 1 {
			t.Fatalf("%s: %d of %d writers won, want 1", key, wins.Load(), writers)
		}
		wantData(t, s, key, winner)
	}
}

// increment adds one to the counter in key. The writer is part of the value,
// as Store asks of those who have to know that they won.
func increment(ctx context.Context, s store.Store, key, writer string) error {
	for {
		data, version, err := s.Load(ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotExist) {
			return err
		}
		_, err = s.Swap(ctx, key, version, fmt.Appendf(nil, "%d by %s", count(data)+1, writer))
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

func count(data []byte) int {
	var n int
	fmt.Fscan(bytes.NewReader(data), &n)
	return n
}

func wantCount(t *testing.T, s store.Store, key string, want int) {
	t.Helper()
	data, _, err := s.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if got := count(data); got != want {
		t.Errorf("the counter stands at %d, want %d", got, want)
	}
}

func testRaceToSwap(t *testing.T, s store.Store) {
	const each = 5
	race(func(w int) {
		for range each {
			if err := increment(t.Context(), s, "counter", fmt.Sprint(w)); err != nil {
				t.Error(err)
			}
		}
	})
	wantCount(t, s, "counter", writers*each)
	wantKeys(t, s, "", "counter")
}

// testWholeReads checks that a reader of a key that is being swapped sees whole
// values, and never an older one after a newer one.
func testWholeReads(t *testing.T, s store.Store) {
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	value := func(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%d ", n), 2000) }
	version, err := s.Swap(ctx, "k", "", value(0))
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		wg.Go(func() {
			for last := 0; ctx.Err() == nil; {
				data, _, err := s.Load(ctx, "k")
				if ctx.Err() != nil {
					return
				}
				n := count(data)
				if err != nil || n < last || !bytes.Equal(data, value(n)) {
					t.Errorf("Load = %.20q... of %d bytes, %v after value %d", data, len(data), err, last)
					return
				}
				last = n
			}
		})
	}
	for n := range 50 {
		if version, err = s.Swap(ctx, "k", version, value(n+1)); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	processes = 6
	rounds    = 30 // per process and test

	urlVariable    = "CIDBENCH_STORETEST_URL"
	writerVariable = "CIDBENCH_STORETEST_WRITER"
)

// Main is for TestMain of a package whose tests call RunProcesses: it runs the tests, or the part of a writer if
// RunProcesses has started this process. open opens the store with the URL of another, Store.String.
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
	var commands [processes]*exec.Cmd
	var outputs [processes]strings.Builder
	for w := range commands {
		cmd := exec.CommandContext(t.Context(), executable)
		cmd.Env = append(os.Environ(), urlVariable+"="+s.String(), fmt.Sprintf("%s=%d", writerVariable, w))
		cmd.Stdout, cmd.Stderr = &outputs[w], os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		commands[w] = cmd
	}
	won := make(map[string][]string) // writers by key
	for w, cmd := range commands {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("writer %d: %v", w, err)
		}
		for _, key := range strings.Fields(outputs[w].String()) {
			won[key] = append(won[key], fmt.Sprint(w))
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

// write takes part in the races: it prints the keys that it was the one to create, then counts.
func write(open func(url string) (store.Store, error), url, writer string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := open(url)
	if err != nil {
		return err
	}
	if err := create(ctx, s, "ready/"+writer, ""); err != nil {
		return err
	}
	for ready := 0; ready < processes; { // so that the race is one
		ready = 0
		for _, err := range s.List(ctx, "ready/") {
			if err != nil {
				return err
			}
			ready++
		}
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
