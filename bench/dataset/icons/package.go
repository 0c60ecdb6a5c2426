package icons

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/bench/dataset"
)

// licences are those under which icons may be changed and passed on, as SPDX names them. ShareAlike, copyleft and
// non-commercial ones are left out.
var licences = []string{"MIT", "Apache-2.0", "BSD-3-Clause", "ISC", "Unlicense", "CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "OFL-1.1"}

// Logos and the marks of programming languages and tools show no things; of the sets of maps, those of flags are known by
// their names, where Aland is ax.
var (
	otherCategories = []string{"Logos", "Programming"}
	flagSets        = []string{"cif", "circle-flags", "flag", "flagpack"}
)

// A collection is what the package says of a set.
type collection struct {
	Name   string
	Author struct{ Name, URL string }
	// Licence is spelled as the package does.
	License  struct{ Title, SPDX, URL string }
	Category string
	Hidden   bool
}

// usable says whether the icons of a set may be taken.
func (c collection) usable(prefix string) bool {
	return slices.Contains(licences, c.License.SPDX) && !slices.Contains(otherCategories, c.Category) &&
		!slices.Contains(flagSets, prefix) && !c.Hidden
}

func readCollections(dir string) (map[string]collection, error) {
	path := filepath.Join(dir, "collections.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w: it is in npm's %s", dataset.ErrFiles, err, Package)
	} else if err != nil {
		return nil, err
	}
	return parseCollections(path, text)
}

func parseCollections(path string, text []byte) (all map[string]collection, err error) {
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", dataset.ErrFiles, path, err)
	}
	return all, nil
}

// An iconSet is a file of the package.
type iconSet struct {
	box
	Icons map[string]drawn
}

// A box is where an icon lies on its canvas; what is missing is the set's, then the default.
type box struct{ Left, Top, Width, Height *float64 }

// defaultSide is the width and height of what states none.
const defaultSide = 16

type drawn struct {
	box
	Body         string
	Hidden       bool
	Rotate       int
	HFlip, VFlip bool
}

func parseSet(text []byte) (*iconSet, error) {
	var s iconSet
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	return &s, nil
}

// plain says that an icon is a still drawing of paths: what moves is rendered as it begins, often empty, letters need
// fonts, and pixels are someone else's picture.
func (d drawn) plain() bool {
	for _, element := range []string{"<animate", "<set", "<text", "<image"} {
		if strings.Contains(d.Body, element) {
			return false
		}
	}
	return d.Body != "" && !d.Hidden && d.Rotate == 0 && !d.HFlip && !d.VFlip
}

// maxSide bounds the numbers of boxes.
const maxSide = 1e6

// in is the box of an icon of the set.
func (s *iconSet) in(d drawn) (left, top, width, height float64, ok bool) {
	or := func(own, set *float64, otherwise float64) float64 { return *cmp.Or(own, set, &otherwise) }
	left, top = or(d.Left, s.Left, 0), or(d.Top, s.Top, 0)
	width, height = or(d.Width, s.Width, defaultSide), or(d.Height, s.Height, defaultSide)
	return left, top, width, height, min(width, height) > 0 && max(width, height, math.Abs(left), math.Abs(top)) < maxSide
}

// svg draws an icon in the middle of a square.
func (s *iconSet) svg(d drawn) string {
	left, top, width, height, _ := s.in(d)
	side := max(width, height)
	left, top = left-(side-width)/2, top-(side-height)/2
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="%d" height="%d" color="black" viewBox="%s %s %s %s">%s</svg>`,
		renderSide, renderSide, number(left), number(top), number(side), number(side), d.Body)
}

// styles are words by which sets tell one drawing of a thing from another, not one thing from another.
var styles = strings.Fields(`
	outline outlined filled fill solid line lines linear stroke baseline broken
	duotone twotone tone duo color colour mono light thin regular bold sharp round rounded flat remix
	alt variant simple minimalistic detailed classic single symbol icon
	small large medium big o xs sm md lg xl one two three four five six seven eight nine`)

// noun is the name of an icon without style words and numbers, and how many of these it has.
func noun(name string) (noun string, words int) {
	var rest []string
	for word := range strings.SplitSeq(name, "-") {
		if slices.Contains(styles, word) || isNumber(strings.TrimSuffix(word, "px")) {
			words++
			continue
		}
		rest = append(rest, word)
	}
	return strings.Join(rest, "-"), words
}

func isNumber(word string) bool { return word != "" && strings.Trim(word, "0123456789") == "" }

// perSetAndClass is the most icons of a class that one set gives.
const perSetAndClass = 4

// choose finds the icons of the classes, by set and name, and how many there were before there were too many: of each set
// and class those with the fewest style words are taken.
func choose(dir string, collections map[string]collection, classes []Class) (chosen []Icon, named int, err error) {
	label := map[string]int32{}
	for l, c := range classes {
		for _, name := range c.Names {
			label[name] = int32(l)
		}
	}
	for _, prefix := range slices.Sorted(maps.Keys(collections)) {
		if !collections[prefix].usable(prefix) {
			continue
		}
		path := filepath.Join(dir, "json", prefix+".json")
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, 0, fmt.Errorf("%w: %w", dataset.ErrFiles, err)
		}
		set, err := parseSet(text)
		if err != nil {
			return nil, 0, fmt.Errorf("%w: %s: %w", dataset.ErrFiles, path, err)
		}
		all := set.of(prefix, label)
		named += len(all)
		chosen = append(chosen, few(all)...)
	}
	return chosen, named, nil
}

// of are the icons of a set that show a class, by name.
func (s *iconSet) of(prefix string, label map[string]int32) (icons []Icon) {
	for _, name := range slices.Sorted(maps.Keys(s.Icons)) {
		thing, _ := noun(name)
		_, _, _, _, sized := s.in(s.Icons[name])
		if l, ok := label[thing]; ok && sized && s.Icons[name].plain() {
			icons = append(icons, Icon{prefix, name, l, s.svg(s.Icons[name])})
		}
	}
	return icons
}

// few keeps perSetAndClass icons of each class, the plainest names first, in the order of names.
func few(icons []Icon) []Icon {
	plainest := slices.Clone(icons)
	slices.SortStableFunc(plainest, func(a, b Icon) int {
		_, wordsA := noun(a.Name)
		_, wordsB := noun(b.Name)
		return cmp.Compare(wordsA, wordsB)
	})
	taken, keep := map[int32]int{}, map[string]bool{}
	for _, icon := range plainest {
		if taken[icon.Label]++; taken[icon.Label] <= perSetAndClass {
			keep[icon.Name] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(icons), func(i Icon) bool { return !keep[i.Name] })
}
