// Package taxonomy holds class trees, which say how near two classes are in meaning, and the similarities read
// off them. The tree of CIFAR-100 is here, and a reader of WordNet for ImageNet; a data set that makes up its own
// classes builds its tree beside them, with Memory.
//
// Images and labels live in dataset, and what the similarities are used for lives with its users.
package taxonomy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// A Tree places the classes of a data set in a hierarchy of meanings: the outlines of glyphs, the superclasses of
// CIFAR-100, the hypernyms of WordNet. Nodes are numbered 0 to Len()-1. Node 0 is the root, above all others.
// Every class is a node, usually a leaf. Branches may differ in depth, and may join again: in WordNet a dog is a
// canine and a domestic animal, both of them animals.
type Tree interface {
	Len() int               // number of nodes
	Parents(node int) []int // not to be changed; each is below node in number, and only the root has none
	Name(node int) string   // for reports
	Leaf(class int) int     // the node of a class, by label
	Leaves() int            // number of classes
}

// Classes are the names of the classes, by label.
func Classes(t Tree) (names []string) {
	for class := range t.Leaves() {
		names = append(names, t.Name(t.Leaf(class)))
	}
	return names
}

// Digest identifies a tree as "sha256:" and 64 hexadecimal digits: its nodes with their names and parents, and
// which of them are the classes.
func Digest(t Tree) string {
	h := sha256.New()
	for node := range t.Len() {
		fmt.Fprintf(h, "node %q %v\n", t.Name(node), t.Parents(node))
	}
	for class := range t.Leaves() {
		fmt.Fprintf(h, "class %d\n", t.Leaf(class))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Memory is a Tree held in memory. The zero value is empty; Add and Label fill it.
type Memory struct {
	names   []string
	parents [][]int
	leaves  []int // by label
}

// Add appends a node and returns its number. The first node is the root and has no parents; every other has one
// or more, added before it, so there are no cycles. Add panics if it is told otherwise.
func (m *Memory) Add(name string, parents ...int) int {
	node := len(m.names)
	if (node == 0) != (len(parents) == 0) {
		panic(fmt.Sprintf("taxonomy: node %d, %s, has %d parents", node, name, len(parents)))
	}
	for _, p := range parents {
		if p < 0 || p >= node {
			panic(fmt.Sprintf("taxonomy: node %d, %s, has parent %d", node, name, p))
		}
	}
	m.names = append(m.names, name)
	m.parents = append(m.parents, parents)
	return node
}

// Label makes a node the class of the next label: 0, then 1, and so on.
func (m *Memory) Label(node int) { m.leaves = append(m.leaves, node) }

func (m *Memory) Len() int               { return len(m.names) }
func (m *Memory) Parents(node int) []int { return m.parents[node] }
func (m *Memory) Name(node int) string   { return m.names[node] }
func (m *Memory) Leaf(class int) int     { return m.leaves[class] }
func (m *Memory) Leaves() int            { return len(m.leaves) }
