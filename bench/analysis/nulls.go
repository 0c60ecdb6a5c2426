package analysis

import (
	"math"
	"slices"

	"github.com/cidbench/cidbench/bench/parallel"
	"github.com/cidbench/cidbench/bench/rng"
	"gonum.org/v1/gonum/stat"
)

// Null is what a statistic looks like when what it measures is not there.
type Null struct {
	Mean  float64 `json:"mean"`
	SD    float64 `json:"sd"`
	Draws int     `json:"draws"`
	// PGreater and PLess are one-sided p values, the chance of a value at least as large or as small:
	// (1 + draws that are) / (1 + draws), so never 0.
	PGreater float64 `json:"p_greater"`
	PLess    float64 `json:"p_less"`
}

func newNull(observed float64, draws []float64) *Null {
	greater, less := 1, 1
	for _, v := range draws {
		if v >= observed {
			greater++
		}
		if v <= observed {
			less++
		}
	}
	n := &Null{Draws: len(draws), PGreater: float64(greater) / float64(1+len(draws)), PLess: float64(less) / float64(1+len(draws))}
	n.Mean, n.SD = stat.MeanStdDev(draws, nil)
	return n
}

// ratio is a statistic sum(num)/sum(den) over units that a bootstrap resamples: the classes of queries, since
// queries of a class are alike, or images.
type ratio struct{ num, den []float64 }

func (r ratio) value() float64 { return sum(r.num) / sum(r.den) }

// interval is the 90% percentile interval of a ratio (Efron and Tibshirani, An Introduction to the Bootstrap,
// 1993, chapter 13). Resamples without a denominator are left out.
func (p Protocol) interval(r ratio, threads int) (low, high float64) {
	values := make([]float64, p.Resamples)
	parallel.Each(p.Resamples, threads, func(_, i int) {
		random := rng.Stream(p.Seed, streamBootstrap, uint64(i))
		num, den := 0.0, 0.0
		for range r.num {
			unit := random.IntN(len(r.num))
			num += r.num[unit]
			den += r.den[unit]
		}
		values[i] = num / den
	})
	values = slices.DeleteFunc(values, math.IsNaN)
	if len(values) == 0 {
		return r.value(), r.value()
	}
	slices.Sort(values)
	return stat.Quantile(0.05, stat.Empirical, values, nil), stat.Quantile(0.95, stat.Empirical, values, nil)
}

// relabelling is one draw of the null of the same-class statistic: the labels shuffled over the images.
type relabelling struct {
	// members are the images [n] ordered by their new class, in uint16 to be quick to read: every query
	// reads its class of every draw.
	members []uint16
	class   []uint16 // [n] new class of each image
}

// relabellings draws all shuffles.
func (p Protocol) relabellings(s *split, threads int) []relabelling {
	draws := make([]relabelling, p.Draws)
	parallel.Each(p.Draws, threads, func(_, i int) {
		r := relabelling{members: make([]uint16, s.n), class: make([]uint16, s.n)}
		for j := range r.members {
			r.members[j] = uint16(j)
		}
		rng.Stream(p.Seed, streamLabels, uint64(i)).Shuffle(s.n, func(a, b int) {
			r.members[a], r.members[b] = r.members[b], r.members[a]
		})
		for c := range s.classes {
			for _, j := range r.members[s.starts[c]:s.starts[c+1]] {
				r.class[j] = uint16(c)
			}
		}
		draws[i] = r
	})
	return draws
}

// auc is the probability that a negative of the query's class is harder than one of another, ties counting
// half: the Mann-Whitney statistic. doubled is the sum of twice the ranks of the same many negatives of the
// class among n, the easiest having rank 1.
func auc(doubled int64, same, n int) float64 {
	wins := float64(doubled-int64(same)*int64(same+1)) / 2
	return wins / (float64(same) * float64(n-same))
}
