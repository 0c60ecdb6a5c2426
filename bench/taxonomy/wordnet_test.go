package taxonomy

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	excerpt = "testdata/wordnet" // what is above the synsets below, with its licence
	debian  = "/usr/share/wordnet"
)

var synsets = []string{
	"n02084071", "n02121620", "n02114100", "n01443537", // dog, cat, wolf, goldfish
	"n02063662", "n02065407", "n02071294", "n01670092", "n06367879", // right whale, minke whale, orca, tortoise, novel
	"n04194289", "n02858304", "n02958343", // ship, boat, car
	"n10787470", "n10954498", "n00004475", // woman, Einstein, organism
}

// The values are documented where it says so: in NLTK's howto for WordNet, in Bird, Klein and Loper, Natural
// Language Processing with Python, 2.5, or in tests of NLTK. All others were worked out with a separate script,
// written from NLTK's definitions.
func TestWordNetKnownValues(t *testing.T) {
	const dog, cat, wolf, goldfish, right, minke, orca, tortoise, novel, ship, boat, car, woman, einstein, organism = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
	dirs := []string{excerpt}
	if _, err := os.Stat(filepath.Join(debian, "data.noun")); err == nil {
		dirs = append(dirs, debian)
	} else {
		t.Logf("the same values from the excerpt only: %v", err)
	}
	for _, dir := range dirs {
		tree, err := OpenWordNet(dir, synsets)
		if err != nil {
			t.Error(err)
			continue
		}
		check(t, tree, []known{
			{dog, cat, "carnivore", 0.2, 24. / 28},           // howto: 0.2, 0.857
			{right, minke, "baleen_whale", 1. / 4, 30. / 33}, // book: 0.25
			{right, orca, "whale", 1. / 6, 28. / 33},         // book: 0.167
			{right, tortoise, "vertebrate", 1. / 13, .6},     // book: 0.077
			{right, novel, "entity", 1. / 23, 2. / 24},       // book: 0.043
			{ship, boat, "vessel", 1. / 3, 20. / 22},
			{ship, car, "vehicle", 1. / 8, 16. / 23},
			{ship, cat, "whole", 1. / 18, 8. / 25},
			{dog, wolf, "canine", 1. / 3, 26. / 28},
			{woman, dog, "organism", 1. / 7, 12. / 18}, // NLTK's tests: the ancestor of person and dog
			{woman, organism, "organism", 1. / 4, 12. / 15},
			// The shortest path from the dog to the vertebrate goes up to the animal and down again.
			{dog, goldfish, "vertebrate", 1. / 13, 18. / 30},
			// Instance hypernyms count. NLTK's wup_similarity has 12/19: see WuPalmer.
			{woman, einstein, "person", 1. / 6, 14. / 19},
			{dog, dog, "dog", 1, 1},
		})
		if got := depthOf(tree, tree.Leaf(dog)); got != 14 {
			t.Errorf("depthOf(dog) = %d, want 14", got)
		}
		if got := tree.Name(Superclass(tree, dog)); got != "canine" {
			t.Errorf("Superclass(dog) = %s, want canine", got)
		}
		if got := tree.Name(0); got != "entity" {
			t.Errorf("the root is %s", got)
		}
		if got := tree.Len(); got != 69 {
			t.Errorf("%d nodes, want the 69 of the excerpt", got)
		}
	}
}

