package taxonomy

import (
	"encoding/json"
	"errors"
	"fmt"
)

// stored is a tree as JSON.
type stored struct {
	Nodes  []node `json:"nodes"`
	Leaves []int  `json:"leaves"` // by label
}

type node struct {
	Name    string `json:"name"`
	Parents []int  `json:"parents,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (m Memory) MarshalJSON() ([]byte, error) {
	s := stored{Leaves: m.leaves}
	for i, name := range m.names {
		s.Nodes = append(s.Nodes, node{name, m.parents[i]})
	}
	return json.Marshal(s)
}

// UnmarshalJSON implements json.Unmarshaler, and refuses what is no tree.
func (m *Memory) UnmarshalJSON(text []byte) error {
	var s stored
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	*m = Memory{}
	for i, n := range s.Nodes {
		if (i == 0) != (len(n.Parents) == 0) {
			return fmt.Errorf("tree: node %d, %q, has %d parents: the first node is the root, and all others hang below it", i, n.Name, len(n.Parents))
		}
		for _, p := range n.Parents {
			if p < 0 || p >= i {
				return fmt.Errorf("tree: node %d, %q, has the parent %d: want one that stands before it", i, n.Name, p)
			}
		}
		m.Add(n.Name, n.Parents...)
	}
	for label, leaf := range s.Leaves {
		if leaf < 0 || leaf >= len(s.Nodes) {
			return fmt.Errorf("tree: class %d is node %d of %d", label, leaf, len(s.Nodes))
		}
		m.Label(leaf)
	}
	if len(s.Leaves) == 0 {
		return errors.New("tree: it has no classes")
	}
	return nil
}

// Copy is a tree held in memory.
func Copy(t Tree) *Memory {
	m := &Memory{}
	for i := range t.Len() {
		m.Add(t.Name(i), t.Parents(i)...)
	}
	for class := range t.Leaves() {
		m.Label(t.Leaf(class))
	}
	return m
}
