package taxonomy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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
func unevenTree() *Memory {
	t := &Memory{}
	entity := t.Add("entity")
	t.Label(t.Add("rock", entity))
	animal := t.Add("animal", entity)
	t.Label(t.Add("fish", animal))
	canine := t.Add("canine", t.Add("mammal", animal))
	t.Label(t.Add("wolf", canine))
	t.Label(t.Add("fox", canine))
	return t
}

// joinedTree has the dog twice, as canine and as pet, and so two ways from it to the animal.
func joinedTree() *Memory {
	t := unevenTree()
	pet := t.Add("pet", 2)
	t.Label(t.Add("dog", 5, pet))
	t.Label(t.Add("goldfish", 3, pet))
	return t
}

const rock, fish, wolf, fox, dog, goldfish = 0, 1, 2, 3, 4, 5

// A known value is one pair of classes, by label.
type known struct {
	a, b      int
	ancestor  string
	path, wup float64
}

func check(t *testing.T, tree Tree, values []known) {
	t.Helper()
	for _, v := range values {
		for _, pair := range [][2]int{{v.a, v.b}, {v.b, v.a}} {
			a, b := pair[0], pair[1]
			what := fmt.Sprintf("%s and %s", tree.Name(tree.Leaf(a)), tree.Name(tree.Leaf(b)))
			if got := tree.Name(commonAncestor(tree, tree.Leaf(a), tree.Leaf(b))); got != v.ancestor {
				t.Errorf("%s: commonAncestor is %s, want %s", what, got, v.ancestor)
			}
			if got := PathSimilarity(tree, a, b); math.Abs(got-v.path) > 1e-12 {
				t.Errorf("%s: PathSimilarity is %v, want %v", what, got, v.path)
			}
			if got := WuPalmer(tree, a, b); math.Abs(got-v.wup) > 1e-12 {
				t.Errorf("%s: WuPalmer is %v, want %v", what, got, v.wup)
			}
		}
	}
}

func TestTreeSimilarities(t *testing.T) {
	tr := unevenTree()
	check(t, tr, []known{
		{wolf, wolf, "wolf", 1, 1},
		{wolf, fox, "canine", 1. / 3, 8. / 10},
		{wolf, fish, "animal", 1. / 5, 4. / 8},
		{fish, rock, "entity", 1. / 4, 2. / 5},
		{fox, rock, "entity", 1. / 6, 2. / 7},
	})
	// A class may lie above another node: the ancestor is then the class's own.
	if got := commonAncestor(tr, tr.Leaf(wolf), tr.Parents(tr.Leaf(wolf))[0]); tr.Name(got) != "canine" {
		t.Errorf("commonAncestor of a node and its parent is %s, want canine", tr.Name(got))
	}
	if got := tr.Name(Superclass(tr, fish)); got != "animal" {
		t.Errorf("Superclass(fish) = %s, want animal", got)
	}
	if got := depthOf(tr, tr.Leaf(fox)); got != 5 {
		t.Errorf("depthOf(fox) = %d, want 5", got)
	}
	single := &Memory{}
	single.Label(single.Add("everything"))
	if got := Superclass(single, 0); got != -1 {
		t.Errorf("Superclass of the root is %d, want -1", got)
	}
	check(t, single, []known{{0, 0, "everything", 1, 1}})
}

func TestJoinedBranches(t *testing.T) {
	tr := joinedTree()
	check(t, tr, []known{
		{dog, dog, "dog", 1, 1},
		{dog, wolf, "canine", 1. / 3, 8. / 10},
		{dog, goldfish, "pet", 1. / 3, 6. / 8}, // at depth 3
		{dog, fish, "animal", 1. / 4, 4. / 7},  // by way of the pet, not of canine and mammal
		{dog, rock, "entity", 1. / 5, 2. / 6},
		{goldfish, fish, "fish", 1. / 2, 6. / 7},
	})
	if got := depthOf(tr, tr.Leaf(dog)); got != 5 {
		t.Errorf("depthOf(dog) = %d, want 5, the longer way", got)
	}
	if got := tr.Name(Superclass(tr, dog)); got != "canine" {
		t.Errorf("Superclass(dog) = %s, want canine, the first", got)
	}
}

