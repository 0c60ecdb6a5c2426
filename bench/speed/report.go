package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Report is what was measured, on which machine.
type Report struct {
	Machine     string       `json:"machine"`
	Cores       int          `json:"cores"`
	Go          string       `json:"go"`
	Notes       []string     `json:"notes"`
	Comparisons []Comparison `json:"comparisons"`
	Losses      []Losses     `json:"losses"`
	Costs       []Cost       `json:"costs"`
	Runs        []Run        `json:"runs"`
}

// Comparison is the same work, done by several sides: a step, or something with pictures.
type Comparison struct {
	Title     string `json:"title"`
	Processes int    `json:"processes"`
	Threads   int    `json:"threads"` // of each
	// Images are those of a sample; 0 where it is a step.
	Images int        `json:"images,omitempty"`
	Sides  []Measured `json:"sides"`
	InTurn Usage      `json:"in_turn"`
	Ratios []Ratio    `json:"ratios"`
}

// Losses are those of the first steps, from the same weights and views.
type Losses struct {
	Title string               `json:"title"`
	Of    map[string][]float64 `json:"of"` // by side
}

// Cost is what something takes that is no whole step.
type Cost struct {
	Section string `json:"section"`
	What    string `json:"what"`
	Side    string `json:"side"`
	MS      Figure `json:"ms"`
	// Against is its ratio to what its section compares it with; nil where there is no such thing, or where the machine was
	// busy with something else.
	Against *Figure `json:"against,omitempty"`
	// Faults say why the figures are none to rest on.
	Faults []string `json:"faults,omitempty"`
}

// Run is a whole process of cidbench.
type Run struct {
	What    string   `json:"what"`
	Seconds float64  `json:"seconds"`
	CPU     float64  `json:"cpu_seconds"`
	Memory  int64    `json:"memory"` // bytes, largest resident size
	Faults  []string `json:"faults,omitempty"`
}

// write prints the report as Markdown, as it stands in docs/performance.md.
func (r Report) write(out io.Writer) {
	fmt.Fprintf(out, "%s, %d cores, %s\n\n", r.Machine, r.Cores, r.Go)
	for _, note := range r.Notes {
		fmt.Fprintf(out, "- %s\n", note)
	}
	for _, c := range r.Comparisons {
		c.write(out)
	}
	for _, l := range r.Losses {
		fmt.Fprintf(out, "\n### Losses of the first steps: %s\n\n| side | loss, nats |\n|---|---|\n", l.Title)
		for _, side := range slices.Sorted(maps.Keys(l.Of)) {
			fmt.Fprintf(out, "| %s | %s |\n", side, strings.Trim(fmt.Sprintf("%.5f", l.Of[side]), "[]"))
		}
	}
	for section := range sections(r.Costs) {
		writeCosts(out, section)
	}
	if len(r.Runs) > 0 {
		fmt.Fprintf(out, "\n### Whole processes\n\n| command | s | processor s | memory, MB |\n|---|---|---|---|\n")
		var faults []string
		for _, run := range r.Runs {
			fmt.Fprintf(out, "| %s | %.1f%s | %.1f | %d |\n", run.What, run.Seconds, mark(run.Faults), run.CPU, run.Memory/1e6)
			faults = append(faults, run.Faults...)
		}
		writeFaults(out, "Disturbed (*)", faults)
	}
}

func (c Comparison) write(out io.Writer) {
	fmt.Fprintf(out, "\n### %s: %d x %d threads\n\n", c.Title, c.Processes, c.Threads)
	if c.Images > 0 {
		c.writeRates(out)
	} else {
		c.writeSteps(out)
	}
	if len(c.Ratios) == 0 {
		var faults []string
		for _, m := range c.Sides {
			faults = append(faults, m.Faults...)
		}
		writeFaults(out, "Disturbed", faults)
		return
	}
	fmt.Fprintf(out, "\n| ratio of block medians of time | (quartiles) |\n|---|---|\n")
	var refused []string
	for _, r := range c.Ratios {
		value := "refused"
		if r.Value != nil {
			value = r.Value.ratio()
		}
		fmt.Fprintf(out, "| %s to %s | %s |\n", r.Of, r.To, value)
		refused = append(refused, r.Refused...)
	}
	writeFaults(out, "Refused", refused)
}

// writeRates prints a row for each side: images a second, and processor time of one.
func (c Comparison) writeRates(out io.Writer) {
	fmt.Fprintf(out, "| side | alone, images/s | in turn, images/s | processor, ms an image |\n|---|---|---|---|\n")
	for _, m := range c.Sides {
		alone, inTurn := m.Alone.rate(c.Images), m.InTurn.rate(c.Images)
		fmt.Fprintf(out, "| %s | %.0f (%.0f to %.0f) | %.0f (%.0f to %.0f)%s | %.3f |\n", m.Side,
			alone.Median, alone.Low, alone.High, inTurn.Median, inTurn.Low, inTurn.High, mark(m.Faults), m.CPU/float64(c.Images))
	}
}

// writeSteps prints a row for each side: what a step took, and the memory of it.
func (c Comparison) writeSteps(out io.Writer) {
	fmt.Fprintf(out, "| side | alone, ms a step | in turn | processor, ms | first step, s | memory, MB | on the card, MB |\n|---|---|---|---|---|---|---|\n")
	for _, m := range c.Sides {
		card := "-"
		if m.CardMemory > 0 {
			card = fmt.Sprint(m.CardMemory / 1e6)
		}
		fmt.Fprintf(out, "| %s | %s | %s | %.1f | %.1f | %d | %s |\n", m.Side, m.Alone, m.InTurn, m.CPU, m.First/1e3, m.Memory/1e6, card)
	}
}

// ratio reads like "0.62 (0.61 to 0.63)".
func (f Figure) ratio() string { return fmt.Sprintf("%.2f (%.2f to %.2f)", f.Median, f.Low, f.High) }

// sections are the costs by section, in order.
func sections(costs []Cost) func(func([]Cost) bool) {
	return func(yield func([]Cost) bool) {
		for len(costs) > 0 {
			n := 1
			for n < len(costs) && costs[n].Section == costs[0].Section {
				n++
			}
			if !yield(costs[:n]) {
				return
			}
			costs = costs[n:]
		}
	}
}

// writeCosts prints a section: a row for each thing.
func writeCosts(out io.Writer, costs []Cost) {
	fmt.Fprintf(out, "\n### %s\n\n| what | side | ms | ratio |\n|---|---|---|---|\n", costs[0].Section)
	var faults []string
	for _, c := range costs {
		against := "-"
		if c.Against != nil {
			against = c.Against.ratio()
		}
		fmt.Fprintf(out, "| %s | %s | %.2f (%.2f to %.2f)%s | %s |\n", c.What, c.Side, c.MS.Median, c.MS.Low, c.MS.High, mark(c.Faults), against)
		faults = append(faults, c.Faults...)
	}
	writeFaults(out, "Disturbed (*)", faults)
}

func mark(faults []string) string {
	if len(faults) > 0 {
		return " *"
	}
	return ""
}

// writeFaults prints each fault once.
func writeFaults(out io.Writer, title string, faults []string) {
	if len(faults) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s:\n\n", title)
	for _, fault := range slices.Compact(slices.Sorted(slices.Values(faults))) {
		fmt.Fprintf(out, "- %s\n", fault)
	}
}
