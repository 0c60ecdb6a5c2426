package icons

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Summary says in words what was made, with what is left of twins between training and test.
func (s *Set) Summary() string {
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	line("%d icons have the name of one of %d classes; %d were rendered, at most %d of a set and class: %s",
		s.Counts.Named, len(s.Classes), s.Counts.Rendered, perSetAndClass, s.Digest)
	for _, reason := range slices.Sorted(maps.Keys(s.Counts.Left)) {
		line("left out %d: %s", s.Counts.Left[reason], reason)
	}
	families := map[string]bool{}
	for _, part := range []struct {
		name     string
		pictures []Picture
	}{{"training", s.Train}, {"validation", s.Validation}, {"test", s.Test}} {
		clear(families)
		for _, p := range part.pictures {
			families[s.family[p.Set]] = true
		}
		counts := make([]int, len(s.Classes))
		for _, p := range part.pictures {
			counts[p.Label]++
		}
		slices.Sort(counts)
		line("%s: %d icons of %d sets in %d families, %d to %d a class (median %d)", part.name, len(part.pictures),
			len(perSet(part.pictures)), len(families), counts[0], counts[len(counts)-1], counts[len(counts)/2])
	}
	for _, t := range s.Counts.Twins {
		line("of the test icons %.1f%% have one of their class in training that correlates above %g", 100*t.Share, t.Level)
	}
	return text.String()
}
