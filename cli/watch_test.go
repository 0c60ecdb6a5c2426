package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

// screen is a window of some size, at which some keys are typed.
type screen struct {
	width, height int
	keys          chan byte
	restored      bool
}

func (s *screen) Size() (int, int)            { return s.width, s.height }
func (s *screen) Keys() (<-chan byte, func()) { return s.keys, func() { s.restored = true } }

// What is watched fits the window, whatever there is of it and however small it is.
func TestWatchFits(t *testing.T) {
	at := &study.Standing{
		At: time.Now(), Planned: 500, Unread: 7, PerHour: 31, Basis: "mean of 20 stored runs", Left: study.Cost{WallSeconds: 9000, DeviceHours: 12, Money: 3},
		Counts: map[study.State]int{study.Complete: 20, study.Held: 60, study.Failed: 40}, Analyses: study.Analyses{Needed: 9, Done: 3, Seconds: 60},
	}
	for i := range 100 {
		c := study.CellState{Cell: bench.Cell{Arm: "hardest5", Temperature: 0.2, Seed: uint64(i)}, State: study.Held, Owner: strings.Repeat("host", 30), Since: at.At.Add(-time.Hour)}
		if i%5 < 2 {
			c.State, c.Reason = study.Failed, "diverged\nin step 3"
		}
		at.Cells = append(at.Cells, c)
	}
	a := &app{Console: &Console{}}
	for _, size := range [][2]int{{80, 24}, {40, 10}, {20, 3}, {200, 300}, {1, 1}} {
		width, height := size[0], size[1]
		rows := a.rows(at, width, height)
		if len(rows) > height || len(rows) == 0 {
			t.Errorf("%v: %d rows", size, len(rows))
		}
		for _, row := range rows {
			if len([]rune(row)) > width || strings.ContainsAny(row, "\n\r") {
				t.Errorf("%v: %q", size, row)
			}
		}
	}
	text := strings.Join(a.rows(at, 0, 24), "\n")
	for _, want := range []string{"500 cells: 20 complete, 40 failed, 60 held", "31 cells an hour", "about 2h30m0s left at this pace, 12.00 device hours, 3.00 to pay", "analyses: 3 of 9 are done", "7 that were begun", "failed or damaged\n", "failed: diverged in step 3", "held\n", "(1h0m0s)", "... and "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if text := strings.Join(a.rows(at, 0, 300), "\n"); strings.Count(text, "hardest5") != 100 || strings.Contains(text, "more") {
		t.Errorf("a window that has room shows not all:\n%s", text)
	}
}

// watched watches a registry where nothing is left, or something.
func watched(t *testing.T, whole bool) (store string) {
	t.Helper()
	store = t.TempDir() + "/store"
	r, err := registry.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	tier := other.Tiers[0]
	env := bench.Environment{Backend: "go", Method: tier.Train.ID().Version}
	cells := other.Matrix(tier, other.Claims, bench.Explored(3), env)
	for i, cell := range cells {
		m := registry.Manifest{Status: registry.Failed, Reason: "diverged", Key: cell.Spec.Key()}
		if i > 0 && !whole {
			continue
		}
		if _, err := r.Commit(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// On a terminal q ends it with 0 and Ctrl-C with 130, the terminal is as before, and what was seen last stays.
func TestWatchKeys(t *testing.T) {
	store := watched(t, false)
	for key, code := range map[byte]int{'q': exitSupported, 3: exitInterrupted} {
		var out drawn
		s := &screen{width: 60, height: 12, keys: make(chan byte)}
		c := &Console{Catalogue: other, Name: "ring", Args: []string{"status", "--watch", "1s", "--store", store}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: io.Discard, Screen: s}
		go func() {
			for !strings.Contains(out.String(), "failed or damaged") {
				time.Sleep(10 * time.Millisecond)
			}
			s.keys <- 'x' // means nothing
			s.keys <- key
		}()
		if got := c.Run(t.Context()); got != code || !s.restored {
			t.Errorf("key %q: exit %d, want %d; restored: %v", key, got, code, s.restored)
		}
		_, after, left := strings.Cut(out.String(), leaveScreen)
		if !left || !strings.Contains(after, "3 cells: 0 complete, 1 failed") || strings.Contains(after, "\x1b") {
			t.Errorf("key %q leaves %q", key, after)
		}
	}
}

// drawn is what was written, for two goroutines.
type drawn struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *drawn) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func (d *drawn) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

// Elsewhere it prints lines, or an object a line, and ends when nothing is left.
func TestWatchEnds(t *testing.T) {
	store := watched(t, true)
	code, text, errs := try(t.Context(), "status", "--watch", "--store", store)
	if code != 0 || !strings.Contains(text, "3 cells: 0 complete, 3 failed") {
		t.Fatalf("exit %d: %s%s", code, text, errs)
	}
	code, text, errs = try(t.Context(), "status", "--watch", "--json", "--store", store)
	if code != 0 || strings.Count(text, "\n") != 1 {
		t.Fatalf("exit %d: %s%s", code, text, errs)
	}
	valid(t, "status --watch", text, errs)
	var at study.Standing
	if err := json.Unmarshal([]byte(text), &at); err != nil || at.Planned != 3 || len(at.Cells) != 3 {
		t.Errorf("%v: %s", err, text)
	}
	for _, args := range []string{"status 5s", "status --watch soon", "status --watch 1ms", "status --watch 1s 2s"} {
		if code, _, errs := try(t.Context(), append(strings.Fields(args), "--store", store)...); code != exitUsage {
			t.Errorf("%s: exit %d: %s", args, code, errs)
		}
	}
}
