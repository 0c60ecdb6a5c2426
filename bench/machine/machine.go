// Package machine says what a run computes on: processor, vector instructions, cores and memory, with the limits that
// a container sets.
package machine

import (
	"cmp"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/cpu"
)

// CPU is the processor with the vector instructions that are used of it: "AMD EPYC, AVX-512". What the system does not
// tell is left out.
func CPU() string {
	named := slices.DeleteFunc([]string{model(), Vectors()}, func(s string) bool { return s == "" })
	return strings.Join(named, ", ")
}

// model is the processor's own name where the system tells it (Linux).
func model() string { return field("/proc/cpuinfo", "model name") }

// field is the value of the first line "name: value" of a file; empty if there is none.
func field(file, name string) string {
	text, _ := os.ReadFile(file) // or no value
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Offers names the widest vector instructions of the processor that a build could use, whether this one does or not.
func Offers() string {
	switch {
	case cpu.X86.HasAVX512F:
		return "AVX-512"
	case cpu.X86.HasAVX2:
		return "AVX2"
	}
	return ""
}

// Limits are the resources of this process. What is not known, or not limited, is 0.
type Limits struct {
	Cores       int     `json:"cores"`       // that the process may run on
	Quota       float64 `json:"quota"`       // of processor time, in cores: the container's
	Memory      int64   `json:"memory"`      // bytes in the machine
	Available   int64   `json:"available"`   // bytes that could be had now without swapping, of the machine's
	MemoryLimit int64   `json:"memoryLimit"` // bytes: the container's
}

// Now reads the limits that hold now. On other systems than Linux only the cores are known.
func Now() Limits {
	l := limits("/sys/fs/cgroup", "/proc/self/cgroup")
	l.Cores = runtime.NumCPU()
	l.Memory, l.Available = kibibytes("MemTotal"), kibibytes("MemAvailable")
	return l
}

// Most is the memory that the process may have at most, in bytes; 0 if it is not known.
func (l Limits) Most() int64 {
	if l.MemoryLimit > 0 && l.Memory > 0 {
		return min(l.Memory, l.MemoryLimit)
	}
	return cmp.Or(l.Memory, l.MemoryLimit)
}

// kibibytes reads a value of /proc/meminfo in bytes.
func kibibytes(name string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", name), " kB"), 10, 64) // or not known
	return n << 10
}

// limits reads what the control groups below root set for the process: version 2, where every group from the
// process's own up to the root counts, or version 1.
func limits(root, own string) (l Limits) {
	l.Quota, l.MemoryLimit = math.Inf(1), math.MaxInt64
	group := "/"
	text, _ := os.ReadFile(own) // or the root alone
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			group = path
		}
	}
	for ; ; group = filepath.Dir(group) {
		quota, period, _ := strings.Cut(word(root, group, "cpu.max"), " ")
		l.lower(quota, period, word(root, group, "memory.max"))
		if group == "/" || group == "." {
			break
		}
	}
	l.lower(word(root, "cpu/cpu.cfs_quota_us"), word(root, "cpu/cpu.cfs_period_us"), word(root, "memory/memory.limit_in_bytes"))
	if math.IsInf(l.Quota, 1) {
		l.Quota = 0
	}
	if l.MemoryLimit > math.MaxInt64/2 { // version 1 writes no limit as a number near the largest
		l.MemoryLimit = 0
	}
	return l
}

// lower takes limits that are lower than those so far; what is no number, as "max", is none.
func (l *Limits) lower(quota, period, memory string) {
	q, noQuota := strconv.ParseFloat(quota, 64)
	p, noPeriod := strconv.ParseFloat(period, 64)
	if cmp.Or(noQuota, noPeriod) == nil && q > 0 && p > 0 {
		l.Quota = min(l.Quota, q/p)
	}
	if m, err := strconv.ParseInt(memory, 10, 64); err == nil {
		l.MemoryLimit = min(l.MemoryLimit, m)
	}
}

// word is the content of a file without the space around it; empty if there is none.
func word(path ...string) string {
	text, _ := os.ReadFile(filepath.Join(path...)) // or not set
	return strings.TrimSpace(string(text))
}
