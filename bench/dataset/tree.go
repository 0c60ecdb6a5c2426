package dataset

// A Tree places the classes of a data set in a hierarchy of meanings: the outlines of glyphs, the superclasses of
// CIFAR-100, the hypernyms of WordNet. Nodes are numbered 0 to Len()-1. There is one root, and every class is a
// node, usually a leaf; branches may differ in depth.
type Tree interface {
	Len() int             // number of nodes
	Parent(node int) int  // -1 for the root
	Name(node int) string // for reports
	Leaf(class int) int   // the node of a class, by label
}

// Depth is the number of nodes from the root to node, both included: 1 for the root, as in WordNet tools.
func Depth(t Tree, node int) int {
	depth := 0
	for ; node >= 0; node = t.Parent(node) {
		depth++
	}
	return depth
}

// CommonAncestor is the deepest node that lies above, or is, both a and b.
func CommonAncestor(t Tree, a, b int) int {
	depthA, depthB := Depth(t, a), Depth(t, b)
	for a != b {
		if depthA >= depthB {
			a, depthA = t.Parent(a), depthA-1
		} else {
			b, depthB = t.Parent(b), depthB-1
		}
	}
	return a
}

// Superclass is the node right above a class, given by label.
func Superclass(t Tree, class int) int { return t.Parent(t.Leaf(class)) }

// PathSimilarity of two classes, given by label, is 1/(1+edges on the shortest path between them): 1 for a class
// and itself, falling towards 0.
func PathSimilarity(t Tree, a, b int) float64 {
	depthA, depthB, shared := depths(t, a, b)
	return 1 / float64(1+depthA+depthB-2*shared)
}

// WuPalmer is the similarity of Wu and Palmer (1994) of two classes, given by label: twice the depth of their
// common ancestor over the sum of their own depths, in (0, 1].
func WuPalmer(t Tree, a, b int) float64 {
	depthA, depthB, shared := depths(t, a, b)
	return 2 * float64(shared) / float64(depthA+depthB)
}

// depths returns the depths of two classes, given by label, and of their common ancestor.
func depths(t Tree, a, b int) (depthA, depthB, shared int) {
	a, b = t.Leaf(a), t.Leaf(b)
	return Depth(t, a), Depth(t, b), Depth(t, CommonAncestor(t, a, b))
}

// tree is a Tree held in memory: parallel slices over the nodes, and the node of each class.
type tree struct {
	names   []string
	parents []int
	leaves  []int
}

// add appends a node below parent, or the root if parent is -1, and returns its number.
func (t *tree) add(name string, parent int) int {
	t.names = append(t.names, name)
	t.parents = append(t.parents, parent)
	return len(t.names) - 1
}

// addClass appends the node of the next label.
func (t *tree) addClass(name string, parent int) {
	t.leaves = append(t.leaves, t.add(name, parent))
}

func (t *tree) Len() int             { return len(t.names) }
func (t *tree) Parent(node int) int  { return t.parents[node] }
func (t *tree) Name(node int) string { return t.names[node] }
func (t *tree) Leaf(class int) int   { return t.leaves[class] }
