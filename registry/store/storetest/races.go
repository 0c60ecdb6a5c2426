package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

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
