package taxonomy

import (
	"math"
	"slices"
)

// Superclass is the node right above a class, given by label: the first of several parents, or -1 if the class is
// the root.
func Superclass(t Tree, class int) int {
	parents := t.Parents(t.Leaf(class))
	if len(parents) == 0 {
		return -1
	}
	return parents[0]
}

// PathSimilarity of two classes, given by label, is 1/(1+edges on the shortest path between them, by way of an
// ancestor of both): 1 for a class and itself, falling towards 0.
func PathSimilarity(t Tree, a, b int) float64 {
	return meet(lineage(t, t.Leaf(a)), lineage(t, t.Leaf(b))).pathSimilarity()
}

// WuPalmer is the similarity of Wu and Palmer (1994) of two classes, given by label: 2d / (2d + p). Here d
// is the depth of their deepest common ancestor, in nodes on the longest way from the root, both included, and p the
// number of edges on the shortest paths from it to each of them. It is in (0, 1], and 1 for a class and itself.
//
// Where branches join again, definitions differ. Depth and paths are those of NLTK's wup_similarity. But NLTK
// takes for the common ancestor the one whose shortest way from the root is longest. That makes a dog only 0.93
// similar to itself, and two breeds less similar than they are here, where it is the one whose longest way is
// longest, as in NLTK's lowest_common_hypernyms.
func WuPalmer(t Tree, a, b int) float64 {
	return meet(lineage(t, t.Leaf(a)), lineage(t, t.Leaf(b))).wuPalmer()
}

// A Table holds the similarities of all pairs of classes, by label, and the Superclass of each.
type Table struct {
	Path, WuPalmer [][]float64 // symmetric
	Superclass     []int       // node numbers
}

// NewTable returns the table of classes 0 to classes-1.
func NewTable(t Tree, classes int) Table {
	table := Table{
		Path:       make([][]float64, classes),
		WuPalmer:   make([][]float64, classes),
		Superclass: make([]int, classes),
	}
	lineages := make([][]ancestor, classes)
	for a := range classes {
		lineages[a] = lineage(t, t.Leaf(a))
		table.Path[a], table.WuPalmer[a] = make([]float64, classes), make([]float64, classes)
		table.Superclass[a] = Superclass(t, a)
		for b := range a + 1 {
			m := meet(lineages[a], lineages[b])
			path, wuPalmer := m.pathSimilarity(), m.wuPalmer()
			table.Path[a][b], table.Path[b][a] = path, path
			table.WuPalmer[a][b], table.WuPalmer[b][a] = wuPalmer, wuPalmer
		}
	}
	return table
}

// An ancestor is a node that lies above, or is, the one it was asked for.
type ancestor struct {
	node  int
	depth int // nodes on the longest way from the root to it, both included
	up    int // edges on the shortest way up to it
	away  int // edges on the shortest path to it, which may go higher up and come down: never more than up
}

// lineage returns the ancestors of a node by rising number: the root first, the node itself last.
func lineage(t Tree, node int) []ancestor {
	up := map[int]int{node: 0}
	nodes := []int{node}
	for i := 0; i < len(nodes); i++ { // breadth first, so the first way found to a node is a shortest
		for _, p := range t.Parents(nodes[i]) {
			if _, ok := up[p]; !ok {
				up[p] = up[nodes[i]] + 1
				nodes = append(nodes, p)
			}
		}
	}
	slices.Sort(nodes)
	index := make(map[int]int, len(nodes))
	l := make([]ancestor, len(nodes))
	for i, n := range nodes {
		index[n] = i
		l[i] = ancestor{node: n, depth: 1, up: up[n], away: up[n]}
		for _, p := range t.Parents(n) { // done already, as its number is lower
			parent := l[index[p]]
			l[i].depth = max(l[i].depth, parent.depth+1)
			l[i].away = min(l[i].away, parent.away+1)
		}
	}
	return l
}

// A meeting is where two lineages join.
type meeting struct {
	edges       int // on the shortest path between the two nodes
	node, depth int // of their deepest common ancestor
	away        int // edges on the shortest paths from there to either, together
}

func meet(a, b []ancestor) meeting {
	m := meeting{edges: math.MaxInt}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		x, y := a[i], b[j]
		if x.node <= y.node {
			i++
		}
		if y.node <= x.node {
			j++
		}
		if x.node != y.node {
			continue
		}
		m.edges = min(m.edges, x.up+y.up)
		if away := x.away + y.away; x.depth > m.depth || x.depth == m.depth && away < m.away {
			m.node, m.depth, m.away = x.node, x.depth, away
		}
	}
	return m
}

func (m meeting) pathSimilarity() float64 { return 1 / (1 + float64(m.edges)) }

func (m meeting) wuPalmer() float64 { return 2 * float64(m.depth) / float64(2*m.depth+m.away) }

// Select is the table of some of the classes, by label, in that order.
func (t Table) Select(classes []int) Table {
	pick := func(of [][]float64) [][]float64 {
		out := make([][]float64, len(classes))
		for i, a := range classes {
			out[i] = make([]float64, len(classes))
			for j, b := range classes {
				out[i][j] = of[a][b]
			}
		}
		return out
	}
	out := Table{Path: pick(t.Path), WuPalmer: pick(t.WuPalmer)}
	for _, a := range classes {
		out.Superclass = append(out.Superclass, t.Superclass[a])
	}
	return out
}

// OneScale says whether Wu-Palmer similarity of different classes is a line in their path similarity. In a tree of two
// levels below the root it always is, so that what is measured by one is measured by the other.
func (t Table) OneScale() bool {
	const rounding = 1e-9
	var path, wuPalmer []float64 // of each pair
	for c, row := range t.Path {
		path, wuPalmer = append(path, row[:c]...), append(wuPalmer, t.WuPalmer[c][:c]...)
	}
	slope := 0.0
	for i := range path {
		if run := path[i] - path[0]; run != 0 {
			slope = (wuPalmer[i] - wuPalmer[0]) / run
			break
		}
	}
	for i := range path {
		if math.Abs(wuPalmer[i]-wuPalmer[0]-slope*(path[i]-path[0])) > rounding {
			return false
		}
	}
	return slope >= 0
}
