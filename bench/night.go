package bench

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/cidbench/cidbench/registry"
)

// Night is a tier run once more, on seeds that follow from the night's name and are no other night's: were they the same
// each night, a run would be found finished, and a computer that rounds otherwise would look like an effect that stays.
// The zero Night is none, and its seeds are those that are explored.
type Night struct {
	// Name begins with a date, by which nights are ordered.
	Name string `json:"name"`
	// Control marks a second run of a night, on seeds of its own, with something left as it was before.
	Control bool `json:"control,omitempty"`
}

var nightName = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}([T.-][0-9A-Za-z]+)*$`)

// ParseNight checks the name of a night.
func ParseNight(name string) (Night, error) {
	if nightName.MatchString(name) {
		if _, err := time.Parse(time.DateOnly, name[:len(time.DateOnly)]); err == nil {
			return Night{Name: name}, nil
		}
	}
	return Night{}, fmt.Errorf("%q is no name of a night: give a date, such as 2026-11-30, or with what tells it from others of that day, 2026-11-30.2", name)
}

// String reads like "2026-11-30" or "2026-11-30, control".
func (n Night) String() string {
	if n.Control {
		return n.Name + ", control"
	}
	return n.Name
}

// Flags name the night on a command line, each with a space before it.
func (n Night) Flags() string {
	switch {
	case n == (Night{}):
		return ""
	case n.Control:
		return " --night " + n.Name + " --control"
	}
	return " --night " + n.Name
}

// The seeds of nights begin where no exploration and no plan comes, in blocks that are larger than what anyone trains; the
// last of them is still a number in anybody's JSON.
const (
	FirstNightSeed = 1 << 20
	nightBlock     = 10 // bits
	nightBlocks    = 42 // bits
)

// Seeds are n seeds of the night, at most 1024.
func (n Night) Seeds(count int) Seeds {
	if n == (Night{}) {
		return Explored(count)
	}
	hash := sha256.Sum256([]byte("night " + n.String()))
	block := binary.BigEndian.Uint64(hash[:]) >> (64 - nightBlocks)
	return Seeds{FirstNightSeed + block<<nightBlock, count}
}

// NightSpec is a night as a registry keeps it, in the manner of a run, once all of its runs are finished.
type NightSpec struct {
	Scheme  int      `json:"scheme"` // KeyScheme
	Kind    string   `json:"kind"`   // "night"
	Tier    string   `json:"tier"`
	Night   string   `json:"night"`
	Control bool     `json:"control"`
	Runs    []string `json:"runs"` // and analyses
}

const nightKind = "night"

// IsNight says whether the key is that of a night.
func (s Stored) IsNight() bool { return s.Kind == nightKind }

// NightSpec makes the record of a night of the tier.
func (t *Tier) NightSpec(n Night, runs []string) NightSpec {
	return NightSpec{Scheme: KeyScheme, Kind: nightKind, Tier: t.ID, Night: n.Name, Control: n.Control, Runs: runs}
}

// Key and ID are as those of Spec.
func (s NightSpec) Key() json.RawMessage { return key(s) }

// ID is the night's name in the registry.
func (s NightSpec) ID() string { return runID(key(s)) }

// KeepNight keeps a night with what was found, a JSON object. Kept again, the first time stands. The runner needs Registry,
// Backend and Command.
func (r *Runner) KeepNight(ctx context.Context, s NightSpec, found any) error {
	if _, _, err := r.Registry.Run(ctx, s.ID()); !errors.Is(err, registry.ErrNotExist) {
		return err
	}
	return r.record(ctx, s.Key(), found)
}
