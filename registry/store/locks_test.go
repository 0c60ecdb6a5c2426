package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// renewals has workers renew a lease each, four times in a term of 20 s, for a minute of simulated time, in a directory
// where putting a file or a folder on disk takes a while. It returns how long each renewal took.
func renewals(t *testing.T, workers, locks int, flush time.Duration) (took []time.Duration) {
	var mu sync.Mutex
	var wait sync.WaitGroup
	root := t.TempDir()
	for w := range workers {
		d, err := NewDir(root) // as of another process
		if err != nil {
			t.Fatal(err)
		}
		d.locks, d.Patience = locks, time.Hour
		d.flush = func(*os.File) error {
			time.Sleep(flush)
			return nil
		}
		key, version := fmt.Sprintf("runs/%032x/lease.json", w), Version("")
		wait.Go(func() {
			time.Sleep(rand.N(5 * time.Second))
			for beat := range 12 {
				start := time.Now()
				next, err := d.Swap(t.Context(), key, version, fmt.Append(nil, w, beat))
				if err != nil {
					t.Error(err)
					return
				}
				version = next
				mu.Lock()
				took = append(took, time.Since(start))
				mu.Unlock()
				time.Sleep(max(0, 5*time.Second-time.Since(start)))
			}
		})
	}
	wait.Wait()
	slices.Sort(took)
	return took
}

// TestManyWorkersShareADirectory: 500 workers renew their leases in time, on a disk that takes 5 ms to put a file on it, and
// as much for its folder. One lock for all of them would be held for all of the time.
func TestManyWorkersShareADirectory(t *testing.T) {
	for locks, most := range map[int]time.Duration{256: time.Second, 1: 0} {
		synctest.Test(t, func(t *testing.T) {
			took := renewals(t, 500, locks, 5*time.Millisecond)
			if len(took) == 0 {
				t.Fatal("nothing was renewed")
			}
			worst := took[len(took)-1]
			t.Logf("%d locks: half of the renewals take %v or less, the longest %v", locks, took[len(took)/2], worst)
			if most > 0 && worst > most {
				t.Errorf("%d locks: a renewal takes %v, want at most %v", locks, worst, most)
			}
			if most == 0 && worst < 5*time.Second {
				t.Errorf("one lock carries 500 workers, too: the longest renewal takes %v", worst)
			}
		})
	}
}
