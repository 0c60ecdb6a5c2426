package study

import (
	"fmt"
	"time"

	"github.com/cidbench/cidbench/bench"
)

// Cost is what it takes to run what is missing.
type Cost struct {
	Cells       int     `json:"cells"` // to run, or to go on with
	WallSeconds float64 `json:"wallSeconds"`
	CPUHours    float64 `json:"cpuHours"`
	DiskBytes   float64 `json:"diskBytes"`
}

// Wall is the time it takes, in whole seconds.
func (c Cost) Wall() time.Duration {
	return time.Duration(c.WallSeconds * float64(time.Second)).Round(time.Second)
}

// String reads like "8 cells, about 2m0s, 0.10 CPU hours, 30 MB".
func (c Cost) String() string {
	if c.Cells == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%d cells, about %s, %.2f CPU hours, %.0f MB", c.Cells, c.Wall(), c.CPUHours, c.DiskBytes/1e6)
}

// pricing knows what is there and what a trained cell costs.
type pricing struct {
	Workers
	steps int // of a training
	held  int // seeds, counted from 0, whose cells are known
	known map[string]CellState
	each  bench.Cost
	basis string
}

// learn takes note of where cells stand. If one was trained, the mean of those is what each costs.
func (p *pricing) learn(states []CellState) {
	var runs, seconds, bytes float64 // of trained cells with a wall time
	for _, c := range states {
		p.known[c.Run] = c
		if c.Spec.Training.Features == bench.Trained && c.Seconds > 0 {
			runs++
			seconds += c.Seconds
			bytes += float64(c.Bytes)
		}
	}
	if runs > 0 {
		p.each = bench.Cost{Wall: time.Duration(seconds / runs * float64(time.Second)), Disk: int64(bytes / runs)}
		p.basis = fmt.Sprintf("mean of %.0f stored runs", runs)
	}
}

// statesOf says where cells stand; those of seeds not held are missing.
func (p *pricing) statesOf(cells []bench.Cell) (states []CellState) {
	for _, cell := range cells {
		id := cell.Spec.ID()
		state, ok := p.known[id]
		if !ok {
			state = CellState{Run: id, State: Missing}
		}
		state.Cell = cell
		states = append(states, state)
	}
	return states
}

// price is the cost of running cells at so many seeds. The seeds beyond those held are all alike, so thousands
// of them cost no more to reckon than one.
func (p *pricing) price(cells []CellState, seeds int) (total Cost) {
	for _, c := range cells {
		times := 0
		switch seed := int(c.Seed); {
		case seed == p.held:
			times = max(0, seeds-p.held)
		case seed < seeds:
			times = 1
		}
		p.add(&total, c, times)
	}
	return total
}

// add reckons with so many cells like this one.
func (p *pricing) add(total *Cost, cell CellState, times int) {
	left, trained := 0.0, cell.Spec.Training.Features == bench.Trained // left is in whole trainings
	switch {
	case trained && cell.State == Begun:
		left = 1 - float64(cell.Step)/float64(cell.Spec.Training.Steps())
	case cell.State == Missing:
		left = float64(weight(cell.Cell)) / float64(p.steps)
	}
	if left == 0 || times == 0 {
		return
	}
	left *= float64(times)
	seconds := left * p.each.Wall.Seconds()
	total.Cells += times
	total.WallSeconds += seconds / float64(p.Parallel)
	total.CPUHours += seconds * float64(p.Threads) / 3600
	if trained {
		total.DiskBytes += left * float64(p.each.Disk)
	}
}
