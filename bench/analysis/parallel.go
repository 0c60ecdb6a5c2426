package analysis

import (
	"sync"
	"sync/atomic"
)

// each calls work(i) for i from 0 to n-1 on several goroutines. start gives each goroutine its own work
// function, with its own memory. What work(i) leaves must not depend on the goroutine it ran on: then
// threads do not change a bit.
func each(n, threads int, start func() (work func(i int))) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range max(1, min(threads, n)) {
		wait.Go(func() {
			work := start()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	wait.Wait()
}
