package taxonomy

import (
	"slices"
	"testing"
)

// The coarse label of each fine label, as in the files of CIFAR-100.
var coarse = [100]int{
	4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11, 6, 11, 5, 10, 7,
	6, 13, 15, 3, 15, 0, 11, 1, 10, 12, 14, 16, 9, 11, 5, 5, 19, 8, 8, 15, 13, 14, 17, 18, 10,
	16, 4, 17, 4, 2, 0, 17, 4, 18, 17, 10, 3, 2, 12, 12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16,
	12, 9, 13, 15, 13, 16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13,
}

func TestCIFAR100(t *testing.T) {
	tree := CIFAR100()
	if got := tree.Len(); got != 121 {
		t.Errorf("%d nodes, want 1 + 20 + 100", got)
	}
	classes := map[int]int{}
	for label, c := range coarse {
		superclass := Superclass(tree, label)
		classes[superclass]++
		if superclass != 1+c {
			t.Errorf("%s is below %s, want coarse label %d", tree.Name(tree.Leaf(label)), tree.Name(superclass), c)
		}
	}
	for superclass := 1; superclass <= 20; superclass++ {
		if classes[superclass] != 5 {
			t.Errorf("%d classes in %s, want 5", classes[superclass], tree.Name(superclass))
		}
	}
	for label, want := range map[int]string{0: "apple", 19: "cattle", 47: "maple_tree", 50: "mouse", 71: "sea", 99: "worm"} {
		if got := tree.Name(tree.Leaf(label)); got != want {
			t.Errorf("class %d is %s, want %s", label, got, want)
		}
	}
	table := NewTable(tree, 100)
	for a, row := range table.Path {
		for b, path := range row {
			wantPath, wantWuPalmer := 1./5, 2./6
			switch {
			case a == b:
				wantPath, wantWuPalmer = 1, 1
			case coarse[a] == coarse[b]:
				wantPath, wantWuPalmer = 1./3, 4./6
			}
			if path != wantPath || table.WuPalmer[a][b] != wantWuPalmer {
				t.Fatalf("classes %d and %d: %v and %v, want %v and %v", a, b, path, table.WuPalmer[a][b], wantPath, wantWuPalmer)
			}
		}
	}
	names := make([]string, 20)
	for c := range names {
		names[c] = tree.Name(1 + c)
	}
	if !slices.IsSorted(names) {
		t.Errorf("coarse labels are not in alphabetical order: %v", names)
	}
}
