package taxonomy

import (
	"slices"
	"testing"
)

func TestDigestSeesEveryPart(t *testing.T) {
	build := func(root, leaf string, parents []int, labels ...int) Tree {
		m := &Memory{}
		m.Add(root)
		m.Add("inner", 0)
		m.Add(leaf, parents...)
		for _, node := range labels {
			m.Label(node)
		}
		return m
	}
	seen := map[string]string{}
	for part, tree := range map[string]Tree{
		"nothing": build("root", "leaf", []int{1}, 2, 1), "a name": build("root", "twig", []int{1}, 2, 1), "the root's name": build("top", "leaf", []int{1}, 2, 1),
		"a parent": build("root", "leaf", []int{0}, 2, 1), "a join": build("root", "leaf", []int{0, 1}, 2, 1),
		"the labels' order": build("root", "leaf", []int{1}, 1, 2), "a label": build("root", "leaf", []int{1}, 2),
	} {
		if other, ok := seen[Digest(tree)]; ok {
			t.Errorf("changing %s gives the same digest as changing %s", part, other)
		}
		seen[Digest(tree)] = part
	}
	if got := Classes(build("root", "leaf", []int{1}, 2, 1)); !slices.Equal(got, []string{"leaf", "inner"}) {
		t.Errorf("classes %v", got)
	}
}
