package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which Linux tells programs of processor time.
const tick = 10 * time.Millisecond

// machineTime is processor time of the whole machine since it started: in all, and what was not idle, that which a
// hypervisor took included. It is an error where the system is not Linux.
func machineTime() (all, busy time.Duration, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, fmt.Errorf("who else uses the processors cannot be told: %w", err)
	}
	return parseMachine(string(text))
}

// parseMachine reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
func parseMachine(text string) (all, busy time.Duration, err error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0, fmt.Errorf("/proc/stat begins with %q, not with the times of all processors", line)
	}
	for i, field := range fields[1:9] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("/proc/stat: %w", err)
		}
		all += time.Duration(n) * tick
		if i != 3 && i != 4 {
			busy += time.Duration(n) * tick
		}
	}
	return all, busy, nil
}

// groupTime is the processor time of the processes of some groups, and of their children that have ended.
func groupTime(groups ...int) (spent time.Duration) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // a pattern that is none is the only error
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		group, ticks, ok := parseProcess(text)
		for _, g := range groups {
			if ok && g == group {
				spent += time.Duration(ticks) * tick
			}
		}
	}
	return spent
}

// parseProcess reads /proc/PID/stat: its group, and the ticks of itself and of the children that it has waited for. The
// name in it may hold spaces and brackets.
func parseProcess(text []byte) (group int, ticks int64, ok bool) {
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 15 {
		return 0, 0, false
	}
	group, err := strconv.Atoi(string(fields[2]))
	if err != nil {
		return 0, 0, false
	}
	for _, field := range fields[11:15] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, 0, false
		}
		ticks += n
	}
	return group, ticks, true
}

// peak is the largest resident size that a process had so far, in bytes; 0 if the system does not say.
func peak(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64) // or not known
			return n << 10
		}
	}
	return 0
}

// watch follows the processors while something is measured.
type watch struct {
	groups          []int // of this program
	all, busy, ours time.Duration
	stopped, wall   time.Duration
}

func newWatch(sides ...*running) (w watch, err error) {
	w.groups = []int{os.Getpid()}
	if group, _, ok := parseProcess(own()); ok {
		w.groups[0] = group
	}
	for _, s := range sides {
		w.groups = append(w.groups, s.groups()...)
	}
	w.all, w.busy, err = machineTime()
	w.ours = groupTime(w.groups...)
	return w, err
}

// own is what the system says of this process.
func own() []byte {
	text, _ := os.ReadFile("/proc/self/stat") // or nothing
	return text
}

// usage is what came since the watch began.
func (w watch) usage() (Usage, error) {
	all, busy, err := machineTime()
	if err != nil {
		return Usage{}, err
	}
	u := Usage{Foreign: share(busy-w.busy-(groupTime(w.groups...)-w.ours), all-w.all)}
	u.Foreign, u.Stopped = max(0, u.Foreign), share(w.stopped, w.wall)
	return u, nil
}

func share(part, whole time.Duration) float64 {
	if whole <= 0 {
		return 0
	}
	return part.Seconds() / whole.Seconds()
}
