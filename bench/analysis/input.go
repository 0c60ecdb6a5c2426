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
	// Queue holds the negatives of every query, if they are others than the images. Without it each image is a
	// negative of every other.
	Queue *Queue
	// Table says what each class is below, [C], and how near classes are in meaning, [C][C]: larger is nearer.
	taxonomy.Table
}

// Queue is embeddings, [k, Dim] of unit length, with the class of each, [k].
type Queue struct {
	Embeddings []float32
	Labels     []int32
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
	pool    Queue // what negatives are taken from: the queue, or the images
	n       int   // its number
	others  int   // negatives of a query: all of the pool but the query itself
	classes int
	members [][]int32 // those of the pool of each class, by index
	sizes   []float64 // their number
	starts  []int     // [C+1] where each class starts when the pool is ordered by class
	asking  [][]int32 // the images of each class that may be queries, by index: those with negatives of their class
	askable int       // their number
}

func newSplit(in Input) (*split, error) {
	s := &split{Input: in, pool: Queue{in.Embeddings, in.Labels}, classes: len(in.Superclass)}
	if in.Queue != nil {
		s.pool = *in.Queue
	}
	s.n = len(s.pool.Labels)
	s.others = s.n - s.own()
	switch {
	case s.n < minImages || s.n > maxImages:
		return nil, fmt.Errorf("analysis: %d images, need %d to %d", s.n, minImages, maxImages)
	case s.classes < 3:
		return nil, fmt.Errorf("analysis: %d classes, need at least 3 to compare other classes with each other", s.classes)
	case in.Dim < 1 || len(in.Embeddings) != len(in.Labels)*in.Dim:
		return nil, fmt.Errorf("analysis: %d numbers are not %d embeddings of dimension %d", len(in.Embeddings), len(in.Labels), in.Dim)
	case len(s.pool.Embeddings) != s.n*in.Dim:
		return nil, fmt.Errorf("analysis: %d numbers are not a queue of %d embeddings of dimension %d", len(s.pool.Embeddings), s.n, in.Dim)
	}
	for _, m := range []struct {
		name   string
		values [][]float64
	}{{"path", in.Path}, {"Wu-Palmer", in.WuPalmer}} {
		if err := checkSimilarity(m.values, s.classes); err != nil {
			return nil, fmt.Errorf("analysis: %s similarity: %w", m.name, err)
		}
	}
	if err := s.sortByClass(); err != nil {
		return nil, err
	}
	if s.Queue != nil {
		if err := checkEmbeddings(s.Queue.Embeddings, s.Dim); err != nil {
			return nil, fmt.Errorf("queue: %w", err)
		}
	}
	return s, checkEmbeddings(s.Embeddings, s.Dim)
}

// sortByClass finds who is of which class.
func (s *split) sortByClass() (err error) {
	if s.members, err = byClass(s.pool.Labels, s.classes); err != nil {
		return err
	}
	if s.asking, err = byClass(s.Labels, s.classes); err != nil {
		return err
	}
	s.sizes, s.starts = make([]float64, s.classes), make([]int, s.classes+1)
	held := 0
	for c, members := range s.members {
		s.sizes[c], s.starts[c+1] = float64(len(members)), s.starts[c]+len(members)
		switch {
		case s.Queue == nil && len(members) < 2:
			return fmt.Errorf("analysis: class %d has %d images, need at least 2 for a same-class negative", c, len(members))
		case len(members) == 0:
			s.asking[c] = nil
		default:
			held++
		}
		s.askable += len(s.asking[c])
	}
	if held < 3 || s.askable == 0 {
		return fmt.Errorf("analysis: the queue holds %d classes, and %d images are of one of them: need at least 3 and 1", held, s.askable)
	}
	return nil
}

func byClass(labels []int32, classes int) ([][]int32, error) {
	members := make([][]int32, classes)
	for i, l := range labels {
		if l < 0 || int(l) >= classes {
			return nil, fmt.Errorf("analysis: image %d has label %d, but classes are 0 to %d", i, l, classes-1)
		}
		members[l] = append(members[l], int32(i))
	}
	return members, nil
}

// own is how many of the pool are the query itself: one, or none if that is a queue.
func (s *split) own() int {
	if s.Queue != nil {
		return 0
	}
	return 1
}

// same is the number of negatives of their class that queries of class c have.
func (s *split) same(c int) int { return len(s.members[c]) - s.own() }

func checkEmbeddings(embeddings []float32, dim int) error {
	for i := range len(embeddings) / dim {
		norm := 0.0
		for _, v := range embeddings[i*dim:][:dim] {
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