func readExcerpt(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(excerpt, "data.noun"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The excerpt differs from WordNet in nothing but the lines left out.
func TestExcerptIsUnchanged(t *testing.T) {
	for _, file := range []string{"data.noun", "index.noun"} {
		whole, err := os.ReadFile(filepath.Join(debian, file))
		if err != nil {
			t.Skipf("nothing to compare with: %v", err)
		}
		part, err := os.ReadFile(filepath.Join(excerpt, file))
		if err != nil {
			t.Fatal(err)
		}
		lines := map[string]bool{}
		for line := range strings.Lines(string(whole)) {
			lines[line] = true
		}
		for line := range strings.Lines(string(part)) {
			if !lines[line] {
				t.Errorf("not in WordNet's %s: %.60s", file, line)
			}
		}
	}
}

func TestWordNetErrors(t *testing.T) {
	const dog = "n02084071"
	whole := readExcerpt(t)
	_, entity, _ := strings.Cut(whole, "00001740") // the first synset, right below the licence
	replace := func(old, new string) string {
		t.Helper()
		if strings.Count(whole, old) != 1 {
			t.Fatalf("%q occurs %d times", old, strings.Count(whole, old))
		}
		return strings.Replace(whole, old, new, 1)
	}
	const dogWords = "02084071 05 n 03 dog"
	lineOf := func(s string) string {
		return fmt.Sprintf("data.noun:%d:", 1+strings.Count(whole[:strings.Index(whole, "\n"+s)+1], "\n"))
	}
	dogLine := lineOf(dogWords)
	for name, c := range map[string]struct {
		text string
		ids  []string
		want []string // parts of the error
	}{
		"version 3.1":        {replace("WordNet 3.0", "WordNet 3.1"), []string{dog}, []string{`"3.1"`, "offsets", "wordnet-base"}},
		"no licence":         {"00001740" + entity, []string{dog}, []string{"licence", "wordnet-base"}},
		"empty":              {"", []string{dog}, []string{"licence"}},
		"no synsets":         {whole, nil, []string{"no synsets"}},
		"unknown":            {whole, []string{dog, "n00000001"}, []string{"n00000001", "class 1", "version"}},
		"noun, no index":     {whole, []string{"dog"}, []string{"index.noun", "wordnet-base"}},
		"not an offset":      {replace("\n"+dogWords, "\nx2084071 05 n 03 dog"), []string{dog}, []string{dogLine, "eight digits"}},
		"twice":              {whole + dogWords + "\n", []string{dog}, []string{"02084071 is on line", "already"}},
		"verb":               {replace(dogWords, "02084071 05 v 03 dog"), []string{dog}, []string{dogLine, "noun"}},
		"short line":         {replace("\n"+dogWords, "\n02084071 |"+dogWords), []string{dog}, []string{dogLine}},
		"no words":           {replace(dogWords, "02084071 05 n 00 dog"), []string{dog}, []string{dogLine, "words"}},
		"words not a number": {replace(dogWords, "02084071 05 n zz dog"), []string{dog}, []string{dogLine, "words"}},
		"too many words":     {replace(dogWords, "02084071 05 n ff dog"), []string{dog}, []string{dogLine, "words"}},
		"too few pointers":   {replace(" 0 023 @ 02083346", " 0 024 @ 02083346"), []string{dog}, []string{dogLine, "pointers"}},
		"negative pointers":  {replace(" 0 023 @ 02083346", " 0 -23 @ 02083346"), []string{dog}, []string{dogLine, "pointers"}},
		"missing hypernym":   {replace("@ 02083346 n 0000 @ 01317541", "@ 02083346 n 0000 @ 01317542"), []string{dog}, []string{dogLine, "01317542"}},
		"own hypernym":       {replace("@ 02083346 n 0000 @ 01317541", "@ 02083346 n 0000 @ 02084071"), []string{dog}, []string{dogLine, "circle"}},
		"circle":             {replace(" 0 003 ~ 00001930 ", " 0 003 @ 00001930 "), []string{dog}, []string{lineOf("00001740"), "circle"}},
		"two roots":          {replace(" 0 007 @ 00001740 ", " 0 007 ! 00001740 "), []string{dog, "n06367879"}, []string{lineOf("00001930"), "one root"}},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "data.noun"), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := OpenWordNet(dir, c.ids)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %q", name, err, part)
			}
		}
	}
	if _, err := OpenWordNet(t.TempDir(), []string{dog}); err == nil || !strings.Contains(err.Error(), "wordnet-base") {
		t.Errorf("missing file: %v", err)
	}
}

// Whatever is in the file, there is an error or a tree that keeps what Tree promises.
func FuzzDataNoun(f *testing.F) {
	const header = "  1 WordNet 3.0 Copyright\n"
	f.Add(header+"00000001 03 n 01 a 0 000 | \n00000002 03 n 01 b 0 001 @ 00000001 n 0000 | \n", "n00000002 n00000001")
	f.Add(header+"00000001 03 n 01 a 0 001 @ 00000002 n 0000\n00000002 03 n 01 b 0 001 @i 00000001 n 0000\n", "n00000001")
	f.Add(header+"00000001 03 n 01 a 0 000 |\n00000002 03 n 02 b 0 c 1 002 @ 00000001 n 0000 ~ 00000003 n 0000 |\n"+
		"00000003 03 n 01 d 0 002 @ 00000002 n 0000 @i 00000001 n 0000 | e\n", "n00000003 n00000002")
	f.Fuzz(func(t *testing.T, text, ids string) {
		classes := strings.Fields(ids)
		classes = classes[:min(len(classes), 20)]
		tree, err := parseNouns("data.noun", text, classes)
		if err != nil {
			return
		}
		for node := range tree.Len() {
			parents := tree.Parents(node)
			if (node == 0) != (len(parents) == 0) || slices.ContainsFunc(parents, func(p int) bool { return p < 0 || p >= node }) {
				t.Fatalf("node %d has parents %v", node, parents)
			}
		}
		table := NewTable(tree, len(classes))
		for a := range classes {
			if table.Path[a][a] != 1 || table.WuPalmer[a][a] != 1 {
				t.Errorf("class %d is %v and %v similar to itself", a, table.Path[a][a], table.WuPalmer[a][a])
			}
			for b := range classes {
				for _, v := range []float64{table.Path[a][b], table.WuPalmer[a][b]} {
					if !(v > 0 && v <= 1) {
						t.Errorf("classes %d and %d: similarity %v", a, b, v)
					}
				}
			}
		}
	})
}

// As many classes as ImageNet has.
func BenchmarkNewTable(b *testing.B) {
	text, err := os.ReadFile(filepath.Join(debian, "data.noun"))
	if err != nil {
		b.Skip(err)
	}
	file, err := indexNouns("data.noun", string(text))
	if err != nil {
		b.Fatal(err)
	}
	var ids []string
	for i, offset := range slices.Sorted(maps.Keys(file.lines)) {
		if i%80 == 0 && len(ids) < 1000 {
			ids = append(ids, "n"+offset)
		}
	}
	tree, err := OpenWordNet(debian, ids)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		NewTable(tree, len(ids))
	}
}
