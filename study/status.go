package study

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

// Standing is where a study stands at a moment, and what is left of it.
type Standing struct {
	At time.Time `json:"at"`
	// Planned is the number of cells, Counts how many are in each state.
	Planned int           `json:"planned"`
	Counts  map[State]int `json:"counts"`
	// Cells are all of them, or of a watch those that are held, failed or damaged. Unread is how many were begun of which
	// no lease was read yet, since in a bucket that takes a request each.
	Cells    []CellState `json:"cells"`
	Unread   int         `json:"unread,omitempty"`
	Analyses Analyses    `json:"analyses"`
	// PerHour is the rate at which cells were finished in the last hour, by the clocks of those who finished them.
	PerHour float64 `json:"perHour"`
	// Left is what the rest takes, analyses included, with as many at work as there are now, or one; it is nothing where
	// Basis is empty: nothing says yet what a cell takes.
	Left  Cost   `json:"left"`
	Basis string `json:"basis,omitempty"`
}

// Done says that nothing is left.
func (s *Standing) Done() bool {
	return s.Counts[Held]+s.Counts[Begun]+s.Counts[Missing]+s.Analyses.Ready == 0
}

// CellState is where a cell stands.
type CellState struct {
	bench.Cell
	Run    string `json:"run"`
	State  State  `json:"state"`
	Reason string `json:"reason,omitempty"`
	// Seconds is the wall time of a finished run and Bytes the size of its artifacts, Step the last checkpoint
	// of one begun, or what whoever holds it, in a bucket held it, has reached.
	Seconds  float64   `json:"seconds,omitempty"`
	Bytes    int64     `json:"bytes,omitempty"`
	Finished time.Time `json:"finished,omitzero"`
	Step     int       `json:"step,omitempty"`
	// Owner is who holds a run, Since when he took it by his clock. He is Silent who has not renewed his lease for its
	// term: most likely he died, and another will take over.
	Owner  string    `json:"owner,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Silent bool      `json:"silent,omitempty"`
	unread bool      // its lease was not read
}

// State says what there is of a run.
type State string

// The states; the first two are those of finished runs. A damaged one cannot be judged, nor run again before it is
// repaired. A held one has an owner who is at work on it, or was until a moment ago.
const (
	Complete   State = "complete"
	Failed     State = "failed"
	DamagedRun State = "damaged"
	Held       State = "held"
	Begun      State = "begun"
	Missing    State = "missing"
)

func (c CellState) unfinished() bool {
	return c.State == Held || c.State == Begun || c.State == Missing
}

// hold notes what a lease says.
func (c *CellState) hold(h registry.Hold) {
	c.Step = max(c.Step, h.Step)
	if h.Live {
		c.State, c.Owner, c.Since = Held, store.Printable(h.Owner), h.Since
	} else if h.Owner != "" {
		c.State = Begun
	}
}

// Status says where the cells stand, and what is left.
func (s *Study) Status(ctx context.Context) (*Standing, error) {
	cells, analyses, err := s.states(ctx, s.cells)
	if err != nil {
		return nil, err
	}
	at := &Standing{At: time.Now().UTC(), Cells: cells, Unread: len(pick(cells, func(c CellState) bool { return c.unread }))}
	each, basis := meanOf(cells)
	s.sumUp(at, cells, each, basis, 1, analyses)
	return at, nil
}

// sumUp counts cells, and reckons what is left of them and the analyses. A trained one takes each; workers stands for
// those whose leases are not known.
func (s *Study) sumUp(at *Standing, cells []CellState, each bench.Cost, basis string, share float64, analyses Analyses) {
	at.Planned, at.Counts, at.Analyses, at.Basis = len(cells), map[State]int{}, analyses, basis
	hour, first, finished := at.At.Add(-time.Hour), at.At, 0
	working := 0
	for _, c := range cells {
		at.Counts[c.State]++
		if c.State == Held && !c.Silent {
			working++
		}
		if c.Finished.After(hour) {
			finished++
			if began := c.Finished.Add(-time.Duration(c.Seconds * float64(time.Second))); began.Before(first) {
				first = began
			}
		}
	}
	if first.Before(hour) {
		first = hour
	}
	at.PerHour = float64(finished) / max(at.At.Sub(first), time.Minute).Hours()
	p := &pricing{Workers: s.opts.Workers, steps: s.tier.Train.Scale().Steps, each: each, hour: s.opts.Price}
	p.Parallel = max(1, int(float64(working)*share))
	if at.Basis == "" {
		return
	}
	for _, c := range cells {
		p.add(&at.Left, c, 1)
	}
	at.Analyses.price(p)
	p.work(&at.Left, at.Analyses.Seconds)
}

// What is read of single cells in a bucket, a request each: with what Overview takes it is below 50 requests.
const (
	mostReasons = 8  // why runs failed
	mostLeases  = 30 // of runs that were begun
)

// states says where cells stand, and what there is of the analyses that claims observe. It looks at all runs once more, since
// it is these that matter to it alone.
func (s *Study) states(ctx context.Context, cells []bench.Cell) (all []CellState, analyses Analyses, err error) {
	asked, wanted := map[string]bool{}, s.wanted()
	for _, cell := range cells {
		asked[cell.Spec.ID()] = true
	}
	o, err := s.reg.Overview(ctx, func(x *registry.Summary) bool { return asked[x.Run] || wanted.is(x) })
	if err != nil {
		return nil, analyses, err
	}
	finished := map[string]*registry.Summary{}
	for _, x := range o.Finished {
		finished[x.Run] = x
	}
	all = make([]CellState, len(cells))
	var begun []*CellState
	reasons := 0
	for i, cell := range cells {
		c := &all[i]
		*c = CellState{Cell: cell, Run: cell.Spec.ID(), State: Missing}
		if !s.reg.Local() {
			known := finished[c.Run]
			switch {
			case known == nil:
				if o.Others[c.Run] {
					begun = append(begun, c)
				}
				continue
			case known.Err == nil:
				if c.finish(known); c.State == Complete || reasons == mostReasons {
					continue
				}
				reasons++
			}
		}
		m, _, err := o.Run(ctx, c.Run)
		switch {
		case errors.Is(err, registry.ErrCorrupt):
			c.State, c.Reason = DamagedRun, store.Printable(err.Error())
			_ = s.damage.note(fmt.Errorf("run %s (%s): %w", c.Run, cell.Name(), err))
		case err == nil:
			c.State, c.Reason = State(m.Status), store.Printable(m.Reason)
			c.Seconds, c.Finished = m.Provenance.WallSeconds, m.Provenance.Finished
			for _, artifact := range m.Artifacts {
				c.Bytes += artifact.Size
			}
		case !errors.Is(err, registry.ErrNotExist):
			return nil, analyses, err
		default:
			if err := s.unfinished(ctx, c); err != nil {
				return nil, analyses, err
			}
		}
	}
	if err := s.holders(ctx, begun); err != nil {
		return nil, analyses, err
	}
	return all, countAnalyses(wanted, all, o.Finished), nil
}

// holders finds out who holds cells in a bucket that were begun, as far as that may take requests.
func (s *Study) holders(ctx context.Context, begun []*CellState) error {
	for _, c := range begun[min(len(begun), mostLeases):] {
		c.State, c.unread = Begun, true
	}
	begun = begun[:min(len(begun), mostLeases)]
	runs := make([]string, len(begun))
	for i, c := range begun {
		runs[i] = c.Run
	}
	holds, err := s.reg.Holds(ctx, runs)
	if err != nil {
		return err
	}
	for _, c := range begun {
		if holds[c.Run].Owner != "" {
			c.hold(holds[c.Run])
			continue
		}
		for _, err := range s.reg.Events(ctx, c.Run) { // which were copied here, or else it was forgotten
			if err != nil && !errors.Is(err, registry.ErrCorrupt) {
				return err
			}
			c.State = Begun
			break
		}
	}
	return nil
}

// finish notes what the index says of a finished run.
func (c *CellState) finish(known *registry.Summary) {
	c.State, c.Seconds, c.Bytes, c.Finished = State(known.Status), known.WallSeconds, known.Bytes, known.Finished
}

// unfinished looks how far a run is, and whether it is held.
func (s *Study) unfinished(ctx context.Context, c *CellState) error {
	for event, err := range s.reg.Events(ctx, c.Run) {
		if errors.Is(err, registry.ErrCorrupt) { // a resumption passes it over, too
			continue
		} else if err != nil {
			return err
		}
		c.State = Begun
		var at struct{ Step int }
		if json.Unmarshal(event.Data, &at) == nil {
			c.Step = max(c.Step, at.Step)
		}
	}
	checkpoint := c.Step
	h, err := s.reg.Hold(ctx, c.Run)
	if err != nil {
		return err
	}
	if c.hold(h); c.State != Held { // what was not saved is lost
		c.Step = checkpoint
	}
	return nil
}
