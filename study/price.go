package study

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
)

// Cost is what it takes to run what is missing.
type Cost struct {
	Cells       int     `json:"cells"` // to run, or to go on with
	WallSeconds float64 `json:"wallSeconds"`
	CPUHours    float64 `json:"cpuHours"`
	// DeviceHours are those of all devices together: GPUs, or on a CPU what a cell has of it.
	DeviceHours float64 `json:"deviceHours"`
	DiskBytes   float64 `json:"diskBytes"`
	Money       float64 `json:"money,omitempty"` // at the stated price of an hour of a device
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
	text := fmt.Sprintf("%d cells, about %s, %.2f CPU hours, %.0f MB", c.Cells, c.Wall(), c.CPUHours, c.DiskBytes/1e6)
	if c.Money > 0 {
		text += fmt.Sprintf(", %.2f to pay", c.Money)
	}
	return text
}

// pricing knows what is there and what a trained cell costs.
type pricing struct {
	Workers
	steps int // of a training
	held  int // seeds, counted from 0, whose cells are known
	known map[string]CellState
	each  bench.Cost
	hour  float64 // price of a device's
	basis string
	left  Analyses // those that claims observe, without their price
}

// pricing takes note of where cells stand. What each costs follows from the stated time of a step; or if one was trained
// it is the mean of those; or else it is measured.
func (s *Study) pricing(ctx context.Context) (*pricing, error) {
	p := &pricing{Workers: s.opts.Workers, steps: s.tier.Train.Scale().Steps, held: s.seeds, known: map[string]CellState{}, hour: s.opts.Price}
	cells := s.cells
	if len(s.opts.Claims) > 0 {
		p.held = max(p.held, s.heldSeeds())
		cells = union(cells, s.exploring(s.claims, p.held))
	}
	all, analyses, err := s.states(ctx, cells)
	if err != nil {
		return nil, err
	}
	p.left = analyses
	for _, c := range all {
		p.known[c.Run] = c
	}
	each, basis := meanOf(all)
	switch {
	case s.opts.StepTime > 0:
		x, ok := s.extent()
		if !ok {
			return nil, UsageError{fmt.Errorf("--step-time: nothing says how many images data set %s has, which a probe sees: import it first", s.source.Name)}
		}
		p.basis, p.each = fmt.Sprintf("from a step of %s, as stated", s.opts.StepTime), s.tier.Stated(s.opts.StepTime, x)
	case basis != "":
		p.each, p.basis = each, basis
	case slices.ContainsFunc(all, CellState.unfinished):
		p.basis = "measured now, with one cell alone"
		data, err := s.ready(ctx, 1)
		if err != nil {
			return nil, err
		}
		if p.each, err = bench.Estimate(ctx, s.tier, data, s.backend, p.Threads); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// meanOf is what a trained cell took of those that say it; without one the basis is empty.
func meanOf(cells []CellState) (each bench.Cost, basis string) {
	var runs, seconds, bytes float64
	for _, c := range cells {
		if c.Spec.Training.Features == bench.Trained && c.Seconds > 0 {
			runs++
			seconds += c.Seconds
			bytes += float64(c.Bytes)
		}
	}
	if runs == 0 {
		return each, ""
	}
	return bench.Cost{Wall: time.Duration(seconds / runs * float64(time.Second)), Disk: int64(bytes / runs)}, fmt.Sprintf("mean of %.0f stored runs", runs)
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
	trained := cell.Spec.Training.Features == bench.Trained
	var seconds, disk float64
	switch {
	case times == 0 || !cell.unfinished() || !trained && cell.State == Begun:
		return
	case trained:
		left := 1 - float64(cell.Step)/float64(cell.Spec.Training.Steps())
		if cell.State == Missing {
			left = 1
		}
		seconds, disk = left*p.each.Wall.Seconds(), left*float64(p.each.Disk)
	default:
		seconds = p.floor()
	}
	total.Cells += times
	total.DiskBytes += disk * float64(times)
	p.work(total, seconds*float64(times))
}

// floor is the seconds that a probe takes, or an analysis.
func (p *pricing) floor() float64 {
	if p.each.Probing > 0 {
		return p.each.Probing.Seconds()
	}
	return floorSteps / float64(p.steps) * p.each.Wall.Seconds()
}

// work adds seconds of a device to a cost.
func (p *pricing) work(total *Cost, seconds float64) {
	total.WallSeconds += seconds / float64(p.Parallel)
	total.CPUHours += seconds * float64(p.Threads) / 3600
	total.DeviceHours += seconds / 3600
	total.Money += seconds / 3600 * p.hour
}

// extent is how large the tier's images and their number are: of an imported data set where it is, or else as the catalogue
// says. No image is read, but of a set that is drawn and of which the catalogue says nothing.
func (s *Study) extent() (dataset.Extent, bool) {
	x := s.source.Extent
	if known := x != (dataset.Extent{}); known && s.source.Import == nil || s.source.Tree == nil {
		return x, known
	}
	data, err := s.data()
	if err != nil {
		return x, x != (dataset.Extent{})
	}
	return data.Extent(), true
}
