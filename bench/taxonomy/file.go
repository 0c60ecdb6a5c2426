package taxonomy

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Flat is a tree in which all classes hang below the root: it says nothing of meaning.
func Flat(root string, classes ...string) Tree {
	t := &Memory{}
	t.Add(root)
	for _, class := range classes {
		t.Label(t.Add(class, 0))
	}
	return t
}

// ReadFile reads the tree of classes from a file. It is text, where what is indented further hangs below what stands
// above it,
//
//	thing
//	  animal
//	    dog
//	    cat
//	  vehicle
//	    bus
//
// or JSON, {"name": "thing", "children": [{"name": "animal", "children": ["dog", "cat"]}, ...]}. Each class is the name
// of one node, and each node at the tips is a class.
func ReadFile(path string, classes []string) (Tree, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := parseTree(string(text), classes)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err) // which begins with a line
	}
	return t, nil
}

// A written tree has the line of each node.
type written struct {
	Memory
	lines []int
}

func parseTree(text string, classes []string) (Tree, error) {
	t := &written{}
	parse := t.text
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		parse = t.json
	}
	if err := parse(text); err != nil {
		return nil, err
	}
	return &t.Memory, t.label(classes)
}

// text reads indented lines. Blanks and tabs are not mixed, as they would have to be counted.
func (t *written) text(text string) error {
	type open struct{ indent, node int }
	var above []open
	number := 0
	blank := byte(0)
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, " \t\r\n")
		name := strings.TrimLeft(line, " \t")
		if name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		indent := len(line) - len(name)
		for i := range indent {
			if blank == 0 {
				blank = line[i]
			}
			if line[i] != blank {
				return fmt.Errorf("%d: indented by tabs here and by blanks there: use one of them", number)
			}
		}
		if len(above) == 0 {
			if indent > 0 {
				return fmt.Errorf("%d: the first node is the root, and not indented", number)
			}
			above = append(above, open{0, t.add(name, number)})
			continue
		}
		sibling := indent // that of the node beside which this one stands, if it begins no new level
		for len(above) > 0 && above[len(above)-1].indent >= indent {
			sibling = above[len(above)-1].indent
			above = above[:len(above)-1]
		}
		switch {
		case len(above) == 0:
			return fmt.Errorf("%d: %q is a second root: indent it below the first", number, name)
		case sibling != indent:
			return fmt.Errorf("%d: %q is indented by %d, and the nodes beside it by %d", number, name, indent, sibling)
		}
		above = append(above, open{indent, t.add(name, number, above[len(above)-1].node)})
	}
	if len(above) == 0 {
		return fmt.Errorf("1: there is no node")
	}
	return nil
}

func (t *written) add(name string, line int, parents ...int) int {
	t.lines = append(t.lines, line)
	return t.Add(name, parents...)
}

// json reads nested objects token by token, so that errors have lines.
func (t *written) json(text string) error {
	d := json.NewDecoder(strings.NewReader(text))
	line := func() int { return 1 + strings.Count(text[:d.InputOffset()], "\n") }
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%d: %s", line(), fmt.Sprintf(format, args...))
	}
	var object func(depth int, parents ...int) error
	child := func(depth int, token json.Token, node int) error {
		switch token := token.(type) {
		case string:
			t.add(token, line(), node)
			return nil
		case json.Delim:
			if token == '{' {
				return object(depth+1, node)
			}
		}
		return fail("%v: want the name of a class, or an object with name and children", token)
	}
	object = func(depth int, parents ...int) error { // after its {
		if depth > 100 {
			return fail("more than 100 levels")
		}
		node := -1
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return fail("%v", err)
			}
			value, err := d.Token()
			if err != nil {
				return fail("%v", err)
			}
			switch name, isName := value.(string); {
			case key == "name" && isName && node < 0:
				node = t.add(name, line(), parents...)
			case key == "children" && value == json.Delim('[') && node >= 0:
				for d.More() {
					token, err := d.Token()
					if err != nil {
						return fail("%v", err)
					}
					if err := child(depth, token, node); err != nil {
						return err
					}
				}
				if _, err := d.Token(); err != nil { // the ]
					return fail("%v", err)
				}
			default:
				return fail("%q: want one \"name\", a text, and after it \"children\", a list", key)
			}
		}
		if _, err := d.Token(); err != nil { // the }
			return fail("%v", err)
		}
		if node < 0 {
			return fail("a node has no name")
		}
		return nil
	}
	if _, err := d.Token(); err != nil {
		return fail("%v", err)
	}
	if err := object(0); err != nil {
		return err
	}
	if d.More() {
		return fail("something follows the root")
	}
	return nil
}

// label finds the classes among the nodes.
func (t *written) label(classes []string) error {
	inner := make([]bool, t.Len())
	nodes := map[string][]int{}
	for node := range t.Len() {
		nodes[t.Name(node)] = append(nodes[t.Name(node)], node)
		for _, p := range t.Parents(node) {
			inner[p] = true
		}
	}
	used := map[int]bool{}
	for label, class := range classes {
		found := nodes[class]
		if len(found) == 0 {
			return fmt.Errorf("%d: class %q (label %d) is not in the tree", t.lines[len(t.lines)-1], class, label)
		}
		if len(found) > 1 {
			return fmt.Errorf("%d: %q stands on line %d already: which is the class?", t.lines[found[1]], class, t.lines[found[0]])
		}
		t.Label(found[0])
		used[found[0]] = true
	}
	for node := range t.Len() {
		if !inner[node] && !used[node] {
			return fmt.Errorf("%d: %q is no class of the data set: these are %s", t.lines[node], t.Name(node), some(classes))
		}
	}
	return nil
}

// some names the first few.
func some(classes []string) string {
	const most = 5
	text := strings.Join(slices.Clone(classes[:min(most, len(classes))]), ", ")
	if len(classes) > most {
		text += fmt.Sprintf(" and %d more", len(classes)-most)
	}
	return text
}
