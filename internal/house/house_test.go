// Package house holds the rules that keep the code a place to live in, as tests: the map of DESIGN.md is true
// and imports point down it, files are short, and no paper is named outside the catalogues.
package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	module = "github.com/cidbench/cidbench"
	root   = "../.."
	// maxLines is "about 400 lines".
	maxLines = 420
)

// pkg is one package as go list describes it. Path is relative to the module.
type pkg struct {
	Path, ImportPath, Dir                              string
	GoFiles, IgnoredGoFiles, TestGoFiles, XTestGoFiles []string
	EmbedFiles, Imports                                []string
}

// packages lists the packages of the module. Build tags hide no file: those that this platform ignores are in
// IgnoredGoFiles.
var packages = sync.OnceValues(func() ([]pkg, error) {
	list := exec.Command("go", "list", "-json", "./...")
	list.Dir = root
	var complaints bytes.Buffer
	list.Stderr = &complaints
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, complaints.Bytes())
	}
	var all []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var p pkg
		if err := decoder.Decode(&p); err != nil {
			return nil, err
		}
		p.Path = inModule(p.ImportPath)
		all = append(all, p)
	}
	return all, nil
})

func mustPackages(t *testing.T) []pkg {
	t.Helper()
	all, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// inModule is an import path relative to the module, or "" for a package of another module.
func inModule(importPath string) string {
	path, ok := strings.CutPrefix(importPath, module+"/")
	if !ok {
		return ""
	}
	return path
}

// readMap gives the packages of a design document in the order of its map: the first indented block, where the
// first word of a line is a package and the rest says its job.
func readMap(design string) ([]string, error) {
	var order []string
	for line := range strings.Lines(design) {
		if !strings.HasPrefix(line, "    ") {
			if len(order) > 0 {
				break
			}
			continue
		}
		path, job, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.TrimSpace(job) == "" {
			return nil, fmt.Errorf("the map of DESIGN.md lists %s without saying what it is for", path)
		}
		if slices.Contains(order, path) {
			return nil, fmt.Errorf("the map of DESIGN.md lists %s twice", path)
		}
		order = append(order, path)
	}
	if len(order) == 0 {
		return nil, errors.New("DESIGN.md has no map: its first indented block, one package a line")
	}
	return order, nil
}

// checkMap says where the packages and the map differ, which imports do not point down it, and which code
// rests on what is for tests alone.
func checkMap(order []string, all []pkg) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	there := map[string]bool{}
	for _, p := range all {
		there[p.Path] = true
		from := slices.Index(order, p.Path)
		if from < 0 {
			fault("package %s is not on the map of DESIGN.md: give it a line, above everything that it imports", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			path := inModule(imported)
			if to := slices.Index(order, path); to >= 0 && to <= from {
				fault("%s imports %s, which stands above it on the map of DESIGN.md: move what it needs down, or hand it over as an argument", p.Path, path)
			}
			if strings.HasSuffix(path, "test") && !strings.HasSuffix(p.Path, "test") {
				fault("%s imports %s, which is for tests alone", p.Path, path)
			}
		}
	}
	for _, path := range order {
		if !there[path] {
			fault("the map of DESIGN.md lists %s, but there is no such package: remove the line, or correct its path", path)
		}
	}
	return faults
}

// TestMapRules checks the rules themselves on a small module.
func TestMapRules(t *testing.T) {
	order, err := readMap("# The map\n\n    cmd/x  main\n      a    one job\n        b  another\n    c/ctest  tests of c\n    c  a third\n\ntext\n\n    not/a/package  below\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"cmd/x", "a", "b", "c/ctest", "c"}; !slices.Equal(order, want) {
		t.Fatalf("the map is %q, want %q", order, want)
	}
	given := func(imports map[string]string) (all []pkg) {
		for _, path := range slices.Sorted(maps.Keys(imports)) {
			p := pkg{Path: path, ImportPath: module + "/" + path, Imports: []string{"fmt"}}
			for imported := range strings.FieldsSeq(imports[path]) {
				p.Imports = append(p.Imports, module+"/"+imported)
			}
			all = append(all, p)
		}
		return all
	}
	for _, test := range []struct {
		name    string
		imports map[string]string
		want    string // what the only fault says; empty for none
	}{
		{"down", map[string]string{"cmd/x": "a c", "a": "b c", "b": "c", "c/ctest": "c", "c": ""}, ""},
		{"up", map[string]string{"cmd/x": "", "a": "", "b": "a", "c/ctest": "c", "c": ""}, "b imports a, which stands above it"},
		{"unlisted", map[string]string{"cmd/x": "", "a": "", "b": "", "c/ctest": "", "c": "", "d": "a"}, "/d is not on the map"},
		{"gone", map[string]string{"cmd/x": "", "a": "", "c/ctest": "", "c": ""}, "lists b, but there is no such package"},
		{"tests alone", map[string]string{"cmd/x": "", "a": "c/ctest", "b": "", "c/ctest": "", "c": ""}, "a imports c/ctest, which is for tests alone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			faults := checkMap(order, given(test.imports))
			switch {
			case test.want == "" && len(faults) == 0:
			case test.want != "" && len(faults) == 1 && strings.Contains(faults[0], test.want):
			default:
				t.Errorf("faults are %q, want %q", faults, test.want)
			}
		})
	}
	for _, design := range []string{"no block\n", "    a  one\n    a  two\n", "    a\n"} {
		if order, err := readMap(design); err == nil {
			t.Errorf("readMap(%q) is %q, want an error", design, order)
		}
	}
}

