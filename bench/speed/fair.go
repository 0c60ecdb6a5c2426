package main

import (
	"fmt"
	"math"
	"slices"
)

// Figure sums up samples, each the milliseconds that some work took.
type Figure struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`  // first quartile
	High   float64 `json:"high"` // third quartile
}

func figure(samples []float64) Figure {
	return Figure{quantile(samples, 0.5), quantile(samples, 0.25), quantile(samples, 0.75)}
}

// String reads like "31.9 (31.7 to 32.4)".
func (f Figure) String() string { return fmt.Sprintf("%.1f (%.1f to %.1f)", f.Median, f.Low, f.High) }

// rate is that of so many images in a sample, in images a second.
func (f Figure) rate(images int) Figure {
	all := 1e3 * float64(images)
	return Figure{all / f.Median, all / f.High, all / f.Low}
}

// quantile interpolates between the order statistics, as numpy's does.
func quantile(samples []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// What a fair measurement allows. The numbers are ours.
const (
	// maxForeign is the share of the machine's processor time that others may take.
	maxForeign = 0.03
	// maxStopped is the share of one processor that those who are stopped may take: the time that it takes to stop.
	maxStopped = 0.01
	// minSpread is the least spread of a figure, as a share of it: clocks and temperatures drift by that.
	minSpread = 0.02
	// maxThreads is the processor time that a side may take, as a share of that of its threads.
	maxThreads = 1.1
)

// Usage is who had the machine's processors while something was measured.
type Usage struct {
	// Foreign is the share of all processor time that was neither idle nor that of the sides and the harness.
	Foreign float64 `json:"foreign"`
	// Stopped is the processor time of the sides that were stopped, as a share of one processor.
	Stopped float64 `json:"stopped"`
}

// faults says what was wrong while something was measured.
func (u Usage) faults(when string) (faults []string) {
	if u.Foreign > maxForeign {
		faults = append(faults, fmt.Sprintf("%s, other programs took %.0f%% of the machine (%.0f%% is allowed)", when, 100*u.Foreign, 100*maxForeign))
	}
	if u.Stopped > maxStopped {
		faults = append(faults, fmt.Sprintf("%s, sides that were stopped took %.1f%% of a processor", when, 100*u.Stopped))
	}
	return faults
}

// Measured is a side's work: by itself, and in turn with others.
type Measured struct {
	Side    string `json:"side"`
	Version string `json:"version"`
	Alone   Figure `json:"alone_ms"`
	// Turns are the medians of its blocks in turn with the other sides, InTurn what all of its samples took.
	Turns  []float64 `json:"block_medians_ms"`
	InTurn Figure    `json:"in_turn_ms"`
	// Mean and CPU are the milliseconds that a sample in turn took on average, on the clock and of processor time, First
	// what its first one took: compiling, mostly.
	Mean  float64 `json:"in_turn_mean_ms"`
	CPU   float64 `json:"cpu_ms"`
	First float64 `json:"first_ms"`
	// Memory is the largest resident size of a process that worked alone, CardMemory what it took of the GPU's; bytes.
	Memory     int64 `json:"memory"`
	CardMemory int64 `json:"card_memory,omitempty"`
	// Faults say why its figures are none to compare by.
	Faults []string `json:"faults,omitempty"`
}

// judge finds what is wrong with a side's figures: others were busy while it was alone; it was slower or faster in turn than
// alone by more than its spread, so that one of the two is wrong, as where a hypervisor gives less than it says; it had more
// processors than it has threads.
func (m *Measured) judge(alone Usage, threads int) {
	m.Faults = alone.faults("while " + m.Side + " was alone")
	spread := max(m.Alone.High-m.Alone.Low, minSpread*m.Alone.Median)
	if math.Abs(m.InTurn.Median-m.Alone.Median) > spread {
		m.Faults = append(m.Faults, fmt.Sprintf("%s took %.1f ms in turn and %.1f alone, which differ by more than its spread of %.1f", m.Side, m.InTurn.Median, m.Alone.Median, spread))
	}
	if m.CPU > maxThreads*float64(threads)*m.Mean { // samples may be as unlike as views are, and a median other than the mean
		m.Faults = append(m.Faults, fmt.Sprintf("%s took %.1f ms of processor time for %.1f ms on %d threads", m.Side, m.CPU, m.Mean, threads))
	}
}

// Ratio compares two sides, unless something forbids it.
type Ratio struct {
	Of string `json:"of"`
	To string `json:"to"`
	// Value is the median of the ratios of block medians, with quartiles; nil where it is refused, for the reasons.
	Value   *Figure  `json:"value,omitempty"`
	Refused []string `json:"refused,omitempty"`
}

// ratio is that of two sides which were measured in turn on a machine that was used so.
func ratio(of, to Measured, inTurn Usage) Ratio {
	r := Ratio{Of: of.Side, To: to.Side, Refused: slices.Concat(of.Faults, to.Faults, inTurn.faults("in turn"))}
	if len(r.Refused) == 0 {
		value := quotient(of.Turns, to.Turns)
		r.Value = &value
	}
	return r
}

// quotient is that of samples which were taken in pairs.
func quotient(of, to []float64) Figure {
	ratios := make([]float64, len(of))
	for i := range of {
		ratios[i] = of[i] / to[i]
	}
	return figure(ratios)
}
