package study

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

// damage is what was found damaged of that which was asked for, each once.
type damage struct {
	observer Observer
	mu       sync.Mutex
	found    []string
}

// note takes damage of single runs as news: what does not need them goes on. Every other error is returned.
func (d *damage) note(err error) error {
	if !errors.Is(err, registry.ErrCorrupt) && !errors.Is(err, registry.ErrConflict) || errors.Is(err, registry.ErrUnavailable) {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for text := range strings.SplitSeq(err.Error(), "\n") { // joined errors have a line each
		if text = store.Printable(text); !slices.Contains(d.found, text) {
			d.found = append(d.found, text)
			d.observer.Say(text)
		}
	}
	return nil
}

// notes are sentences about it for a report, in which no place may stand.
func (d *damage) notes() (all []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, text := range d.found {
		what, _, _ := strings.Cut(text, ": ")
		if note := fmt.Sprintf("%s is damaged, and counts as missing.", what); !slices.Contains(all, note) {
			all = append(all, note)
		}
	}
	return all
}

// Damage is an error that wraps registry.ErrCorrupt if anything that was asked for is damaged; the observer was told
// what. All else was done, or judged, without it.
func (s *Study) Damage() error {
	if n := len(s.damage.notes()); n > 0 {
		return fmt.Errorf("%w: %d runs or analyses that were asked for are damaged, as said above; `%s registry repair` mends or drops them", registry.ErrCorrupt, n, s.opts.Program)
	}
	return nil
}
