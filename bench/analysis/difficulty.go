package analysis

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// ranker orders the negatives of one query after the other, reusing its memory.
type ranker struct {
	asked []float32 // what queries are taken from, [.., dim]
	self  bool      // a query is one of the pool
	pool  blas32.General
	dots  []float32 // [n] dot product with the query, of all in the pool
	order []int32   // the negatives, hardest first
	keys  []uint64
}

func newRanker(s *split) *ranker {
	return &ranker{
		asked: s.Embeddings, self: s.Queue == nil,
		pool:  blas32.General{Rows: s.n, Cols: s.Dim, Stride: s.Dim, Data: s.pool.Embeddings},
		dots:  make([]float32, s.n),
		order: make([]int32, s.others),
		keys:  make([]uint64, s.others),
	}
}

// rank fills dots and order for a query.
func (r *ranker) rank(query int32) {
	dim := r.pool.Cols
	blas32.Gemv(blas.NoTrans, 1, r.pool,
		blas32.Vector{N: dim, Inc: 1, Data: r.asked[int(query)*dim:][:dim]},
		0, blas32.Vector{N: len(r.dots), Inc: 1, Data: r.dots})
	keys := r.keys[:0]
	for j, dot := range r.dots {
		if int32(j) != query || !r.self {
			keys = append(keys, uint64(descending(dot))<<32|uint64(j))
		}
	}
	slices.Sort(keys)
	for i, key := range keys {
		r.order[i] = int32(uint32(key))
	}
}

// descending maps numbers to integers in the opposite order, equal ones to equal ones.
func descending(x float32) uint32 {
	if x == 0 {
		x = 0 // not -0
	}
	bits := math.Float32bits(x)
	if bits>>31 == 0 {
		return ^(bits | 1<<31)
	}
	return bits
}

// rankTotals adds up the ranks of negatives by class, for rank correlations of difficulty with anything that
// depends on classes alone. Ranks rise with difficulty and ties share theirs.
type rankTotals struct {
	// same says that negatives of the query's own class are ranked along with the others.
	same bool
	// sum is [C][C]: for the class of the query and that of the negative, the sum over both of the negative's
	// rank, divided by the root of the sum of squared distances from the mean rank over the query's
	// negatives. Queries to which all negatives are equally hard add nothing.
	sum [][]float64
}

// ranks is the part of rankTotals that belongs to one query. Ranks are doubled to keep them whole.
type ranks struct {
	n     int64
	ties  float64 // sum of t^3 - t over groups of t tied negatives
	class []int64 // sum of doubled ranks by class
}

func (r *ranks) reset() {
	clear(r.class)
	r.n, r.ties = 0, 0
}

// next counts the next t negatives, tied and harder than those before; it returns their doubled rank.
func (r *ranks) next(t int64) (doubled int64) {
	doubled = 2*r.n + t + 1
	r.n += t
	r.ties += float64(t*t*t - t)
	return doubled
}

// add puts a query's ranks into the row of its class.
func (r *ranks) add(row []float64) {
	size := float64(r.n)
	spread := math.Sqrt((size*size*size - size - r.ties) / 12)
	if spread == 0 {
		return
	}
	for d, sum := range r.class {
		row[d] += float64(sum) / 2 / spread
	}
}
