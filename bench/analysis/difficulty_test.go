package analysis

import (
	"math"
	"slices"
	"testing"
)

func TestDescendingKeysReverseNumbers(t *testing.T) {
	negativeZero := float32(math.Copysign(0, -1))
	if descending(0) != descending(negativeZero) {
		t.Error("0 and -0 differ")
	}
	values := []float32{1, 0.5, math.SmallestNonzeroFloat32, 0, -math.SmallestNonzeroFloat32, -0.5, -1}
	for i := range values[1:] {
		if descending(values[i]) >= descending(values[i+1]) {
			t.Errorf("%g does not come before %g", values[i], values[i+1])
		}
	}
}

// TestOrthogonalIsNotAnticorrelated: images along the axes, so that dot products are 1 or 0; ties go by index.
func TestOrthogonalIsNotAnticorrelated(t *testing.T) {
	in := clustered.input()
	clear(in.Embeddings)
	for i := range in.Labels {
		in.Embeddings[i*in.Dim+i%in.Dim] = 1
	}
	m := mustRun(t, testProtocol, in)
	for _, id := range []string{AnticorrelatedShare, NegativeShare} {
		if s := m.Statistics[id]; s.Value != 0 {
			t.Errorf("%s = %g of dot products that are never negative", id, s.Value)
		}
	}
	s, err := newSplit(in)
	if err != nil {
		t.Fatal(err)
	}
	r := newRanker(s)
	r.rank(40)
	if want := []int32{8, 72, 104, 136, 168, 200, 0, 1, 2, 3, 4, 5, 6, 7, 9}; !slices.Equal(r.order[:len(want)], want) {
		t.Errorf("negatives of image 40 start with %v, want %v", r.order[:len(want)], want)
	}
}
