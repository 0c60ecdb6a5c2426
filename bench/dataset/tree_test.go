package dataset

import (
	"math"
	"testing"

	"github.com/cidbench/cidbench/bench/taxonomy"
)

// The tree of the glyphs orders pairs of classes: same outline, same number of lobes, neither.
func TestGlyphTree(t *testing.T) {
	d := glyphsSmall()
	superclasses := map[int]int{}
	for label := range d.Classes {
		superclasses[taxonomy.Superclass(d.Tree, label)]++
		if name := d.Tree.Name(d.Tree.Leaf(label)); name != d.Classes[label] {
			t.Errorf("class %d is %q, but its node %q", label, d.Classes[label], name)
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
		if got := taxonomy.PathSimilarity(d.Tree, 0, b); math.Abs(got-want) > 1e-12 {
			t.Errorf("PathSimilarity(%s, %s) = %v, want %v", d.Classes[0], d.Classes[b], got, want)
		}
	}
}
