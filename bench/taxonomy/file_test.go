package taxonomy

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var pets = []string{"dog", "bus", "cat"} // by label

const (
	petsText = "thing\n  animal\n    dog\n\n    cat\n# that was all of them\n  vehicle\n    bus\n"
	petsJSON = `{"name": "thing", "children": [
	{"name": "animal", "children": ["dog", {"name": "cat"}]},
	{"name": "vehicle", "children": ["bus"]}
]}`
)

// Both forms of a file are the same tree.
func TestReadFile(t *testing.T) {
	var want Memory
	root := want.Add("thing")
	animal := want.Add("animal", root)
	dog, cat := want.Add("dog", animal), want.Add("cat", animal)
	bus := want.Add("bus", want.Add("vehicle", root))
	for _, leaf := range []int{dog, bus, cat} {
		want.Label(leaf)
	}
	for name, text := range map[string]string{"text": petsText, "tabs": strings.ReplaceAll(petsText, "  ", "\t"), "JSON": petsJSON, "CRLF": strings.ReplaceAll(petsText, "\n", "\r\n")} {
		path := filepath.Join(t.TempDir(), "tree")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFile(path, pets)
		if err != nil || Digest(got) != Digest(&want) || !slices.Equal(Classes(got), pets) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "tree"), pets); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestReadFileErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"empty":             {"\n# nothing\n", "1: there is no node"},
		"indented root":     {"  thing\n", "1: the first node is the root"},
		"second root":       {petsText + "stuff\n", `9: "stuff" is a second root`},
		"tabs and blanks":   {strings.Replace(petsText, "    cat", "  \tcat", 1), "5: indented by tabs here and by blanks there"},
		"between":           {strings.Replace(petsText, "    cat", "   cat", 1), `5: "cat" is indented by 3, and the nodes beside it by 4`},
		"class missing":     {strings.Replace(petsText, "    bus\n", "", 1), `class "bus" (label 1) is not in the tree`},
		"class twice":       {petsText + "    dog\n", `9: "dog" stands on line 3 already`},
		"no class":          {petsText + "    train\n", `9: "train" is no class of the data set: these are dog, bus, cat`},
		"JSON, no class":    {strings.Replace(petsJSON, `"bus"`, `"bus", "train"`, 1), `3: "train" is no class`},
		"JSON, number":      {strings.Replace(petsJSON, `"bus"`, `7`, 1), "3: 7: want the name of a class"},
		"JSON, other field": {strings.Replace(petsJSON, `{"name": "vehicle"`, `{"nam": "vehicle"`, 1), `3: "nam": want one "name"`},
		"JSON, no name":     {`{}`, "1: a node has no name"},
		"JSON, cut":         {petsJSON[:len(petsJSON)-3], "3: "},
		"JSON, more":        {petsJSON + "\n{}", "5: something follows the root"},
		"JSON, syntax":      {"{\n\n'", "3: "},
		"JSON, deep":        {strings.Repeat(`{"name":"a","children":[`, 200), "more than 100 levels"},
	} {
		if _, err := parseTree(c.text, pets); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %q", name, err, c.says)
		}
	}
}

// A tree as JSON, as the index of a data set has it, is the same tree again; what is no tree is refused.
func TestTreeAsJSON(t *testing.T) {
	text, err := json.Marshal(Copy(CIFAR100()))
	if err != nil {
		t.Fatal(err)
	}
	var again Memory
	if err := json.Unmarshal(text, &again); err != nil || Digest(&again) != Digest(CIFAR100()) {
		t.Errorf("another tree: %v", err)
	}
	for text, says := range map[string]string{
		`{"nodes":[{"name":"a","parents":[0]}],"leaves":[0]}`:               "node 0",
		`{"nodes":[{"name":"a"},{"name":"b"}],"leaves":[0]}`:                `node 1, "b", has 0 parents`,
		`{"nodes":[{"name":"a"},{"name":"b","parents":[1]}],"leaves":[0]}`:  "has the parent 1",
		`{"nodes":[{"name":"a"},{"name":"b","parents":[-1]}],"leaves":[0]}`: "has the parent -1",
		`{"nodes":[{"name":"a"}],"leaves":[1]}`:                             "class 0 is node 1 of 1",
		`{"nodes":[{"name":"a"}]}`:                                          "no classes",
		`{"nodes":7}`:                                                       "number",
	} {
		if err := json.Unmarshal([]byte(text), &again); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v does not say %q", text, err, says)
		}
	}
}

// The trees of small data sets have the classes in the order of their files.
func TestSmallTrees(t *testing.T) {
	if got := strings.Join(Classes(CIFAR10()), " "); got != "airplane automobile bird cat deer dog frog horse ship truck" {
		t.Errorf("CIFAR-10 has %s", got)
	}
	if PathSimilarity(CIFAR10(), 3, 5) <= PathSimilarity(CIFAR10(), 3, 8) {
		t.Error("a cat is as near to a ship as to a dog")
	}
	if tree := FashionMNIST(); tree.Leaves() != 10 || PathSimilarity(tree, 0, 1) != PathSimilarity(tree, 0, 9) {
		t.Error("Fashion-MNIST's tree says something")
	}
}

// Whatever is in the file, there is an error with a line or a tree of the classes.
func FuzzReadFile(f *testing.F) {
	f.Add(petsText)
	f.Add(petsJSON)
	f.Fuzz(func(t *testing.T, text string) {
		tree, err := parseTree(text, pets)
		if err != nil {
			if line, _, ok := strings.Cut(err.Error(), ":"); !ok || strings.Trim(line, "0123456789") != "" {
				t.Fatalf("no line: %v", err)
			}
			return
		}
		if !slices.Equal(Classes(tree), pets) {
			t.Fatalf("classes %v", Classes(tree))
		}
		for node := 1; node < tree.Len(); node++ {
			if p := tree.Parents(node); len(p) != 1 || p[0] < 0 || p[0] >= node {
				t.Fatalf("node %d has parents %v", node, p)
			}
		}
	})
}
