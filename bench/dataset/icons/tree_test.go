package icons

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/cidbench/cidbench/bench/taxonomy"
)

var (
	update  = flag.Bool("update", false, "write wordnet.json from WordNet")
	wordNet = flag.String("wordnet", "/usr/share/wordnet", "where WordNet 3.0 is")
)

// TestTree holds the part of WordNet that is shipped against the whole of it.
func TestTree(t *testing.T) {
	classes := Classes()
	if !*update {
		tree := Tree()
		if tree.Leaves() != len(classes) {
			t.Fatalf("%d classes, and a tree of %d", len(classes), tree.Leaves())
		}
		for label, class := range taxonomy.Classes(tree) {
			if class != classes[label].Name {
				t.Errorf("class %d is %s, and %s in the tree", label, classes[label].Name, class)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(*wordNet, "data.noun")); err != nil {
		t.Skipf("NOT CHECKED: wordnet.json: %v: apt-get install wordnet-base", err)
	}
	var synsets []string
	name := map[int]string{}
	for _, c := range classes {
		synsets = append(synsets, c.Synset)
	}
	whole, err := taxonomy.OpenWordNet(*wordNet, synsets)
	if err != nil {
		t.Fatal(err)
	}
	for label, c := range classes {
		name[whole.Leaf(label)] = c.Name
	}
	part := &taxonomy.Memory{}
	for node := range whole.Len() {
		if name[node] == "" {
			name[node] = whole.Name(node)
		}
		part.Add(name[node], whole.Parents(node)...)
	}
	for label := range classes {
		part.Label(whole.Leaf(label))
	}
	if *update {
		text, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.ReplaceAll(text, []byte(`{"name"`), []byte("\n"+`{"name"`)) // a node a line
		if err := os.WriteFile("wordnet.json", append(lines, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := taxonomy.Digest(Tree()); got != taxonomy.Digest(part) {
		t.Errorf("wordnet.json is another part of WordNet: %s; -update writes it", got)
	}
}
