package study_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// processorSeconds is what the process has used so far. Other than seconds on the wall, it says something on a machine
// that others use, too.
func processorSeconds(b *testing.B) float64 {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano()).Seconds()
}

// peakMemory is by how many megabytes the memory of the process grows at most while something is done (Linux).
func peakMemory(b *testing.B, do func()) float64 {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // forgets the peak
		b.Fatal(err)
	}
	before := memoryLine(b, "VmRSS:")
	do()
	return memoryLine(b, "VmHWM:") - before
}

// memoryLine is a line of /proc/self/status, in megabytes.
func memoryLine(b *testing.B, name string) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := bytes.Cut(text, []byte(name))
	fields := bytes.Fields(rest)
	kilobytes, err := strconv.Atoi(string(fields[0]))
	if err != nil {
		b.Fatal(err)
	}
	return float64(kilobytes) / 1024
}

// crowdSeeds give the tier of a crowd 60 runs.
const crowdSeeds = 12

// BenchmarkScale is what commands do beside many runs, in a directory and in a bucket; in one bucket the runs of the tier
// are scattered among all others, which is the worst that can be for packs.
func BenchmarkScale(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			root, bucket, requests := together(b, n)
			b.Run("directory", func(b *testing.B) { benchmarkCommands(b, root, new(count)) })
			b.Run("bucket", func(b *testing.B) { benchmarkCommands(b, bucket, requests) })
		})
		b.Run(fmt.Sprint(n, "-scattered"), func(b *testing.B) {
			bucket, requests := countedBucket(b, makeCrowd(b, n, crowdSeeds, true))
			b.Run("bucket", func(b *testing.B) { benchmarkCommands(b, bucket, requests) })
		})
	}
}

// together puts a crowd into a directory and a bucket, and keeps nothing of it: what is alive here would count as memory of
// the commands.
func together(b *testing.B, n int) (root, url string, requests *count) {
	c := makeCrowd(b, n, crowdSeeds, false)
	url, requests = countedBucket(b, c)
	return c.directory(b), url, requests
}

func benchmarkCommands(b *testing.B, url string, requests *count) {
	for _, command := range commands {
		b.Run(command.name, func(b *testing.B) {
			peak := peakMemory(b, func() { command.do(b, url, crowdSeeds) })
			requests.reset()
			before := processorSeconds(b)
			for b.Loop() {
				command.do(b, url, crowdSeeds)
			}
			b.ReportMetric((processorSeconds(b)-before)/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(requests.requests.Load())/float64(b.N), "requests/op")
			b.ReportMetric(peak, "peak-MB")
		})
	}
}
