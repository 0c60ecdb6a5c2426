package cli

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cidbench/cidbench/bench"
)

// A curve falls as the loss does.
func TestCurve(t *testing.T) {
	c := new(curve)
	for step := 1; step <= 80; step++ {
		c.add(step, 160, 8-float64(step)/10)
	}
	if got, want := c.String(), ", loss █▇▆▅▄▃▂▁ 0.00"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	flat := new(curve)
	flat.add(1, 16, 5)
	flat.add(2, 16, 5)
	if got, want := flat.String(), ", loss ▁▁ 5.00"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (*curve)(nil).String(); got != "" {
		t.Errorf("no curve is %q", got)
	}
}

// On a terminal the loss of a training is seen as it falls.
func TestProgressShowsTheLoss(t *testing.T) {
	var errs bytes.Buffer
	c := &Console{Stderr: &errs, Terminal: true}
	p := c.Begin("cells", map[string]int{"a": 4})
	for step := 1; step <= 4; step++ {
		p.Observe(bench.Event{Run: "a", Name: "all", Step: step, Loss: 9 - float64(step)})
	}
	p.Observe(bench.Event{Run: "a", Name: "all", Done: true})
	p.End()
	if !strings.Contains(errs.String(), "loss ▁ 8.00") { // the bar is drawn a few times a second
		t.Errorf("no curve in %q", &errs)
	}
}

// What a resumed training had done before it was stopped says nothing of how fast it goes: of 201 steps 60 were there, 11
// took a second each, and 130 are left.
func TestProgressEstimatesFromWhatWasDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var errs bytes.Buffer
		c := &Console{Stderr: &errs}
		p := c.Begin("cells", map[string]int{"a": 100, "b": 101})
		p.Observe(bench.Event{Run: "a", Name: "all", Step: 60})
		for step := 61; step <= 71; step++ {
			time.Sleep(time.Second)
			p.Observe(bench.Event{Run: "a", Name: "all", Step: step})
		}
		if !strings.Contains(errs.String(), "0 of 2 cells, step 71 of 201 (35%), about 2m12s left; now all") {
			t.Errorf("another estimate in %s", &errs)
		}
	})
}

// Two workers with one index are told, once.
func TestProgressTellsOfTwins(t *testing.T) {
	var errs bytes.Buffer
	c := &Console{Stderr: &errs}
	p := c.Begin("cells", map[string]int{"a": 4, "b": 4})
	for _, run := range []string{"a", "b"} {
		p.Observe(bench.Event{Run: run, Name: run, Held: true, Twin: "host, process 7, worker 1/2"})
	}
	if n := strings.Count(errs.String(), "host, process 7, worker 1/2: the share of this worker"); n != 1 || !strings.Contains(errs.String(), "an index of its own") {
		t.Errorf("said %d times: %s", n, &errs)
	}
}
