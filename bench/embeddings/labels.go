package embeddings

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/bench/tensorfile"
)

// readLabels reads the names of classes: of an array, or of text.
func readLabels(file, column string) ([]string, error) {
	opened, err := tensorfile.Open(file)
	if err == nil {
		defer opened.Close()
		return arrayLabels(opened, file, column)
	}
	if !errors.Is(err, tensorfile.ErrFormat) {
		return nil, err
	}
	text, readErr := os.ReadFile(file)
	if readErr != nil {
		return nil, readErr
	}
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, InputError{err} // no text, and no array either
	}
	labels, err := parseLabels(text, column)
	if err != nil {
		return nil, inputf("%s: %w", file, err)
	}
	return labels, nil
}

func arrayLabels(opened *tensorfile.File, file, name string) ([]string, error) {
	t, err := opened.Tensor(name)
	if err != nil {
		return nil, inputf("%s: %w", file, err)
	}
	if len(t.Shape) != 1 {
		return nil, inputf("%s: labels of shape %v, where one a row is wanted", file, t.Shape)
	}
	if t.DType == "TEXT" {
		labels, err := t.Texts()
		if err != nil {
			return nil, inputf("%s: %w", file, err)
		}
		return labels, named(file, labels)
	}
	numbers, err := t.Ints()
	if err != nil {
		return nil, inputf("%s: labels: %w", file, err)
	}
	labels := make([]string, len(numbers))
	for i, n := range numbers {
		labels[i] = strconv.FormatInt(n, 10)
	}
	return labels, nil
}

// parseLabels reads one label a line, or the column of that name in CSV.
func parseLabels(text []byte, column string) ([]string, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	r := csv.NewReader(bufio.NewReader(bytes.NewReader(text)))
	r.ReuseRecord = true
	at := 0
	var labels []string
	for {
		record, err := r.Read()
		if err == io.EOF {
			return labels, nil
		}
		if err != nil {
			return nil, err // which names the line
		}
		line, _ := r.FieldPos(0)
		if column != "" && line == 1 {
			if at = slices.Index(record, column); at < 0 {
				return nil, inputf("line 1 names no column %q, but %q", column, record)
			}
			continue
		}
		if column == "" && len(record) != 1 {
			return nil, inputf("line %d has %d columns: name that of the labels, as FILE:COLUMN", line, len(record))
		}
		label := strings.TrimSpace(record[at])
		if label == "" {
			return nil, inputf("line %d has no label", line)
		}
		labels = append(labels, label)
	}
}

// named wants every row to have a label.
func named(file string, labels []string) error {
	if row := slices.Index(labels, ""); row >= 0 {
		return inputf("%s: row %d (the first is 0) has no label", file, row)
	}
	return nil
}

// classes are the different labels: numbers in their order, or names in alphabetical order.
func classes(labels []string) []string {
	seen := map[string]bool{}
	var names []string
	number := true
	for _, label := range labels {
		if !seen[label] {
			seen[label] = true
			names = append(names, label)
			_, err := strconv.Atoi(label)
			number = number && err == nil
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if number {
			x, _ := strconv.Atoi(a)
			y, _ := strconv.Atoi(b)
			return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
		}
		return cmp.Compare(a, b)
	})
	return names
}

// numbers are the labels as places among the classes. Where the rows are each other's negatives, each needs another
// of its class.
func (s *set) numbers(classes []string, together bool) ([]int32, error) {
	if len(classes) < leastClasses {
		return nil, inputf("%s: %d classes (%q), where at least %d are wanted: other classes are compared with each other",
			s.from, len(classes), classes, leastClasses)
	}
	place := map[string]int32{}
	for i, name := range classes {
		place[name] = int32(i)
	}
	numbers, first, count := make([]int32, len(s.labels)), map[string]int{}, map[string]int{}
	for i, label := range s.labels {
		numbers[i] = place[label]
		if count[label]++; count[label] == 1 {
			first[label] = i
		}
	}
	if !together {
		return numbers, nil
	}
	for _, label := range classes {
		if count[label] == 1 {
			return nil, inputf("%s: row %d (the first is 0) is the only one of class %q, so it has no same-class negative: leave it out", s.from, first[label], label)
		}
	}
	return numbers, nil
}

// wordNetDir is where Debian puts WordNet.
const wordNetDir = "/usr/share/wordnet"

// openTree opens a tree, and says which of its classes, by label, each of the classes is.
func openTree(name string, classes []string) (taxonomy.Tree, []int, error) {
	var tree taxonomy.Tree
	var err error
	dir, wordNet := strings.CutPrefix(name, "wordnet")
	switch {
	case name == "cifar100":
		tree = taxonomy.CIFAR100()
		places, err := find(classes, taxonomy.Classes(tree))
		return tree, places, err
	case wordNet && (dir == "" || dir[0] == ':'):
		tree, err = taxonomy.OpenWordNet(cmp.Or(strings.TrimPrefix(dir, ":"), wordNetDir), classes)
	default:
		tree, err = taxonomy.ReadFile(name, classes)
	}
	if err != nil {
		if _, missing := errors.AsType[*os.PathError](err); missing {
			return nil, nil, err
		}
		return nil, nil, InputError{err}
	}
	places := make([]int, len(classes))
	for i := range places {
		places[i] = i
	}
	return tree, places, nil
}

// find looks up classes by name, or by number if all are numbers.
func find(classes, known []string) ([]int, error) {
	places := make([]int, len(classes))
	for i, name := range classes {
		places[i] = slices.Index(known, name)
		if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < len(known) && strconv.Itoa(n) == name {
			places[i] = n
		}
		if places[i] < 0 {
			return nil, inputf("class %q is none of the tree: its classes are %s to %s, or 0 to %d", name, known[0], known[len(known)-1], len(known)-1)
		}
	}
	return places, nil
}
