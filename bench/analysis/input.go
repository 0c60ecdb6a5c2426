package analysis

import (
	"errors"
	"fmt"
	"math"

	"github.com/cidbench/cidbench/bench/taxonomy"
)

// Input is one split as an encoder sees it, and what its classes mean.
type Input struct {
	// Embeddings are [n, Dim], row-major, of unit length: those in which the encoder was trained to tell
	// images apart, of images that are not augmented.
	Dim        int
	Embeddings []float32
	// Labels are [n], the class of each image, from 0.
	Labels []int32
	// Table says what each class is below, [C], and how near classes are in meaning, [C][C]: larger is nearer.
	taxonomy.Table
}

// ErrNotFinite says that embeddings hold NaN or infinity: the training diverged.
var ErrNotFinite = errors.New("embeddings are not finite numbers")

const (
	// minImages lets each percentile of the negatives hold one.
	minImages = 101
	// maxImages keeps an image's index within uint16, of which the null of labels stores millions.
	maxImages = 1 << 16
	// unitTolerance is how far a squared norm may lie from 1: float32 rounding, with a wide margin.
	unitTolerance = 1e-3
)

// split is a checked input.
type split struct {
	Input
	n, classes int
	members    [][]int32 // the images of each class, by index
	sizes      []float64 // their number
	starts     []int     // [C+1] where each class starts when images are ordered by class
}

func newSplit(in Input) (*split, error) {
	s := &split{Input: in, n: len(in.Labels), classes: len(in.Superclass)}
	switch {
	case s.n < minImages || s.n > maxImages:
		return nil, fmt.Errorf("analysis: %d images, need %d to %d", s.n, minImages, maxImages)
	case s.classes < 3:
		return nil, fmt.Errorf("analysis: %d classes, need at least 3 to compare other classes with each other", s.classes)
	case in.Dim < 1 || len(in.Embeddings) != s.n*in.Dim:
		return nil, fmt.Errorf("analysis: %d numbers are not %d embeddings of dimension %d", len(in.Embeddings), s.n, in.Dim)
	}
	for _, m := range []struct {
		name   string
		values [][]float64
	}{{"path", in.Path}, {"Wu-Palmer", in.WuPalmer}} {
		if err := checkSimilarity(m.values, s.classes); err != nil {
			return nil, fmt.Errorf("analysis: %s similarity: %w", m.name, err)
		}
	}
	s.members, s.sizes = make([][]int32, s.classes), make([]float64, s.classes)
	for i, l := range in.Labels {
		if l < 0 || int(l) >= s.classes {
			return nil, fmt.Errorf("analysis: image %d has label %d, but classes are 0 to %d", i, l, s.classes-1)
		}
		s.members[l] = append(s.members[l], int32(i))
		s.sizes[l]++
	}
	for c, size := range s.sizes {
		if size < 2 {
			return nil, fmt.Errorf("analysis: class %d has %g images, need at least 2 for a same-class negative", c, size)
		}
	}
	s.starts = make([]int, s.classes+1)
	for c, members := range s.members {
		s.starts[c+1] = s.starts[c] + len(members)
	}
	return s, s.checkEmbeddings()
}

func (s *split) checkEmbeddings() error {
	for i := range s.n {
		norm := 0.0
		for _, v := range s.Embeddings[i*s.Dim:][:s.Dim] {
			norm += float64(v) * float64(v)
		}
		if math.IsNaN(norm) || math.IsInf(norm, 0) {
			return fmt.Errorf("analysis: image %d: %w", i, ErrNotFinite)
		}
		if math.Abs(norm-1) > unitTolerance {
			return fmt.Errorf("analysis: embedding of image %d has length %g, not 1", i, math.Sqrt(norm))
		}
	}
	return nil
}

func checkSimilarity(m [][]float64, classes int) error {
	if len(m) != classes {
		return fmt.Errorf("%d rows for %d classes", len(m), classes)
	}
	for c, row := range m {
		if len(row) != classes {
			return fmt.Errorf("row %d has %d entries for %d classes", c, len(row), classes)
		}
		for d, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("classes %d and %d: %g is not a number", c, d, v)
			}
		}
	}
	return nil
}
