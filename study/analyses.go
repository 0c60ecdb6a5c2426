package study

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/registry"
)

// Analyses are how many of those that the claims observe are there, and what the rest takes.
type Analyses struct {
	Needed int `json:"needed"`
	Done   int `json:"done"`
	Ready  int `json:"ready"`          // of the rest: their cells are complete
	Lost   int `json:"lost,omitempty"` // of the rest: their cells failed, or are damaged
	// SecondsEach is the mean of those that are done, or else as of a probe, and Seconds what the rest takes of a device; 0
	// where nothing says it yet.
	SecondsEach float64       `json:"secondsEach,omitempty"`
	Seconds     float64       `json:"seconds,omitempty"`
	Arms        []ArmAnalyses `json:"arms,omitempty"`
}

// ArmAnalyses are those of an arm at a temperature.
type ArmAnalyses struct {
	Arm         string  `json:"arm"`
	Temperature float64 `json:"temperature"`
	Needed      int     `json:"needed"`
	Done        int     `json:"done"`
	Ready       int     `json:"ready"`
}

// String reads like "60 of 96 are done, 12 can be done now".
func (a Analyses) String() string {
	text := fmt.Sprintf("%d of %d are done", a.Done, a.Needed)
	if a.Ready > 0 {
		text += fmt.Sprintf(", %d can be done now", a.Ready)
	}
	return text
}

// price reckons what the rest takes.
func (a *Analyses) price(p *pricing) {
	if a.SecondsEach == 0 {
		a.SecondsEach = p.floor()
	}
	a.Seconds = float64(a.Needed-a.Done-a.Lost) * a.SecondsEach
}

// analysed names what an analysis is of: a run after a step.
type analysed struct {
	run  string
	step int
}

// wanted are the analyses that claims observe.
type wanted struct {
	all    []wantedAnalysis
	asked  map[analysed]bool       // what they are of
	counts func(bench.Stored) bool // whether an analysis with such a key is one of this study's
}

type wantedAnalysis struct {
	analysed
	arm         string
	temperature float64
}

// wanted lists the analyses that the claims observe, whether their cells are there or not. Without the data's class tree
// there are none.
func (s *Study) wanted() wanted {
	w := wanted{asked: map[analysed]bool{}}
	if s.source.Tree == nil {
		return w
	}
	for _, cell := range s.observed(s.cells) {
		var steps []int
		switch cell.Spec.Training.Features {
		case bench.Untrained:
			steps = []int{0}
		case bench.Trained:
			steps = cell.Spec.Training.Checkpoints
		}
		for _, step := range steps {
			if !s.unasked(bench.Analysis{Cell: cell, Step: step}) {
				x := analysed{cell.Spec.ID(), step}
				w.all = append(w.all, wantedAnalysis{x, cell.Arm, cell.Temperature})
				w.asked[x] = true
			}
		}
	}
	tree := taxonomy.Digest(s.source.Tree())
	w.counts = func(key bench.Stored) bool {
		return key.IsAnalysis() && key.Scheme == bench.KeyScheme && key.Tree == tree && key.Protocol == s.tier.Analysis.ID() && key.Backend == s.env.Backend
	}
	return w
}

// which says which of them a finished run is.
func (w wanted) which(s *registry.Summary) (x analysed, ok bool) {
	if s.Err != nil || s.Status != registry.Complete {
		return x, false
	}
	run, _ := s.Member("run")
	step, _ := s.Member("step")
	x.run = strings.Trim(run, `"`)
	x.step, _ = strconv.Atoi(step) // a step of 0 is not in the key
	if !w.asked[x] {
		return x, false
	}
	key, err := bench.ReadKey(s.Key())
	return x, err == nil && w.counts(key)
}

// is says whether a finished run is one of them.
func (w wanted) is(s *registry.Summary) bool {
	_, ok := w.which(s)
	return ok
}

// countAnalyses says which are done, by what is finished, and which can be, by the states of cells.
func countAnalyses(w wanted, cells []CellState, finished []*registry.Summary) (a Analyses) {
	states := map[string]State{}
	for _, c := range cells {
		states[c.Run] = c.State
	}
	done, seconds := map[analysed]bool{}, 0.0
	for _, s := range finished {
		if x, ok := w.which(s); ok && !done[x] {
			done[x] = true
			seconds += s.WallSeconds
		}
	}
	for _, x := range w.all {
		at := slices.IndexFunc(a.Arms, func(arm ArmAnalyses) bool { return arm.Arm == x.arm && arm.Temperature == x.temperature })
		if at < 0 {
			at = len(a.Arms)
			a.Arms = append(a.Arms, ArmAnalyses{Arm: x.arm, Temperature: x.temperature})
		}
		arm := &a.Arms[at]
		arm.Needed++
		switch state := states[x.run]; {
		case done[x.analysed]:
			arm.Done++
		case state == Complete:
			arm.Ready++
		case state == Failed, state == DamagedRun:
			a.Lost++
		}
	}
	for _, arm := range a.Arms {
		a.Needed, a.Done, a.Ready = a.Needed+arm.Needed, a.Done+arm.Done, a.Ready+arm.Ready
	}
	if a.Done > 0 {
		a.SecondsEach = seconds / float64(a.Done)
	}
	return a
}
