package icons

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/rng"
)

// things are the classes of the tests.
var things = []Class{{"bell", "n02824448", []string{"bell"}}, {"cake", "n07628870", []string{"cake", "birthday-cake"}}}

// pack writes a package like @iconify/json with these sets. A body is what drawn makes of it.
func pack(t *testing.T, sets map[string]collection, icons map[string]map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, value any) {
		text, err := json.Marshal(value)
		if err == nil {
			err = errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755), os.WriteFile(filepath.Join(dir, name), text, 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put("collections.json", sets)
	for set, of := range icons {
		put("json/"+set+".json", map[string]any{"prefix": set, "icons": of, "width": 24, "height": 24})
	}
	return dir
}

func free(author string) collection {
	c := collection{Name: author + "'s", Category: "UI 24px"}
	c.Author.Name, c.License.SPDX, c.License.URL = author, "MIT", "https://example.org/licence"
	return c
}

func body(text string) map[string]any { return map[string]any{"body": text} }

// blocks stands in for the renderer: a drawing of 8x8 squares that belongs to the icon's body alone. An empty one is
// white, and one that says so is not rendered at all.
func blocks(_ context.Context, svgs []string, take func(i int, grey []uint8) error) error {
	for i, svg := range svgs {
		_, text, _ := strings.Cut(svg, ">")
		var grey []uint8
		if text = strings.TrimSuffix(text, "</svg>"); text != "panic" {
			grey = bytes.Repeat([]uint8{white}, renderSide*renderSide)
		}
		random := rng.Stream(1, keyed(text))
		for square := range 64 {
			dark := random.IntN(2) == 0
			for p := range 256 * len(grey) / (renderSide * renderSide) {
				if dark && text != "white" {
					grey[(square/8*16+p/16)*renderSide+square%8*16+p%16] = 0
				}
			}
		}
		if err := take(i, grey); err != nil {
			return err
		}
	}
	return nil
}

// ids are those of chosen icons.
func ids(icons []Icon) (all []string) {
	for _, i := range icons {
		all = append(all, i.ID())
	}
	return all
}

// TestChoice: which sets and icons are taken, by licence, kind and name.
func TestChoice(t *testing.T) {
	sets := map[string]collection{"a": free("A"), "flag": free("F"), "hidden": free("H"), "logos": free("L"), "nc": free("N"), "sa": free("S")}
	for name, change := range map[string]func(*collection){
		"hidden": func(c *collection) { c.Hidden = true }, "logos": func(c *collection) { c.Category = "Logos" },
		"nc": func(c *collection) { c.License.SPDX = "CC-BY-NC-4.0" }, "sa": func(c *collection) { c.License.SPDX = "CC-BY-SA-4.0" },
	} {
		c := sets[name]
		change(&c)
		sets[name] = c
	}
	icons := map[string]map[string]any{}
	for name := range sets {
		icons[name] = map[string]any{"bell": body("x")}
	}
	icons["a"] = map[string]any{
		"bell": body("1"), "bell-24-filled": body("2"), "bell-outline": body("3"), "outline-bell-2px": body("4"), "round-bell-bold": body("5"),
		"bell-off": body("6"), "doorbell": body("7"), "birthday-cake": body("8"), "cake-two-tone": body("9"),
		"bell-hidden-light": map[string]any{"body": "10", "hidden": true}, "cake-1": map[string]any{"body": "11", "hidden": true},
		"cake-2": map[string]any{"body": "12", "rotate": 1}, "cake-3": body("<g><animate/></g>"), "cake-4": body("<text>cake</text>"), "cake-5": body(""),
		"cake-6": map[string]any{"body": "13", "width": -1},
	}
	chosen, named, err := choose(pack(t, sets, icons), sets, things)
	if err != nil {
		t.Fatal(err)
	}
	// Of five bells the one with the most style words goes.
	want := []string{"a:bell", "a:bell-24-filled", "a:bell-outline", "a:outline-bell-2px", "a:birthday-cake", "a:cake-two-tone"}
	got := ids(chosen)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || named != 7 {
		t.Errorf("chose %q of %d, want %q of 7", got, named, want)
	}
	for _, icon := range chosen {
		if name := things[icon.Label].Name; !strings.Contains(icon.Name, name) {
			t.Errorf("%s is a %s", icon.ID(), name)
		}
	}
}

// TestSVG: an icon is in the middle of a square, as large as its longer side.
func TestSVG(t *testing.T) {
	set, err := parseSet([]byte(`{"width": 24, "icons": {"a": {"body": "<p/>", "left": -2, "top": 1, "height": 12}, "b": {"body": "<q/>", "width": 8}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": `viewBox="-2 -5 24 24"><p/></svg>`, "b": `viewBox="-4 0 16 16"><q/></svg>`} {
		if got := set.svg(set.Icons[name]); !strings.HasSuffix(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// shaded is a render with a black rectangle.
func shaded(left, top, right, bottom int) []uint8 {
	grey := bytes.Repeat([]uint8{white}, renderSide*renderSide)
	for y := top; y < bottom; y++ {
		for x := left; x < right; x++ {
			grey[y*renderSide+x] = 0
		}
	}
	return grey
}

// TestPlace: a black square keeps its area, within the sizes that are drawn, lies inside the picture, and belongs to its
// name.
func TestPlace(t *testing.T) {
	full := shaded(0, 0, renderSide, renderSide)
	sizes := map[float64]bool{}
	for i := range 200 {
		ink := 0.0
		pixels := place(full, fmt.Sprint("icon ", i))
		for _, p := range pixels {
			ink += float64(white-p) / white
		}
		size := math.Sqrt(ink)
		if sizes[size] = true; size < minSize-0.8 || size > maxSize+0.1 { // corners that are turned out are lost
			t.Errorf("icon %d has %g pixels on a side", i, size)
		}
	}
	if len(sizes) < 150 {
		t.Errorf("200 icons have %d sizes", len(sizes))
	}
	if !bytes.Equal(place(full, "a"), place(full, "a")) || bytes.Equal(place(full, "a"), place(full, "b")) {
		t.Error("a place does not belong to its name")
	}
}

// TestDrawing: copies with another margin or at another size are found, other drawings are not, and nothing is nothing.
func TestDrawing(t *testing.T) {
	picture := func(grey []uint8) Picture { return Picture{drawing: drawing(grey)} }
	corner := func(left, top, side int) []uint8 { // an L
		grey := shaded(left, top, left+side, top+side)
		for y := top; y < top+side/2; y++ {
			for x := left + side/2; x < left+side; x++ {
				grey[y*renderSide+x] = white
			}
		}
		return grey
	}
	large, small := picture(corner(0, 0, 128)), picture(corner(40, 60, 32))
	if r := alike(large, small); r < 0.99 {
		t.Errorf("a smaller copy correlates at %g", r)
	}
	if r := alike(large, picture(shaded(10, 10, 60, 118))); r > 0.8 {
		t.Errorf("another drawing correlates at %g", r)
	}
	if r := alike(large, large); math.Abs(r-1) > 1e-5 {
		t.Errorf("a drawing correlates with itself at %g", r)
	}
	for name, grey := range map[string][]uint8{"white": shaded(0, 0, 0, 0), "a dot": shaded(5, 5, 8, 8), "all black": shaded(0, 0, 128, 128)} {
		if drawing(grey) != nil {
			t.Errorf("%s is a drawing", name)
		}
	}
}

// many is a package of 40 sets, each by its own author and with its own drawings, but for what change makes of it.
func many(t *testing.T, change func(sets map[string]collection, icons map[string]map[string]any)) string {
	t.Helper()
	sets, icons := map[string]collection{}, map[string]map[string]any{}
	for i := range 40 {
		set := fmt.Sprintf("set%c%c", 'a'+i/26, 'a'+i%26)
		sets[set] = free("author " + set)
		icons[set] = map[string]any{"bell": body(set + " bell"), "bell-2": body(set + " bell 2"), "cake": body(set + " cake"), "mouse": body(set + " mouse")}
	}
	if change != nil {
		change(sets, icons)
	}
	return pack(t, sets, icons)
}

func build(t *testing.T, dir string) *Set {
	t.Helper()
	s, err := Build(t.Context(), Options{Dir: dir, Classes: things, Render: blocks})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// parts are the sets by the part that they are in; one in two parts is an error.
func (s *Set) parts(t *testing.T) map[string]string {
	t.Helper()
	in := map[string]string{}
	for name, part := range map[string][]Picture{"train": s.Train, "validation": s.Validation, "test": s.Test} {
		for _, p := range part {
			if was := in[p.Set]; was != "" && was != name {
				t.Errorf("set %s is in %s and in %s", p.Set, was, name)
			}
			in[p.Set] = name
		}
	}
	return in
}

// TestBuild: parts of the sizes that are asked for, families in one part, twins gone, and the same bytes again.
func TestBuild(t *testing.T) {
	dir := many(t, func(sets map[string]collection, icons map[string]map[string]any) {
		author := sets["setac"]
		author.Author.Name = "author setab"
		sets["setac"] = author                                                                               // one author
		sets["setad-two"], icons["setad-two"] = free("someone"), map[string]any{"cake": body("yet another")} // one word
		for _, name := range []string{"bell", "bell-2", "cake"} {
			icons["setaf"][name] = icons["setae"][name] // a copy
		}
		for _, set := range []string{"lucide", "iconoir"} { // kin, though the set that both follow is not here
			sets[set], icons[set] = free("author "+set), map[string]any{"cake": body(set)}
		}
		icons["setag"]["cake"] = icons["setah"]["cake"] // one twin makes no family
		icons["setai"]["bell"] = icons["setaj"]["cake"] // one of the two is wrong
		icons["setak"]["bell"], icons["setak"]["cake"] = body("white"), body("panic")
	})
	s := build(t, dir)
	in := s.parts(t)
	for _, pair := range [][2]string{{"setab", "setac"}, {"setad", "setad-two"}, {"setae", "setaf"}, {"lucide", "iconoir"}} {
		if s.family[pair[0]] != s.family[pair[1]] || in[pair[0]] != in[pair[1]] && in[pair[1]] != "" && in[pair[0]] != "" {
			t.Errorf("%s and %s are of families %s and %s", pair[0], pair[1], s.family[pair[0]], s.family[pair[1]])
		}
	}
	if s.family["setag"] == s.family["setah"] || s.Counts.Families != 39 {
		t.Errorf("%d families; one twin joins %s and %s", s.Counts.Families, s.family["setag"], s.family["setah"])
	}
	all := slices.Concat(s.Train, s.Validation, s.Test)
	if want := map[string]int{"nothing is drawn": 2, "the same drawing in two classes": 2, "nearly another of its class": 4}; !maps.Equal(s.Counts.Left, want) || len(all) != 123-8 {
		t.Errorf("left out %v, and left %d", s.Counts.Left, len(all))
	}
	for i, p := range all {
		for _, q := range all[:i] {
			if p.Label == q.Label && alike(p, q) > TwinLevel {
				t.Errorf("%s and %s are alike", p.ID(), q.ID())
			}
		}
	}
	if share := float64(len(s.Test)) / float64(len(all)); share < testShare || share > testShare+0.05 {
		t.Errorf("%d of %d are for test", len(s.Test), len(all))
	}
	if s.Counts.Twins[0].Level != TwinLevel || s.Counts.Twins[0].Share != 0 {
		t.Errorf("twins remain: %v", s.Counts.Twins)
	}
	read := func(s *Set) string {
		out := t.TempDir()
		if err := s.Write(out); err != nil {
			t.Fatal(err)
		}
		all := ""
		for _, set := range []string{TestSet, ValidationSet} {
			for _, name := range []string{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "ATTRIBUTION.csv", "SOURCES.csv"} {
				text, err := os.ReadFile(filepath.Join(out, set, name))
				if err != nil {
					t.Fatal(err)
				}
				all += string(text)
			}
		}
		return all
	}
	if read(s) != read(build(t, dir)) {
		t.Error("the same package gives other bytes")
	}
	if summary := s.Summary(); !strings.Contains(summary, "123 were rendered") || !strings.Contains(summary, fmt.Sprintf("training: %d icons of", len(s.Train))) {
		t.Errorf("summary:\n%s", summary)
	}
}

// TestWrite: idx files with a row in each table for what is in them.
func TestWrite(t *testing.T) {
	s, out := build(t, many(t, nil)), t.TempDir()
	if err := s.Write(out); err != nil {
		t.Fatal(err)
	}
	for name, held := range map[string][]Picture{TestSet: s.Test, ValidationSet: s.Validation} {
		table := func(file string) [][]string {
			text, err := os.ReadFile(filepath.Join(out, name, file))
			if err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			return rows[1:]
		}
		sources, images := table("SOURCES.csv"), 0
		if len(sources) != len(s.Train)+len(held) || sources[0][4] != s.Train[0].Name || sources[len(s.Train)][3] != held[0].Set {
			t.Errorf("%s: %d rows of sources", name, len(sources))
		}
		for _, row := range table("ATTRIBUTION.csv") {
			if row[2] != "author "+row[0] || row[4] != "MIT" || row[5] != "https://example.org/licence" {
				t.Errorf("%s: attributed as %q", name, row)
			}
			var train, test int
			if _, err := fmt.Sscan(row[7]+" "+row[8], &train, &test); err != nil {
				t.Error(err)
			}
			images += train + test
		}
		if images != len(sources) {
			t.Errorf("%s: %d images are attributed, of %d", name, images, len(sources))
		}
		content, err := os.ReadFile(filepath.Join(out, name, "t10k-images-idx3-ubyte"))
		if err != nil {
			t.Fatal(err)
		}
		if n := binary.BigEndian.Uint32(content[4:]); int(n) != len(held) || !bytes.Equal(content[16:][:Side*Side], held[0].Pixels) {
			t.Errorf("%s: %d test images", name, n)
		}
	}
}

// What cannot be built says what is wrong.
func TestBuildErrors(t *testing.T) {
	good := many(t, nil)
	digest := build(t, good).Digest
	few := pack(t, map[string]collection{"a": free("A")}, map[string]map[string]any{"a": {"bell": body("1")}})
	broken := many(t, nil)
	if err := os.WriteFile(filepath.Join(broken, "json", "setab.json"), []byte(`{"icons": [`), 0o644); err != nil {
		t.Fatal(err)
	}
	stops := func(context.Context, []string, func(int, []uint8) error) error { return errors.New("out of ink") }
	half := func(_ context.Context, _ []string, take func(int, []uint8) error) error {
		return take(0, shaded(0, 0, 50, 60))
	}
	for name, c := range map[string]struct {
		o    Options
		want error
		says string
	}{
		"another digest": {Options{Dir: good, Render: blocks, Rendered: "sha256:ab"}, dataset.ErrDigest, digest},
		"no package":     {Options{Dir: t.TempDir(), Render: blocks}, dataset.ErrFiles, Package},
		"no icons":       {Options{Dir: pack(t, nil, nil), Render: blocks}, dataset.ErrFiles, "no icon"},
		"too few":        {Options{Dir: few, Render: blocks}, dataset.ErrFiles, "none gives each class enough"},
		"broken":         {Options{Dir: broken, Render: blocks}, dataset.ErrFiles, "setab.json"},
		"renderer fails": {Options{Dir: good, Render: stops}, nil, "out of ink"},
		"renderer stops": {Options{Dir: good, Render: half}, nil, "1 of 120"},
	} {
		c.o.Classes = things
		if _, err := Build(t.Context(), c.o); err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
