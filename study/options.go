package study

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/stats"
)

// Options say which experiments, on which registry, and how.
type Options struct {
	Store  string // as registry.Open takes it
	Base   string // if given, a registry below Store that is only read
	Access Access
	Selection
	Workers
	// Looks, if given, take the place of Seeds.
	Looks *Looks
	// Runs names those to read where a registry holds several versions of the method or several backends: "v1", a
	// backend, or both with a comma between. Empty: this program's own, or else the only ones there are.
	Runs string
	// Program is the name of the program in the commands that reports and messages print.
	Program string
	// Command is what the user asked for, for manifests: they are published, so no places in it.
	Command  []string
	Observer Observer // nil: nobody is told
}

// Access says what a registry is opened for.
type Access int

const (
	Read        Access = iota // it must be there
	ReadOrEmpty               // an absent one is taken as empty, and nothing is written
	Write                     // an absent one is made, and it must be writable
)

// Selection picks cells of a catalogue.
type Selection struct {
	Tier    string
	Claims  []string // ids or patterns, see bench.Catalogue.Select; none means all
	Sweep   string   // if given, the cells are those of this sweep, and none of claims
	Arms    []string // to analyse; none means those that the claims observe
	Seeds   int      // 0 means the usual number of the tier, or of the sweep
	Backend string   // as bench.ChooseBackend takes it
}

// Workers say how cells are computed.
type Workers struct {
	Parallel int           // cells at a time; 0 means one for each processor
	Threads  int           // of each cell; 0 means 1
	Lease    time.Duration // how long a cell is left to a process that gives no sign of life; 0 means the usual
}

// Looks add seeds until the claims are decided.
type Looks struct {
	Max    int           // seeds of the last look
	Budget time.Duration // after which no more is trained; 0 means no limit
}

// An Observer is told what a study does.
type Observer interface {
	// Say is told what may surprise, a sentence at a time.
	Say(sentence string)
	// Begin is told of work to come: what it is ("cells", "analyses"), and how much, in training steps by run id.
	Begin(what string, weights map[string]int) Progress
}

// Progress is told how work goes: of events from several goroutines, and once of the end.
type Progress interface {
	Observe(bench.Event)
	End()
}

// silent is the Observer of those who want none.
type silent struct{}

func (silent) Say(string)                            {}
func (silent) Begin(string, map[string]int) Progress { return silent{} }
func (silent) Observe(bench.Event)                   {}
func (silent) End()                                  {}

// choice is what a Selection means in a catalogue.
type choice struct {
	tier   *bench.Tier
	claims []*bench.Claim
	sweep  *bench.Sweep // nil: the cells are those of the claims
	seeds  int
	looks  []int // the planned numbers of seeds; nil without Looks
}

// complete checks the options and fills in what they leave open. It reads nothing but the catalogue.
func (o *Options) complete(catalogue *bench.Catalogue) (choice, error) {
	c := choice{tier: catalogue.Tier(o.Tier)}
	if c.tier == nil {
		return c, fmt.Errorf("unknown tier %q: choose one of %s", o.Tier, strings.Join(TierIDs(catalogue), ", "))
	}
	var err error
	if c.claims, err = catalogue.Select(o.Tier, o.Claims); err != nil {
		return c, err
	}
	for _, id := range o.Arms {
		if arm := catalogue.Arm(id); arm == nil || arm.Features == bench.Pixels {
			return c, fmt.Errorf("--arm %q is not an arm with an encoder; see %s list", id, o.Program)
		}
	}
	if o.Parallel < 0 || o.Threads < 0 {
		return c, errors.New("--parallel and --threads cannot be negative")
	}
	if o.Lease != 0 && (o.Lease < time.Second || o.Lease > time.Hour) {
		return c, errors.New("--lease must lie between 1s and 1h")
	}
	usual := c.tier.Seeds
	if o.Sweep != "" {
		if c.sweep = catalogue.Sweep(o.Sweep); c.sweep == nil {
			return c, fmt.Errorf("unknown sweep %q: choose one of %s", o.Sweep, strings.Join(SweepIDs(catalogue), ", "))
		}
		c.claims, usual = nil, c.sweep.Seeds
	}
	c.seeds = cmp.Or(o.Seeds, usual)
	if o.Looks != nil {
		if c.looks, err = o.Looks.plan(c.claims); err != nil {
			return c, err
		}
		c.seeds = c.looks[0]
	}
	o.Parallel = cmp.Or(o.Parallel, runtime.GOMAXPROCS(0))
	o.Threads = cmp.Or(o.Threads, 1)
	if o.Observer == nil {
		o.Observer = silent{}
	}
	return c, nil
}

// plan fixes the looks before anything is known: they are a function of the options.
func (l *Looks) plan(claims []*bench.Claim) ([]int, error) {
	first := 0
	for _, claim := range claims {
		first = max(first, claim.MinSeeds)
	}
	switch {
	case l.Max < first:
		return nil, fmt.Errorf("--max-seeds %d is less than the %d seeds that a verdict needs", l.Max, first)
	case l.Max > stats.MaxSeeds:
		return nil, fmt.Errorf("--max-seeds %d is more than anyone trains; the most is %d", l.Max, stats.MaxSeeds)
	case l.Budget < 0:
		return nil, errors.New("--budget cannot be negative")
	}
	return stats.PlanLooks(first, l.Max), nil
}

// TierIDs lists the tiers, for those who have to choose.
func TierIDs(c *bench.Catalogue) []string {
	return ids(c.Tiers, func(t *bench.Tier) string { return t.ID })
}

// ClaimIDs lists the claims.
func ClaimIDs(c *bench.Catalogue) []string {
	return ids(c.Claims, func(c *bench.Claim) string { return c.ID })
}

// ArmIDs lists the arms, without those of sweeps.
func ArmIDs(c *bench.Catalogue) []string {
	return ids(c.Arms, func(a *bench.Arm) string { return a.ID })
}

// SweepIDs lists the sweeps.
func SweepIDs(c *bench.Catalogue) []string {
	return ids(c.Sweeps, func(s *bench.Sweep) string { return s.ID })
}

func ids[T any](all []T, id func(T) string) []string {
	var list []string
	for _, x := range all {
		list = append(list, id(x))
	}
	return list
}
