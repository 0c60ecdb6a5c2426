package icons

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// What Write calls the folders of the two data sets: both train on the same pictures; the second is for choosing settings,
// so that nobody looks at the test.
const (
	TestSet       = "icons"
	ValidationSet = "icons-validation"
)

// Write puts two data sets below a folder, as idx files with two tables: ATTRIBUTION.csv has the sets, their authors and
// licences, SOURCES.csv the icon of each image.
func (s *Set) Write(dir string) error {
	for _, set := range []struct {
		name string
		held []Picture
	}{{TestSet, s.Test}, {ValidationSet, s.Validation}} {
		folder := filepath.Join(dir, set.name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		err := errors.Join(
			writeIdx(folder, "train", s.Train), writeIdx(folder, "t10k", set.held),
			writeTable(filepath.Join(folder, "ATTRIBUTION.csv"), s.attribution(set.held)),
			writeTable(filepath.Join(folder, "SOURCES.csv"), s.sources(set.held)),
		)
		if err != nil {
			return err
		}
	}
	return nil
}

// writeIdx writes images [n, Side, Side] and labels [n] as MNIST has them.
func writeIdx(folder, part string, pictures []Picture) error {
	header := func(dimensions ...int) []byte {
		head := []byte{0, 0, 8, byte(len(dimensions))}
		for _, d := range dimensions {
			head = binary.BigEndian.AppendUint32(head, uint32(d))
		}
		return head
	}
	images, labels := header(len(pictures), Side, Side), header(len(pictures))
	for _, p := range pictures {
		images, labels = append(images, p.Pixels...), append(labels, byte(p.Label))
	}
	return errors.Join(
		os.WriteFile(filepath.Join(folder, part+"-images-idx3-ubyte"), images, 0o644),
		os.WriteFile(filepath.Join(folder, part+"-labels-idx1-ubyte"), labels, 0o644),
	)
}

func writeTable(path string, rows [][]string) error {
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}

// attribution has a row for each set that pictures are of.
func (s *Set) attribution(held []Picture) [][]string {
	train, test := perSet(s.Train), perSet(held)
	var sets []string
	for _, counts := range []map[string]int{train, test} {
		for set := range counts {
			sets = append(sets, set)
		}
	}
	slices.Sort(sets)
	rows := [][]string{{"set", "title", "author", "author_url", "licence", "licence_url", "family", "train", "test"}}
	for _, set := range sets {
		c := s.collections[set]
		rows = append(rows, []string{
			set, c.Name, c.Author.Name, c.Author.URL, c.License.SPDX, c.License.URL,
			s.family[set], strconv.Itoa(train[set]), strconv.Itoa(test[set]),
		})
	}
	return rows
}

func perSet(pictures []Picture) map[string]int {
	counts := map[string]int{}
	for _, p := range pictures {
		counts[p.Set]++
	}
	return counts
}

// sources has a row for each image, in their order.
func (s *Set) sources(held []Picture) [][]string {
	rows := [][]string{{"part", "image", "class", "set", "icon"}}
	for _, part := range []struct {
		name     string
		pictures []Picture
	}{{"train", s.Train}, {"test", held}} {
		for i, p := range part.pictures {
			rows = append(rows, []string{part.name, strconv.Itoa(i), s.Classes[p.Label].Name, p.Set, p.Name})
		}
	}
	return rows
}
