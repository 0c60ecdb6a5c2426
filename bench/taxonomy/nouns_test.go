package taxonomy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Lines of WordNet 3.0's index.noun, for synsets of the excerpt.
const senses = `  1 This software and database is being provided to you
dog n 7 5 @ ~ #m #p %p 7 1 02084071 10114209 10023039 09886220 07676602 03901548 02710044  
car n 5 4 @ ~ #p %p 5 2 02958343 02959942 02960501 02960352 02934451  
sea_boat n 1 1 @ 1 0 02858304  
`

func TestNouns(t *testing.T) {
	names := []string{"Dog", "n02121620", "car", "sea boat", "sea-boat"}
	got, err := parseSenses("index.noun", senses, names)
	if want := []string{"n02084071", "n02121620", "n02958343", "n02858304", "n02858304"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for name, c := range map[string]struct{ text, says string }{
		"unicorn":    {senses, `index.noun: class 0: "unicorn" is no noun`},
		"02084071":   {senses, "n02084071"},
		"n-2084071":  {senses, "no noun"},
		"dog":        {strings.Replace(senses, "dog n 7 5", "dog n 7 99", 1), "index.noun:2: want the offset"},
		"car":        {strings.Replace(senses, "car n", "car v", 1), "index.noun:3: want a noun"},
		"sea_boat":   {strings.Replace(senses, "02858304", "2858304", 1), "index.noun:4"},
		"Sea boat":   {"sea_boat n", "index.noun:1"},
		"sea boats ": {"", "no noun"},
	} {
		if _, err := parseSenses("index.noun", c.text, []string{name}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %q", name, err, c.says)
		}
	}
	// The lines above are WordNet's.
	whole, err := os.ReadFile(filepath.Join(debian, "index.noun"))
	if err != nil {
		t.Skipf("nothing to compare with: %v", err)
	}
	for line := range strings.Lines(senses) {
		if strings.HasPrefix(line, "dog ") && !strings.Contains(string(whole), "\n"+line) {
			t.Errorf("not in WordNet: %s", line)
		}
	}
	tree, err := OpenWordNet(debian, []string{"dog", "tabby cat", "n02958343"})
	if err != nil || tree.Name(tree.Leaf(0)) != "dog" || tree.Name(tree.Leaf(2)) != "car" {
		t.Errorf("the tree of nouns: %v", err)
	}
}

// Whatever is in the index, there is an error that names it or a synset for each name.
func FuzzIndexNoun(f *testing.F) {
	f.Add(senses, "dog")
	f.Add(senses, "sea-boat")
	f.Add("dog n 1 0 1 0 02084071", "Dog")
	f.Add("dog n 1 99 @ 1 0 02084071", "dog")
	f.Fuzz(func(t *testing.T, text, name string) {
		synsets, err := parseSenses("index.noun", text, []string{"n02121620", name})
		switch {
		case err != nil && strings.Contains(err.Error(), "index.noun"):
		case err != nil || len(synsets) != 2 || synsets[0] != "n02121620" || !IsSynset(synsets[1]):
			t.Fatalf("%q, %v", synsets, err)
		}
	})
}
