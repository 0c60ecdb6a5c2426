package icons

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/dataset"
)

// TestNode renders with the real renderer, where `make icons-data` has brought it. A machine that must have it says so with
// CIDBENCH_REQUIRE_ICONS.
func TestNode(t *testing.T) {
	const modules = "../../../bin/icons/node_modules"
	_, err := os.Stat(filepath.Join(modules, "@resvg", "resvg-js"))
	if err == nil {
		_, err = exec.LookPath("node")
	}
	switch {
	case err == nil:
	case os.Getenv("CIDBENCH_REQUIRE_ICONS") != "":
		t.Fatalf("no renderer: %v", err)
	default:
		t.Skipf("NOT CHECKED: %v: make icons-data brings the renderer", err)
	}
	set := &iconSet{}
	svgs := []string{
		set.svg(drawn{Body: `<path fill="currentColor" d="M0 0h8v16H0z"/>`}),
		set.svg(drawn{Body: `<path fill="#f00" d="M0 0h16v8H0z"/>`}),
		set.svg(drawn{Body: `<path fill="currentColor" opacity=".5" d="M0 0h16v16H0z"/>`}),
	}
	corner := []uint8{0, 76, 128} // of 299 parts in 1000 of red, and of half black
	var got []uint8
	err = Node(modules)(t.Context(), svgs, func(i int, grey []uint8) error {
		got = append(got, grey[2*renderSide+2])
		if i < 2 && grey[(renderSide-2)*renderSide+renderSide-2] != white {
			t.Errorf("icon %d is not on white", i)
		}
		return nil
	})
	if err != nil || !slices.Equal(got, corner) {
		t.Errorf("corners %v, want %v; %v", got, corner, err)
	}
	if err := Node(modules)(t.Context(), []string{svgs[0], "no svg"}, func(int, []uint8) error { return nil }); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("what is no SVG: %v", err)
	}
	if err := Node(t.TempDir())(t.Context(), svgs, func(int, []uint8) error { return nil }); err == nil || !strings.Contains(err.Error(), "resvg") {
		t.Errorf("without the renderer: %v", err)
	}
}

func TestClasses(t *testing.T) {
	if n := len(Classes()); n != 115 {
		t.Errorf("%d classes", n)
	}
	const heads = "class,wordnet30_offset,sense,lemmas,icon_names\n"
	for text, want := range map[string]string{
		"": "no class", "class,b,c,d,e\n": "line 1", heads: "no class",
		heads + "a,0269115,1,a,a\n": "line 2", heads + "a,02691156,1,a,\n": "line 2", heads + "a,02691156,1,a\n": "line 2",
		heads + "a,02691156,1,a,x y\nb,02691157,1,b,z x\n": `"x" is a name of a already`,
	} {
		if _, err := parseClasses(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzParseClasses(f *testing.F) {
	f.Add(string(classesCSV))
	f.Add("class,wordnet30_offset,sense,lemmas,icon_names\na,02691156,1,a,x y\n")
	f.Fuzz(func(t *testing.T, text string) {
		classes, err := parseClasses(strings.NewReader(text))
		if (err == nil) != (len(classes) > 0) {
			t.Fatalf("%d classes, %v", len(classes), err)
		}
	})
}

func FuzzParseCollections(f *testing.F) {
	f.Add(`{"a": {"name": "A", "author": {"name": "B", "url": "https://example.org"}, "license": {"title": "MIT", "spdx": "MIT"}, "category": "UI 24px"}}`)
	f.Add(`{"flag": {"license": {"spdx": "MIT"}}, "b": {"license": {"spdx": "GPL-3.0"}}, "c": {"license": {"spdx": "ISC"}, "hidden": true}}`)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseCollections("collections.json", []byte(text))
		if err != nil && (all != nil || !errors.Is(err, dataset.ErrFiles) || !strings.Contains(err.Error(), "collections.json")) {
			t.Fatalf("%v, %v", all, err)
		}
		for prefix, c := range all {
			if c.usable(prefix) && (c.Hidden || !slices.Contains(licences, c.License.SPDX)) {
				t.Fatalf("%s is taken: %+v", prefix, c)
			}
		}
	})
}

func FuzzParseSet(f *testing.F) {
	f.Add(`{"width": 24, "icons": {"bell": {"body": "<p/>", "left": -2, "height": 12}, "bell-2": {"body": "", "hidden": true}}}`)
	f.Add(`{"icons": {"bell": {"body": "x", "width": 1e308, "left": -1e308}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := parseSet([]byte(text))
		if err != nil {
			return
		}
		for _, icon := range few(set.of("set", map[string]int32{"bell": 0})) {
			if !strings.Contains(icon.svg, "viewBox=") || strings.Contains(icon.svg, "NaN") || strings.Contains(icon.svg, "Inf") {
				t.Fatalf("%s: %.300s", icon.Name, icon.svg)
			}
		}
	})
}
