package dataset

import (
	"math"
	"testing"
)

// The tree of this test is uneven:
//
//	entity (depth 1)
//	├── rock 0 (2)
//	└── animal (2)
//	    ├── fish 1 (3)
//	    └── mammal (3)
//	        └── canine (4)
//	            ├── wolf 2 (5)
//	            └── fox 3 (5)
func unevenTree() *tree {
	t := &tree{}
	entity := t.add("entity", -1)
	t.addClass("rock", entity)
	animal := t.add("animal", entity)
	t.addClass("fish", animal)
	canine := t.add("canine", t.add("mammal", animal))
	t.addClass("wolf", canine)
	t.addClass("fox", canine)
	return t
}

func TestTreeSimilarities(t *testing.T) {
	const rock, fish, wolf, fox = 0, 1, 2, 3
	tr := unevenTree()
	for _, c := range []struct {
		a, b      int
		ancestor  string
		path, wup float64
	}{
		{wolf, wolf, "wolf", 1, 1},
		{wolf, fox, "canine", 1. / 3, 8. / 10},
		{wolf, fish, "animal", 1. / 5, 4. / 8},
		{fish, rock, "entity", 1. / 4, 2. / 5},
		{fox, rock, "entity", 1. / 6, 2. / 7},
	} {
		for _, pair := range [][2]int{{c.a, c.b}, {c.b, c.a}} {
			a, b := pair[0], pair[1]
			if got := tr.Name(CommonAncestor(tr, tr.Leaf(a), tr.Leaf(b))); got != c.ancestor {
				t.Errorf("CommonAncestor(%d, %d) = %s, want %s", a, b, got, c.ancestor)
			}
			if got := PathSimilarity(tr, a, b); math.Abs(got-c.path) > 1e-12 {
				t.Errorf("PathSimilarity(%d, %d) = %v, want %v", a, b, got, c.path)
			}
			if got := WuPalmer(tr, a, b); math.Abs(got-c.wup) > 1e-12 {
				t.Errorf("WuPalmer(%d, %d) = %v, want %v", a, b, got, c.wup)
			}
		}
	}
	// A class may lie above another node: the ancestor is then the class's own.
	if got := CommonAncestor(tr, tr.Leaf(wolf), tr.Parent(tr.Leaf(wolf))); tr.Name(got) != "canine" {
		t.Errorf("CommonAncestor of a node and its parent is %s, want canine", tr.Name(got))
	}
	if got := tr.Name(Superclass(tr, fish)); got != "animal" {
		t.Errorf("Superclass(fish) = %s, want animal", got)
	}
	if got := Depth(tr, tr.Leaf(fox)); got != 5 {
		t.Errorf("Depth(fox) = %d, want 5", got)
	}
}

// The tree of the glyphs orders pairs of classes: same outline, same number of lobes, neither.
func TestGlyphTree(t *testing.T) {
	d := glyphsSmall()
	superclasses := map[int]int{}
	for label := range d.Classes {
		superclasses[Superclass(d.Tree, label)]++
		if name := d.Tree.Name(d.Tree.Leaf(label)); name != d.Classes[label].Name {
			t.Errorf("class %d is %q, but its node %q", label, d.Classes[label].Name, name)
		}
	}
	if len(superclasses) != len(outlines) {
		t.Errorf("%d superclasses, want %d", len(superclasses), len(outlines))
	}
	for superclass, classes := range superclasses {
		if classes != len(textures) {
			t.Errorf("%d classes in %s, want %d", classes, d.Tree.Name(superclass), len(textures))
		}
	}
	for b, want := range map[int]float64{0: 1, 1: 1. / 3, 10: 1. / 5, 20: 1. / 7} {
		if got := PathSimilarity(d.Tree, 0, b); math.Abs(got-want) > 1e-12 {
			t.Errorf("PathSimilarity(%s, %s) = %v, want %v", d.Classes[0].Name, d.Classes[b].Name, got, want)
		}
	}
}
