// Package parallel divides work among goroutines.
package parallel

import (
	"sync"
	"sync/atomic"
)

// Each calls work(worker, i) for i from 0 to n-1, taken in order by so many workers, from 0: each has memory of
// its own to reuse. What work leaves must depend on i alone: then workers do not change a bit.
func Each(n, workers int, work func(worker, i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for worker := range max(1, min(workers, n)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				work(worker, i)
			}
		})
	}
	wait.Wait()
}