// Random trees with many joins, against definitions written down without a thought for speed.
func TestAgainstDefinitions(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		tree := &Memory{}
		tree.Add("0")
		for node := 1; node < 24; node++ {
			parents := []int{random.IntN(node)}
			for p := range node {
				if p != parents[0] && random.IntN(8) == 0 {
					parents = append(parents, p)
				}
			}
			tree.Add(fmt.Sprint(node), parents...)
		}
		for node := range tree.Len() {
			tree.Label(node)
		}
		table := NewTable(tree, tree.Len())
		for a := range tree.Len() {
			for b := range tree.Len() {
				var common []int
				for x := range tree.Len() {
					if above(tree, a, x) >= 0 && above(tree, b, x) >= 0 {
						common = append(common, x)
					}
				}
				deepest := slices.MaxFunc(common, func(x, y int) int {
					if d := longest(tree, x) - longest(tree, y); d != 0 {
						return d
					}
					return apart(tree, a, y) + apart(tree, b, y) - apart(tree, a, x) - apart(tree, b, x)
				})
				depth := float64(longest(tree, deepest))
				path := 1 / float64(1+apart(tree, a, b))
				wup := 2 * depth / (2*depth + float64(apart(tree, a, deepest)+apart(tree, b, deepest)))
				if got := table.Path[a][b]; got != path || got != PathSimilarity(tree, a, b) {
					t.Fatalf("path similarity of %d and %d is %v, want %v, in %v", a, b, got, path, tree.parents)
				}
				if got := table.WuPalmer[a][b]; got != wup || got != WuPalmer(tree, a, b) {
					t.Fatalf("Wu-Palmer similarity of %d and %d is %v, want %v, in %v", a, b, got, wup, tree.parents)
				}
			}
			if got := table.Superclass[a]; got != Superclass(tree, a) {
				t.Fatalf("superclass of %d is %d, in %v", a, got, tree.parents)
			}
		}
	}
}

// above is the number of edges on the shortest way from node up to x, or -1 if x is not above it.
func above(t Tree, node, x int) int {
	if node == x {
		return 0
	}
	shortest := -1
	for _, p := range t.Parents(node) {
		if n := above(t, p, x); n >= 0 && (shortest < 0 || n+1 < shortest) {
			shortest = n + 1
		}
	}
	return shortest
}

// apart is the number of edges on the shortest path from a to b by way of an ancestor of both.
func apart(t Tree, a, b int) int {
	shortest := math.MaxInt
	for x := range t.Len() {
		if up, down := above(t, a, x), above(t, b, x); up >= 0 && down >= 0 {
			shortest = min(shortest, up+down)
		}
	}
	return shortest
}

// longest is the number of nodes on the longest way from the root.
func longest(t Tree, node int) int {
	depth := 1
	for _, p := range t.Parents(node) {
		depth = max(depth, longest(t, p)+1)
	}
	return depth
}

func TestMemoryRefusesWhatIsNoTree(t *testing.T) {
	for name, add := range map[string]func(*Memory){
		"second root": func(m *Memory) { m.Add("x") },
		"own parent":  func(m *Memory) { m.Add("x", m.Len()) },
		"no node":     func(m *Memory) { m.Add("x", -1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			add(unevenTree())
		}()
	}
}

// depthOf is the number of nodes on the longest way from the root to node, both included: 1 for the root.
func depthOf(t Tree, node int) int {
	l := lineage(t, node)
	return l[len(l)-1].depth
}

// commonAncestor is the deepest node that lies above, or is, both a and b; of several equally deep, the nearest
// to both.
func commonAncestor(t Tree, a, b int) int {
	return meet(lineage(t, a), lineage(t, b)).node
}

func TestSelectKeepsTheSimilarities(t *testing.T) {
	tree := CIFAR100()
	some := []int{99, 0, 42}
	got := NewTable(tree, tree.Leaves()).Select(some)
	for i, a := range some {
		if got.Superclass[i] != Superclass(tree, a) {
			t.Errorf("superclass of %d is %d", a, got.Superclass[i])
		}
		for j, b := range some {
			if got.Path[i][j] != PathSimilarity(tree, a, b) || got.WuPalmer[i][j] != WuPalmer(tree, a, b) {
				t.Errorf("classes %d and %d: %g and %g", a, b, got.Path[i][j], got.WuPalmer[i][j])
			}
		}
	}
}

func TestOneScale(t *testing.T) {
	for _, tc := range []struct {
		name string
		tree Tree
		want bool
	}{
		{"two levels", CIFAR100(), true},
		{"one level", Flat("thing", "a", "b", "c"), true},
		{"uneven", unevenTree(), false},
		{"joined", joinedTree(), false},
	} {
		if got := NewTable(tc.tree, tc.tree.Leaves()).OneScale(); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