// TestMap holds the map of DESIGN.md against the code.
func TestMap(t *testing.T) {
	design, err := os.ReadFile(filepath.Join(root, "DESIGN.md"))
	if err != nil {
		t.Fatal(err)
	}
	order, err := readMap(string(design))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range checkMap(order, mustPackages(t)) {
		t.Error(fault)
	}
}

// TestFileLength keeps every file at a length that is read in one sitting.
func TestFileLength(t *testing.T) {
	for _, p := range mustPackages(t) {
		for _, name := range slices.Concat(p.GoFiles, p.IgnoredGoFiles, p.TestGoFiles, p.XTestGoFiles) {
			source, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if lines := bytes.Count(source, []byte("\n")); lines > maxLines {
				t.Errorf("%s/%s has %d lines; about 400 are allowed: split it where its story has a seam", p.Path, name, lines)
			}
		}
	}
}

// paper matches what names a paper: an arXiv number, or the title of the one that this repository tests.
var paper = regexp.MustCompile(`(?i)\b\d{4}\.\d{5}(v\d+)?\b|negatives created equal`)

// namesPaper says where a file's string literals, or a text as a whole, name a paper.
func namesPaper(t *testing.T, name string, text []byte) (places []string) {
	t.Helper()
	if filepath.Ext(name) != ".go" {
		for i, line := range bytes.Split(text, []byte("\n")) {
			if found := paper.Find(line); found != nil {
				places = append(places, fmt.Sprintf("%s:%d: %s", name, i+1, found))
			}
		}
		return places
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if found := paper.FindString(literal.Value); found != "" {
				places = append(places, fmt.Sprintf("%s:%d: %s", name, files.Position(literal.Pos()).Line, found))
			}
		}
		return true
	})
	return places
}

// TestNamesNoPaper keeps the paper out of what prints: reports and commands take title, authors and link from
// the catalogue, so that a catalogue of another paper gets a report of that paper.
func TestNamesNoPaper(t *testing.T) {
	prints := regexp.MustCompile(`^(cmd|cli|study|report)(/|$)`)
	for _, p := range mustPackages(t) {
		if !prints.MatchString(p.Path) {
			continue
		}
		for _, name := range slices.Concat(p.GoFiles, p.IgnoredGoFiles, p.EmbedFiles) {
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, place := range namesPaper(t, filepath.Join(p.Path, name), text) {
				t.Errorf("%s: take the paper from the catalogue instead", place)
			}
		}
	}
}
