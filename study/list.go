package study

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

// Listed is a finished run in the words of a catalogue.
type Listed struct {
	Run    string          `json:"run"`
	Status registry.Status `json:"status"` // or "damaged"
	// Kind is training, floor, analysis, plan or night; "other" if the catalogue asks for no such run.
	Kind         string          `json:"kind"`
	Tier         string          `json:"tier,omitempty"`
	Night        string          `json:"night,omitempty"` // the name of one
	Arm          string          `json:"arm,omitempty"`
	Temperature  float64         `json:"temperature,omitempty"`
	Seed         uint64          `json:"seed"`
	Step         int             `json:"step,omitempty"` // of the checkpoint that was analysed
	Backend      string          `json:"backend,omitempty"`
	Started      time.Time       `json:"started,omitzero"`
	Finished     time.Time       `json:"finished,omitzero"`
	Seconds      float64         `json:"seconds,omitempty"`
	Commit       string          `json:"commit,omitempty"`
	ResultDigest registry.Digest `json:"resultDigest,omitempty"`
	Manifest     registry.Digest `json:"manifest,omitempty"`
	Error        string          `json:"error,omitempty"`
}

// Filter says which runs to list; what is empty excludes none.
type Filter struct {
	Prefixes  []string // of ids
	Tier, Arm string
	Status    string
}

func (f Filter) takes(x Listed) bool {
	named := len(f.Prefixes) == 0
	for _, prefix := range f.Prefixes {
		named = named || strings.HasPrefix(x.Run, prefix)
	}
	return named && (f.Tier == "" || x.Tier == f.Tier) && (f.Arm == "" || x.Arm == f.Arm) && (f.Status == "" || string(x.Status) == f.Status)
}

// damagedStatus is that of a run whose manifest cannot be read.
const damagedStatus = "damaged"

// List lists the finished runs of an overview that a filter takes, in the order of their ids. Damaged ones have an Error.
// A floor that several tiers have is listed under the first of them.
func List(catalogue *bench.Catalogue, o *registry.Overview, filter Filter) ([]Listed, error) {
	n := namer{catalogue: catalogue, cells: map[bench.Environment]map[string]Listed{}, families: map[*registry.Family]*named{}}
	all := make([]Listed, 0, len(o.Finished))
	for _, s := range o.Finished {
		x := Listed{Run: s.Run, Kind: "other"}
		if s.Err != nil {
			x.Status, x.Error = damagedStatus, s.Err.Error()
		} else {
			if err := n.name(&x, s); err != nil {
				return nil, fmt.Errorf("%w: run %s: %w", registry.ErrCorrupt, s.Run, err)
			}
			x.Status, x.Started, x.Finished, x.Seconds, x.Commit = s.Status, s.Started, s.Finished, s.WallSeconds, s.Commit
			x.ResultDigest, x.Manifest = s.ResultDigest, s.Manifest
		}
		all = append(all, x)
	}
	for i := range all {
		x := &all[i]
		at, there := slices.BinarySearchFunc(all, n.analysed[x.Run], func(x Listed, run string) int { return strings.Compare(x.Run, run) })
		if there && all[at].Error == "" { // an analysis is named after its training
			x.Tier, x.Arm, x.Temperature, x.Seed = all[at].Tier, all[at].Arm, all[at].Temperature, all[at].Seed
		}
	}
	return slices.DeleteFunc(all, func(x Listed) bool { return !filter.takes(x) }), nil
}

// Resolve finds the finished run whose id begins with some digits; a whole id is returned as it is. Errors: UsageError if
// these are no digits of an id, or begin several, which are then listed; NothingError if they begin none.
func Resolve(ctx context.Context, catalogue *bench.Catalogue, reg *registry.Registry, prefix string) (string, error) {
	if err := checkPrefix(prefix); err != nil || len(prefix) == runDigits {
		return prefix, err
	}
	o, err := reg.Overview(ctx, nil)
	if err != nil {
		return "", err
	}
	runs, err := List(catalogue, o, Filter{Prefixes: []string{prefix}})
	switch {
	case err != nil:
		return "", err
	case len(runs) == 0:
		return "", NothingError(fmt.Sprintf("no finished run has an id that begins with %s: `registry ls` lists them", prefix))
	case len(runs) == 1:
		return runs[0].Run, nil
	}
	const most = 10
	text := fmt.Sprintf("%s begins the ids of %d runs: give more digits", prefix, len(runs))
	for _, x := range runs[:min(len(runs), most)] {
		text += "\n  " + x.Run + "  " + store.Printable(x.Name())
	}
	if len(runs) > most {
		text += fmt.Sprintf("\n  and %d more", len(runs)-most)
	}
	return "", UsageError{errors.New(text)}
}

