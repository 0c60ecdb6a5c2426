package dataset

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// sizes gives the number of training and test images of each named data set. The smaller one is a prefix of the
// larger: image i of a split is the same in both.
var sizes = map[string]struct{ train, test int }{
	"glyphs":       {10_000, 5_000},
	"glyphs-small": {1_000, 500},
}

// Names lists the data sets that Open knows, sorted.
func Names() []string { return slices.Sorted(maps.Keys(sizes)) }

// Open returns the named data set, with all of its images in memory. The same name always gives the same bytes.
// An unknown name is an error that lists the known ones.
func Open(name string) (*Dataset, error) {
	size, ok := sizes[name]
	if !ok {
		return nil, fmt.Errorf("unknown data set %q: choose one of %s", name, strings.Join(Names(), ", "))
	}
	return newGlyphs(name, size.train, size.test), nil
}
