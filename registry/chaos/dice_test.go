package chaos

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// dice decide what goes wrong where. A throw depends on the seed, the place and how often it was come to, and thus not
// on which of several goroutines comes first.
type dice struct {
	seed uint64
	rate float64 // of the throws that are faults
	mu   sync.Mutex
	seen map[string]int
}

func newDice(seed uint64, rate float64) *dice {
	return &dice{seed: seed, rate: rate, seen: make(map[string]int)}
}

// throw names one of the kinds of faults, or none as "". The random numbers are for the particulars.
func (d *dice) throw(place string, kinds []string) (kind string, random *rand.Rand) {
	d.mu.Lock()
	d.seen[place]++
	random = randomFor(d.seed, fmt.Sprint(place, " ", d.seen[place]))
	d.mu.Unlock()
	if random.Float64() >= d.rate {
		return "", random
	}
	return kinds[random.IntN(len(kinds))], random
}

// randomFor is a stream of its own for each place.
func randomFor(seed uint64, place string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(place))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// A tally counts what happened.
type tally struct {
	faults, runs, rounds int
	kinds                map[string]int
	errors               int // that processes were told of
}

func newTally() *tally { return &tally{kinds: make(map[string]int)} }

func (t *tally) fault(kind string) {
	t.faults++
	t.kinds[kind]++
}

func (t *tally) add(other *tally) {
	t.faults += other.faults
	t.runs += other.runs
	t.errors += other.errors
	t.rounds++
	for kind, n := range other.kinds {
		t.kinds[kind] += n
	}
}

func (t *tally) String() string {
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		kinds = append(kinds, fmt.Sprint(t.kinds[kind], " ", kind))
	}
	return fmt.Sprintf("%d faults in %d rounds, %d runs, %d errors met: %s", t.faults, t.rounds, t.runs, t.errors, strings.Join(kinds, ", "))
}

// upTo is a random time below most.
func upTo(random *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(most)))
}
