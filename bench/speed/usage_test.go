package main

import (
	"os"
	"testing"
	"time"
)

func TestParseMachine(t *testing.T) {
	all, busy, err := parseMachine("cpu  10 20 30 400 5 1 2 32 0 0\ncpu0 1 2 3\n")
	if err != nil || all != 500*tick || busy != 95*tick {
		t.Errorf("%v of %v busy (%v), want 95 of 500 ticks: idle and waiting are not, what is stolen is", busy, all, err)
	}
	for _, text := range []string{"", "cpu 1 2 3\n", "cpu0 10 20 30 400 5 1 2 32 0 0\n", "cpu 10 20 x 400 5 1 2 32\n"} {
		if _, _, err := parseMachine(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

// procStat is a line as the kernel writes it, of a process whose name is chosen to confuse.
const procStat = "77 (a ) b) S 1 4242 1 0 -1 4194304 1 2 3 4 100 20 3 4 20 0 1 0 5 6 7"

func TestParseProcess(t *testing.T) {
	if group, ticks, ok := parseProcess([]byte(procStat)); !ok || group != 4242 || ticks != 127 {
		t.Errorf("group %d, %d ticks, %t; want 4242 and 100 + 20 + 3 + 4", group, ticks, ok)
	}
}

func FuzzParseProcess(f *testing.F) {
	f.Add([]byte(procStat))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		if group, ticks, ok := parseProcess(text); !ok && (group != 0 || ticks != 0) {
			t.Errorf("group %d and %d ticks of what cannot be read", group, ticks)
		}
	})
}

func FuzzParseMachine(f *testing.F) {
	f.Add("cpu  10 20 30 400 5 1 2 32 0 0\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if all, busy, err := parseMachine(text); err != nil && (all != 0 || busy != 0) {
			t.Errorf("%v of %v from what cannot be read", busy, all)
		}
	})
}

// TestGroupTime: the time of this process's own group grows while it works.
func TestGroupTime(t *testing.T) {
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Skipf("NOT CHECKED: %v", err)
	}
	group, _, ok := parseProcess(text)
	if !ok {
		t.Fatalf("%q cannot be read", text)
	}
	before := groupTime(group)
	for deadline := time.Now().Add(time.Minute); groupTime(group) < before+5*tick; {
		if time.Now().After(deadline) {
			t.Fatal("a minute of work is no processor time")
		}
	}
}
