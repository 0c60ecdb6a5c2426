package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Unknown says of a name that is none of some known ones, and of a kind ("tier"), which one was most likely meant, or
// else which there are, unless they are too many to read.
func Unknown(kind, name string, known []string) error {
	if near := nearest(name, known); near != "" {
		return fmt.Errorf("unknown %s %q: did you mean %q?", kind, name, near)
	}
	if len(known) > 20 {
		return fmt.Errorf("unknown %s %q, like none of the %d there are", kind, name, len(known))
	}
	return fmt.Errorf("unknown %s %q: choose one of %s", kind, name, strings.Join(known, ", "))
}

// nearest is the name that a mistyped one is nearest to, empty if it is near none: one edit in three letters may be
// wrong, or the end be missing.
func nearest(name string, known []string) string {
	best, least := "", len(name)/3+1
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if i := slices.IndexFunc(known, func(k string) bool { return strings.HasPrefix(k, name) }); best == "" && name != "" && i >= 0 {
		best = known[i]
	}
	return best
}
