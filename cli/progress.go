package cli

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/study"
)

// progress shows how far a list of work is, with an estimate of the time that remains.
type progress struct {
	console *Console
	unit    string                   // of what is counted: cells or analyses
	bar     *progressbar.ProgressBar // nil without a terminal

	mu                   sync.Mutex
	start                time.Time
	printed              time.Time
	done, cached, failed int
	weight               map[string]int // of everything, in steps, by run id
	total                int            // their sum
	step                 map[string]int // reached, by run id
	sum                  int            // of step
	worked               int            // steps done by this process
	latest               string
	curves               map[string]*curve // of the loss, by run id
	twin                 bool              // it was said that another goes by the same share
}

// Begin shows work to come: units of some weight in training steps, by run id.
func (c *Console) Begin(unit string, weight map[string]int) study.Progress {
	p := &progress{console: c, unit: unit, start: time.Now(), weight: weight, step: map[string]int{}, curves: map[string]*curve{}}
	for _, w := range weight {
		p.total += w
	}
	if c.Terminal && !c.Quiet {
		p.bar = progressbar.NewOptions(p.total, progressbar.OptionSetWriter(c.Stderr), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	return p
}

// Observe takes an event.
func (p *progress) Observe(e bench.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Held { // another process does it
		if e.Twin != "" && !p.twin {
			p.twin = true
			p.say("%s is held by %s: the share of this worker. If that one lives, give each worker an index of its own; if not, this goes on when its lease runs out", e.Name, e.Twin)
		}
		return
	}
	at := e.Step
	if e.Done {
		at = p.weight[e.Run]
		p.done++
	}
	// The first news of a resumed cell jumps to its checkpoint: what was done before was not done now.
	if done := at - p.step[e.Run]; !e.Cached && (done == 1 || e.Done) {
		p.worked += done
	}
	p.sum += at - p.step[e.Run]
	p.step[e.Run] = at
	switch {
	case e.Cached:
		p.cached++
	case e.Failed != "":
		p.failed++
		p.say("%s FAILED in %s: %s", e.Name, e.Wall.Round(time.Second), e.Failed)
	case e.Done:
		p.say("%s done in %s", e.Name, e.Wall.Round(time.Second))
	}
	if e.Loss != 0 {
		if p.curves[e.Run] == nil {
			p.curves[e.Run] = new(curve)
		}
		p.curves[e.Run].add(e.Step, p.weight[e.Run], e.Loss)
	}
	p.latest = e.Name
	p.draw(p.curves[e.Run])
	if e.Done {
		delete(p.curves, e.Run)
	}
}

// say prints a line of its own, above the bar if there is one.
func (p *progress) say(format string, args ...any) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	p.console.Say(fmt.Sprintf(format, args...))
}

// draw shows where everything is, and how the loss of a training that is at work went, if it is known.
func (p *progress) draw(loss *curve) {
	now := time.Now()
	remaining := "estimating"
	if elapsed := now.Sub(p.start); p.worked > 0 && elapsed > 2*time.Second {
		left := time.Duration(float64(elapsed) / float64(p.worked) * float64(p.total-p.sum))
		remaining = "about " + left.Round(max(time.Second, left.Truncate(time.Minute)/20)).String() + " left"
	}
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("%d/%d %s, %s%s", p.done, len(p.weight), p.unit, remaining, loss))
		_ = p.bar.Set(min(p.sum, p.total-1)) // the last step would end the bar early
		return
	}
	if p.worked > 0 && now.Sub(p.printed) >= 10*time.Second {
		p.printed = now
		p.say("%d of %d %s, step %d of %d (%.0f%%), %s; now %s",
			p.done, len(p.weight), p.unit, p.sum, p.total, 100*float64(p.sum)/float64(p.total), remaining, p.latest)
	}
}

// End sums up.
func (p *progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cached == len(p.weight) {
		p.say("all %d %s were there already: nothing to run", p.cached, p.unit)
	} else {
		p.say("%d of %d %s are done (%d were there already, %d failed) after %s",
			p.done, len(p.weight), p.unit, p.cached, p.failed, time.Since(p.start).Round(time.Second))
	}
}

// A curve is the loss of a training so far, mean over stretches of its steps.
type curve struct {
	sum  [16]float64
	n    [16]float64
	last float64
}

// add takes the loss of a step, from 1, of so many.
func (c *curve) add(step, of int, loss float64) {
	at := min((step-1)*len(c.sum)/max(of, 1), len(c.sum)-1)
	c.sum[at] += loss
	c.n[at]++
	c.last = loss
}

// String is the curve as bars, from the lowest to the highest, with the last loss in nats; empty for none.
func (c *curve) String() string {
	if c == nil {
		return ""
	}
	low, high := math.Inf(1), math.Inf(-1)
	for i, n := range c.n {
		if n > 0 {
			low, high = min(low, c.sum[i]/n), max(high, c.sum[i]/n)
		}
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	var text strings.Builder
	for i, n := range c.n {
		if n > 0 {
			at := 0
			if high > low {
				at = int(math.Round((c.sum[i]/n - low) / (high - low) * float64(len(bars)-1)))
			}
			text.WriteRune(bars[at])
		}
	}
	return fmt.Sprintf(", loss %s %.2f", &text, c.last)
}
