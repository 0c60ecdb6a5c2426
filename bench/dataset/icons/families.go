package icons

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/rng"
)

// kin are sets that go back to another or follow its drawings, as far as is known or looks so: Feather's, Ionicons',
// Heroicons', Font Awesome's, Google's Material, Remix Icon's, the emoji of one standard, and symbols of maps.
var kin = [][]string{
	{"fe", "feather", "lucide", "lucide-lab", "akar-icons", "iconoir", "humbleicons"},
	{"ion", "famicons"},
	{"heroicons", "sidekickicons"},
	{"fa", "fa-solid", "la", "fontisto"},
	{"material-symbols", "ic", "mdi", "line-md"},
	{"twemoji", "emojione", "noto", "fxemoji"},
	{"ri", "reicon"},
	{"maki", "temaki", "pinhead", "osmic", "roentgen", "map"},
}

const (
	// Sets are of one family if this share of the smaller one's pictures, and this number of them, have twins in the other.
	familyShare = 0.25
	familyTwins = 3
)

// familiesOf gives the family of each set, by the name of its first: sets of one author or with a first word in common,
// kin, and sets that share drawings.
func familiesOf(pictures []Picture, collections map[string]collection) map[string]string {
	family := map[string]string{}
	var sets []string
	size := map[string]int{}
	for _, p := range pictures {
		if size[p.Set]++; size[p.Set] == 1 {
			family[p.Set] = p.Set
			sets = append(sets, p.Set)
		}
	}
	join := func(a, b string) {
		from, to := max(family[a], family[b]), min(family[a], family[b])
		for set, of := range family {
			if of == from {
				family[set] = to
			}
		}
	}
	first := map[string]string{}
	for _, set := range sets {
		word, _, _ := strings.Cut(set, "-")
		for _, mark := range []string{"author " + collections[set].Author.Name, "word " + strings.TrimRight(word, "0123456789")} {
			if other, ok := first[mark]; ok {
				join(set, other)
			} else {
				first[mark] = set
			}
		}
	}
	for _, group := range kin {
		here := slices.DeleteFunc(slices.Clone(group), func(set string) bool { return size[set] == 0 })
		for _, set := range here {
			join(here[0], set)
		}
	}
	type pair struct{ a, b string }
	shared := map[pair]map[int]bool{} // pictures with twins in the other set
	for _, class := range byClass(pictures) {
		for k, i := range class {
			for _, j := range class[:k] {
				a, b := pictures[i].Set, pictures[j].Set
				if a == b || family[a] == family[b] || alike(pictures[i], pictures[j]) <= TwinLevel {
					continue
				}
				for _, x := range []struct {
					pair
					of int
				}{{pair{a, b}, i}, {pair{b, a}, j}} {
					if shared[x.pair] == nil {
						shared[x.pair] = map[int]bool{}
					}
					shared[x.pair][x.of] = true
				}
			}
		}
	}
	for x, of := range shared {
		if len(of) >= familyTwins && float64(len(of)) >= familyShare*float64(size[x.a]) {
			join(x.a, x.b)
		}
	}
	return family
}

// A Set is what was made.
type Set struct {
	Classes []Class
	// Train, Validation and Test are by class and name. No family of sets is in two of them.
	Train, Validation, Test []Picture
	Digest                  string // of the renders
	Counts                  Counts
	collections             map[string]collection
	family                  map[string]string // of each set
}

const (
	// testShare and validationShare are those of all pictures, at least; families are not divided.
	testShare, validationShare = 0.22, 0.1
	// A class has at least so many pictures in each part.
	leastTrain, leastTest, leastValidation = 8, 2, 1
	// maxSplits is the most orders of the families that are tried until each class has enough.
	maxSplits = 10_000
)

// divide gives whole families to test and validation, in an order that is drawn again until each class has enough in
// each part.
func (s *Set) divide(pictures []Picture, family map[string]string) error {
	s.family = family
	of := map[string][]Picture{}
	for _, p := range pictures {
		of[family[p.Set]] = append(of[family[p.Set]], p)
	}
	names := slices.Sorted(maps.Keys(of))
	s.Counts.Families = len(names)
	for try := range uint64(maxSplits) {
		s.Train, s.Validation, s.Test = nil, nil, nil
		for _, f := range rng.Stream(splitSeed, try).Perm(len(names)) {
			part := of[names[f]]
			fits := func(to []Picture, share float64) bool { // with room for one as large as it is missing
				return float64(len(to)) < share*float64(len(pictures)) && float64(len(to)+len(part)) < (share+0.02)*float64(len(pictures))
			}
			switch {
			case fits(s.Test, testShare):
				s.Test = append(s.Test, part...)
			case fits(s.Validation, validationShare):
				s.Validation = append(s.Validation, part...)
			default:
				s.Train = append(s.Train, part...)
			}
		}
		if s.covers(s.Train, leastTrain) && s.covers(s.Test, leastTest) && s.covers(s.Validation, leastValidation) {
			s.Train, s.Validation, s.Test = sorted(s.Train), sorted(s.Validation), sorted(s.Test)
			return nil
		}
	}
	return fmt.Errorf("%w: in %d orders of %d families none gives each class enough pictures for training, validation and test", dataset.ErrFiles, maxSplits, len(names))
}

// covers says whether each class has so many pictures.
func (s *Set) covers(pictures []Picture, least int) bool {
	classes := byClass(pictures)
	for label := range s.Classes {
		if len(classes[int32(label)]) < least {
			return false
		}
	}
	return true
}
