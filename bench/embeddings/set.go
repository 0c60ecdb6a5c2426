package embeddings

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/tensorfile"
)

// File says which bytes an input was.
type File struct {
	Role string `json:"role"` // embeddings, labels, queue or queue labels
	// Name is that of the file without its folders, and of an array or column of it.
	Name   string `json:"name"`
	Digest string `json:"digest"`
	Shape  []int  `json:"shape,omitempty"`
	DType  string `json:"dtype,omitempty"`
}

// set is embeddings, [len(labels), dim] of unit length, with the name of the class of each.
type set struct {
	dim    int
	values []float32
	labels []string
	from   string // where the labels are from, for errors
}

// Limits of package analysis.
const leastRows, mostRows, leastClasses = 101, MostRows, 3

// MostRows is the number of embeddings that can be analysed.
const MostRows = 1 << 16

// split divides FILE:NAME, unless all of it is a file.
func split(name string) (file, part string) {
	if _, err := os.Stat(name); err == nil {
		return name, ""
	}
	if at := strings.LastIndexByte(name, ':'); at > 0 {
		return name[:at], name[at+1:]
	}
	return name, ""
}

// readSet reads embeddings and labels. A queue has the dimension of the embeddings, which for themselves is 0.
func readSet(out *Result, role, embeddings, labels string, dim int) (*set, error) {
	s := &set{dim: dim, from: labels}
	if err := s.readEmbeddings(out, role, embeddings); err != nil {
		return nil, err
	}
	kind := "labels"
	if dim > 0 {
		kind = "queue labels"
	}
	if labels == "" { // of a queue
		return s, nil
	}
	file, column := split(labels)
	read := File{Role: kind, Name: base(file, column)}
	var err error
	if read.Digest, err = dataset.FileDigest(file); err == nil {
		s.labels, err = readLabels(file, column)
	}
	if err != nil {
		return nil, err
	}
	out.Inputs = append(out.Inputs, read)
	if rows := len(s.values) / s.dim; rows != len(s.labels) {
		hint := ""
		if len(s.labels) == rows+1 && column == "" {
			hint = fmt.Sprintf("; if its first line is a header, name the column: %s:COLUMN", labels)
		}
		return nil, inputf("%s has %d labels for the %d rows of %s%s", labels, len(s.labels), rows, embeddings, hint)
	}
	return s, nil
}

// readEmbeddings reads rows and scales them to unit length.
func (s *set) readEmbeddings(out *Result, role, name string) error {
	file, part := split(name)
	opened, err := tensorfile.Open(file)
	if err != nil {
		return fileError(err)
	}
	defer opened.Close()
	t, err := opened.Tensor(part)
	if err != nil {
		return inputf("%s: %w", file, err)
	}
	transposed := s.dim > 0 && len(t.Shape) == 2 && t.Shape[1] != s.dim && t.Shape[0] == s.dim
	switch {
	case len(t.Shape) != 2 || t.Shape[1] == 0:
		return inputf("%s: its shape is %v, where [rows, dimensions] is wanted", name, t.Shape)
	case s.dim > 0 && t.Shape[1] != s.dim && !transposed:
		return inputf("%s: its shape is %v, but the embeddings have %d dimensions", name, t.Shape, s.dim)
	}
	rows, dim := t.Shape[0], t.Shape[1]
	if transposed {
		rows, dim = dim, rows
		out.note("The queue is %v, and was taken as one negative a column, as MoCo keeps it.", t.Shape)
	}
	if err := checkRows(name, rows); err != nil {
		return err
	}
	shape := t.Shape
	if transposed {
		t = t.Transposed()
	}
	if s.values, err = t.Floats(); err != nil {
		return inputf("%s: %w", name, err)
	}
	s.dim = dim
	if err := s.normalise(out, role, name); err != nil {
		return err
	}
	read := File{Role: role, Name: base(file, part), Shape: shape, DType: t.DType}
	read.Digest, err = dataset.FileDigest(file)
	out.Inputs = append(out.Inputs, read)
	return err
}

func checkRows(name string, rows int) error {
	if rows < leastRows || rows > mostRows {
		return inputf("%s: %d rows, where %d to %d are wanted: take a sample of more", name, rows, leastRows, mostRows)
	}
	return nil
}

// normalise scales rows to unit length, and notes the lengths that they had.
func (s *set) normalise(out *Result, role, name string) error {
	least, most := math.Inf(1), 0.0
	for i := range len(s.values) / s.dim {
		row, squares := s.values[i*s.dim:][:s.dim], 0.0
		for d, v := range row {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return inputf("%s: row %d (the first is 0), dimension %d is %g: embeddings must be finite numbers", name, i, d, v)
			}
			squares += float64(v) * float64(v)
		}
		length := math.Sqrt(squares)
		if length == 0 {
			return inputf("%s: row %d (the first is 0) is all zeros, so it has no direction: leave it out", name, i)
		}
		for d := range row {
			row[d] = float32(float64(row[d]) / length)
		}
		least, most = min(least, length), max(most, length)
	}
	if most-1 > 1e-3 || 1-least > 1e-3 {
		out.note("The rows of the %s were scaled to unit length, from %.3g to %.3g.", role, least, most)
	}
	return nil
}

func base(file, part string) string {
	if part == "" {
		return filepath.Base(file)
	}
	return filepath.Base(file) + ":" + part
}

// fileError is an InputError if a file was read and is not what it should be.
func fileError(err error) error {
	if errors.Is(err, tensorfile.ErrFormat) {
		return InputError{err}
	}
	return err
}
