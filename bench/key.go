package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/registry"
)

// KeyScheme is how specs become keys. It rises when the same spec would get another key. Scheme 1 had a digest of
// the program's source in every key.
const KeyScheme = 2

// key is the JSON of a spec without the members that are zero: a field that is added to a spec, and whose zero
// value means what was meant before, changes no key.
func key(spec any) json.RawMessage {
	tree := must(decode(must(json.Marshal(spec))))
	return must(json.Marshal(withoutZeros(tree)))
}

// must is for what cannot fail, as plain data becoming JSON.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Stored is what a stored key says of a run, whichever program computed it: its method and settings need not be
// known to this one.
type Stored struct {
	Scheme   int    `json:"scheme"`
	Kind     string `json:"kind"` // of analyses, plans and nights
	Dataset  Data   `json:"dataset"`
	Seed     uint64 `json:"seed"`
	Backend  string `json:"backend"`
	Training struct {
		Features Features        `json:"features"`
		Method   method.ID       `json:"method"`
		Rules    json.RawMessage `json:"rules"`
	} `json:"training"`
	Run string `json:"run"` // of an analysis: the training
	// Tree and Protocol are those of an analysis, as in AnalysisSpec.
	Tree     string   `json:"tree"`
	Protocol string   `json:"protocol"`
	Runs     []string `json:"runs"`  // of a plan: all that confirm; of a night: all of it
	Tier     string   `json:"tier"`  // of a plan or a night
	Night    string   `json:"night"` // its name
}

// IsRun says whether the key is that of a training, or a floor.
func (s Stored) IsRun() bool { return !s.IsAnalysis() && !s.IsPlan() && !s.IsNight() }

// Cites are the ids of the runs that a plan, a night or an analysis rests on.
func (s Stored) Cites() []string {
	if s.IsAnalysis() {
		return []string{s.Run}
	}
	return s.Runs
}

// ReadKey reads a stored key. A key of scheme 1 says nothing of its scheme.
func ReadKey(key json.RawMessage) (s Stored, err error) {
	if err := json.Unmarshal(key, &s); err != nil {
		return s, fmt.Errorf("key: %w", err)
	}
	s.Scheme = max(s.Scheme, 1)
	return s, nil
}

// analysisKind marks the keys of analyses.
const analysisKind = "analysis"

// IsAnalysis says whether the key is that of an analysis.
func (s Stored) IsAnalysis() bool { return s.Kind == analysisKind }

func runID(key json.RawMessage) string { return must(registry.RunID(key)) }

// decode reads JSON, and numbers as they are spelled.
func decode(text []byte) (tree any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&tree)
	return tree, err
}

// withoutZeros drops members of objects that are zero or empty. The elements of arrays stay, for their place
// means something.
func withoutZeros(node any) any {
	switch node := node.(type) {
	case map[string]any:
		maps.DeleteFunc(node, func(name string, child any) bool {
			node[name] = withoutZeros(child)
			return isZero(node[name])
		})
	case []any:
		for i, child := range node {
			node[i] = withoutZeros(child)
		}
	}
	return node
}

func isZero(node any) bool {
	switch node := node.(type) {
	case nil:
		return true
	case bool:
		return !node
	case string:
		return node == ""
	case json.Number:
		return node == "0" || node == "-0"
	case map[string]any:
		return len(node) == 0
	case []any:
		return len(node) == 0
	}
	return false
}

// Difference is a member in which two keys differ, by its path ("training.config.batch"). A value that one of
// them lacks is empty.
type Difference struct{ Path, A, B string }

// String reads like "training.method.version: 2 and 1".
func (d Difference) String() string {
	or := func(value string) string {
		if value == "" {
			return "none"
		}
		return value
	}
	return fmt.Sprintf("%s: %s and %s", d.Path, or(d.A), or(d.B))
}

// Within says whether the difference is at a path or below it.
func (d Difference) Within(path string) bool {
	rest, ok := strings.CutPrefix(d.Path, path)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// Differences lists the members in which two keys differ, by path. What is no JSON differs in everything.
func Differences(a, b json.RawMessage) (all []Difference) {
	left, right := flatten(a), flatten(b)
	paths := maps.Clone(left)
	maps.Copy(paths, right)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if left[path] != right[path] {
			all = append(all, Difference{path, left[path], right[path]})
		}
	}
	return all
}

// flatten maps the path of every leaf to its text.
func flatten(key json.RawMessage) map[string]string {
	leaves := map[string]string{}
	tree, err := decode(key)
	if err != nil {
		leaves["key"] = string(key)
		return leaves
	}
	var walk func(path string, node any)
	walk = func(path string, node any) {
		switch node := node.(type) {
		case map[string]any:
			for name, child := range node {
				if path != "" {
					name = path + "." + name
				}
				walk(name, child)
			}
		case []any:
			for i, child := range node {
				walk(fmt.Sprintf("%s[%d]", path, i), child)
			}
		default:
			leaves[path] = fmt.Sprint(node)
		}
	}
	walk("", tree)
	return leaves
}
