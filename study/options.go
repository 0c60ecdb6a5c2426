package study

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/cidbench/cidbench/bench"
)

// Options say which experiments, on which registry, and how.
type Options struct {
	Store  string // as registry.Open takes it
	Base   string // if given, a registry below Store that is only read
	Access Access
	Selection
	Workers
	DataDir string // of imported data sets
	// StepTime states what a step takes, for who plans for another machine; 0: it is measured. Price is that of an hour of
	// a device, in any currency.
	StepTime time.Duration
	Price    float64
	// Budget is the time after which Judge trains no more for further looks; 0 means no limit.
	Budget time.Duration
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
	Claims  []string    // ids or patterns, see bench.Catalogue.Select; none means all
	Sweep   string      // if given, the cells are those of this sweep, and none of claims
	Arms    []string    // to analyse; none means those that the claims observe
	Seeds   int         // to explore, from 0; 0 means the usual number of the tier, or of the sweep
	Explore bool        // take all claims for exploratory, those of the tier's plan too
	Night   bench.Night // if given, all claims are exploratory, on the seeds of that night
	Look    int         // that Run trains up to, from 1; 0 means the last of the plan
	Backend string      // as backend.Choose takes it
}

// Workers say how cells are computed.
type Workers struct {
	Parallel int           // cells at a time; 0 means one for each processor, or for each GPU
	Devices  []int         // GPUs to use, by number; none means all
	Threads  int           // of each cell; 0 means 1
	Lease    time.Duration // how long a cell is left to a process that gives no sign of life; 0 means the usual
	// Share is the part of the cells that this process begins with, among workers on one registry, and NoWait has it end
	// without waiting for what others hold.
	Share  bench.Share
	NoWait bool
	// SaveEvery is the time after which a training leaves a checkpoint to resume from, besides those that it keeps; 0
	// means an hour.
	SaveEvery time.Duration
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
	seeds  int          // to explore
	plan   *bench.Plan  // of the tier; nil if it has none, or is explored
}

// maxWorkers is more than anyone has; a slip of the keyboard may ask for more.
const maxWorkers = 1024

// CheckWorkers refuses what a flag gives as a number of threads or of workers, of which 0 means the usual. Errors:
// UsageError.
func CheckWorkers(flag string, n int) error {
	if n < 0 || n > maxWorkers {
		return UsageError{fmt.Errorf("%s %d: it must lie between 1 and %d", flag, n, maxWorkers)}
	}
	return nil
}

// complete checks the options and fills in what they leave open. It reads nothing but the catalogue.
func (o *Options) complete(catalogue *bench.Catalogue) (choice, error) {
	c := choice{tier: catalogue.Tier(o.Tier)}
	if c.tier == nil {
		return c, bench.Unknown("tier", o.Tier, TierIDs(catalogue))
	}
	var err error
	if c.claims, err = catalogue.Select(o.Tier, o.Claims); err != nil {
		return c, err
	}
	for _, id := range o.Arms {
		if arm := catalogue.Arm(id); arm == nil {
			return c, fmt.Errorf("--arm: %w", bench.Unknown("arm", id, ArmIDs(catalogue)))
		} else if arm.Features == bench.Pixels {
			return c, fmt.Errorf("--arm %s has no encoder to analyse", id)
		}
	}
	if err := cmp.Or(CheckWorkers("--parallel", o.Parallel), CheckWorkers("--threads", o.Threads)); err != nil {
		return c, err
	}
	switch {
	case o.Lease != 0 && (o.Lease < time.Second || o.Lease > time.Hour):
		return c, errors.New("--lease must lie between 1s and 1h")
	case o.SaveEvery < 0:
		return c, errors.New("--checkpoint-every cannot be negative")
	case o.Budget < 0:
		return c, errors.New("--budget cannot be negative")
	case o.StepTime < 0:
		return c, errors.New("--step-time cannot be negative")
	case !(o.Price >= 0) || math.IsInf(o.Price, 1):
		return c, errors.New("--price must be a number of 0 or more")
	}
	usual := c.tier.Seeds
	if o.Sweep != "" {
		if c.sweep = catalogue.Sweep(o.Sweep); c.sweep == nil {
			return c, bench.Unknown("sweep", o.Sweep, SweepIDs(catalogue))
		}
		c.claims, usual = nil, c.sweep.Seeds
	} else if !o.Explore && o.Night == (bench.Night{}) {
		c.plan = catalogue.Plan(o.Tier)
	}
	if o.Night.Control && o.Night.Name == "" {
		return c, errors.New("--control is a second run of a night: name it with --night")
	}
	if o.Night != (bench.Night{}) {
		if c.sweep != nil {
			return c, errors.New("--night repeats claims, and no sweep: leave out --sweep")
		}
		c.claims = slices.DeleteFunc(c.claims, func(claim *bench.Claim) bool { return len(claim.Trends) > 0 })
		if len(c.claims) == 0 {
			return c, errors.New("--night: these claims rest on sweeps, which no night repeats")
		}
	}
	if o.Seeds > bench.MaxSeeds {
		return c, fmt.Errorf("--seeds %d: at most %d can be explored", o.Seeds, bench.MaxSeeds)
	}
	c.seeds = cmp.Or(o.Seeds, usual)
	if p := catalogue.Plan(o.Tier); p != nil && uint64(c.seeds) > p.FirstSeed {
		return c, fmt.Errorf("--seeds %d: the seeds from %d on are the plan's, and no exploration may use them", c.seeds, p.FirstSeed)
	}
	looks := 0
	if c.plan != nil {
		looks = len(c.plan.Looks)
	}
	if o.Look < 0 || o.Look > looks {
		return c, fmt.Errorf("--look %d: there are %d here", o.Look, looks)
	}
	o.Look = cmp.Or(o.Look, looks)
	o.Threads = cmp.Or(o.Threads, 1)
	if o.Observer == nil {
		o.Observer = silent{}
	}
	return c, nil
}

// planned are the selected claims that the plan names, with its primaries if one of them is secondary: a secondary
// claim counts only once all primaries are decided.
func (c choice) planned(catalogue *bench.Catalogue) []*bench.Claim {
	planned := pick(c.claims, func(claim *bench.Claim) bool { return c.plan.Role(claim.ID) != bench.Exploratory })
	if slices.ContainsFunc(planned, func(claim *bench.Claim) bool { return c.plan.Role(claim.ID) == bench.Secondary }) {
		for _, id := range c.plan.Primary {
			if claim := catalogue.Claim(id); !slices.Contains(planned, claim) {
				planned = append(planned, claim)
			}
		}
	}
	return planned
}

// explored are the selected claims that no plan names.
func (c choice) explored() []*bench.Claim {
	return pick(c.claims, func(claim *bench.Claim) bool { return c.plan.Role(claim.ID) == bench.Exploratory })
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
