package analysis

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// binomial is the null of an image's count: the queries, of n, for which it is among the hardest when each query
// draws those at random, with probability p each.
type binomial struct {
	n     int
	p     float64
	pmf   []float64 // [n+1]
	cdf   []float64 // [n+1]
	guide []int     // quantile of i/len: where a search may start (Chen and Asau, AIIE Transactions 1974)
}

func newBinomial(n int, p float64) *binomial {
	b := &binomial{n: n, p: p, pmf: make([]float64, n+1), cdf: make([]float64, n+1), guide: make([]int, 1024)}
	law, total := distuv.Binomial{N: float64(n), P: p}, 0.0
	for k := range b.pmf {
		b.pmf[k] = law.Prob(float64(k))
		total += b.pmf[k]
		b.cdf[k] = total
	}
	b.cdf[n] = math.Inf(1) // a search ends here whatever the rounding
	k := 0
	for i := range b.guide {
		for b.cdf[k] < float64(i)/float64(len(b.guide)) {
			k++
		}
		b.guide[i] = k
	}
	return b
}

func (b *binomial) mean() float64     { return float64(b.n) * b.p }
func (b *binomial) variance() float64 { return float64(b.n) * b.p * (1 - b.p) }

// quantile is the least k with P(count <= k) >= u, for u in [0, 1).
func (b *binomial) quantile(u float64) int {
	k := b.guide[int(u*float64(len(b.guide)))]
	for b.cdf[k] < u {
		k++
	}
	return k
}

// between is P(from <= count < to), whatever the ends.
func (b *binomial) between(from, to int) float64 {
	return sum(b.pmf[min(max(from, 0), b.n+1):min(max(to, 0), b.n+1)])
}

func sum(x []float64) (s float64) {
	for _, v := range x {
		s += v
	}
	return s
}