const (
	runDigits = 32 // of a whole id
	minPrefix = 4  // how many of them name a run
)

func checkPrefix(prefix string) error {
	if len(prefix) < minPrefix || len(prefix) > runDigits || strings.Trim(prefix, "0123456789abcdef") != "" {
		return UsageError{fmt.Errorf("%q is no id of a run: give %d to %d of its hexadecimal digits", prefix, minPrefix, runDigits)}
	}
	return nil
}

// Name says in words what the run is of.
func (x Listed) Name() string {
	what := x.Kind
	if x.Arm != "" {
		what = fmt.Sprintf("%s %s T %g seed %d", x.Tier, x.Arm, x.Temperature, x.Seed)
	} else if x.Tier != "" {
		what = fmt.Sprintf("%s of %s", strings.TrimSpace(x.Kind+" "+x.Night), x.Tier)
	}
	if x.Kind == "analysis" {
		what = fmt.Sprintf("analysis of %s, step %d", what, x.Step)
	}
	return what
}

// namer knows runs by their keys, whatever their seeds.
type namer struct {
	catalogue *bench.Catalogue
	cells     map[bench.Environment]map[string]Listed // by key without seed
	families  map[*registry.Family]*named
	analysed  map[string]string // trainings, by analysis
}

type named struct {
	Listed
	analysis bool
}

// name says what a run is.
func (n *namer) name(x *Listed, s *registry.Summary) error {
	family := n.families[s.Family]
	if family == nil {
		stored, err := bench.ReadKey(s.Key())
		if err != nil {
			return err
		}
		family = &named{Listed: Listed{Kind: "other", Backend: stored.Backend}, analysis: stored.IsAnalysis()}
		switch {
		case stored.IsPlan():
			family.Kind, family.Tier = "plan", stored.Tier
		case stored.IsNight():
			family.Kind, family.Tier, family.Night = "night", stored.Tier, stored.Night
		case stored.IsAnalysis():
			family.Kind = "analysis"
		default:
			if family.Listed, err = n.cell(s.Key(), stored); err != nil {
				return err
			}
		}
		n.families[s.Family] = family
	}
	run := x.Run
	*x = family.Listed
	x.Run = run
	member := func(name string) string {
		text, _ := s.Member(name)
		return strings.Trim(text, `"`)
	}
	if family.analysis {
		if n.analysed == nil {
			n.analysed = map[string]string{}
		}
		n.analysed[x.Run] = member("run")
		x.Step, _ = strconv.Atoi(member("step"))
	}
	x.Seed, _ = strconv.ParseUint(member("seed"), 10, 64) // a seed of zero is not in the key
	return nil
}

// cell finds the cell of the catalogue that has a key.
func (n *namer) cell(key json.RawMessage, stored bench.Stored) (Listed, error) {
	env := bench.Environment{Backend: stored.Backend, Method: stored.Training.Method.Version}
	cells := n.cells[env]
	if cells == nil {
		cells = map[string]Listed{}
		n.cells[env] = cells
		for _, t := range n.catalogue.Tiers {
			one := bench.Explored(1)
			all := n.catalogue.Matrix(t, n.catalogue.Claims, one, env)
			for _, sweep := range n.catalogue.Sweeps {
				all = append(all, n.catalogue.SweepMatrix(t, sweep, one, env)...)
			}
			for _, cell := range all {
				text, err := seedless(cell.Spec.Key())
				if err != nil {
					return Listed{}, err
				}
				kind := "training"
				if cell.Spec.Training.Features != bench.Trained {
					kind = "floor"
				}
				if _, there := cells[text]; !there {
					cells[text] = Listed{Kind: kind, Tier: t.ID, Arm: cell.Arm, Temperature: cell.Temperature, Backend: env.Backend}
				}
			}
		}
	}
	text, err := seedless(key)
	if x, ok := cells[text]; ok && err == nil {
		return x, nil
	}
	return Listed{Kind: "other", Backend: stored.Backend}, err
}

// seedless is a key without its seed.
func seedless(key json.RawMessage) (string, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(key, &members); err != nil {
		return "", err
	}
	delete(members, "seed")
	text, err := json.Marshal(members)
	return string(text), err
}
