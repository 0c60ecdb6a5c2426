package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// bySeed collects the seeds at which something holds.
type bySeed map[string][]uint64

func (s bySeed) add(what string, seed uint64) { s[what] = append(s[what], seed) }

func (s bySeed) sentences() (out []string) {
	for _, what := range slices.Sorted(maps.Keys(s)) {
		var seeds []string
		for _, seed := range s[what] {
			seeds = append(seeds, fmt.Sprint(seed))
		}
		plural := "s"
		if len(seeds) == 1 {
			plural = ""
		}
		out = append(out, fmt.Sprintf("%s (seed%s %s)", what, plural, strings.Join(seeds, ", ")))
	}
	return out
}
