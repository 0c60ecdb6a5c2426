package analysis

import (
	"github.com/cidbench/cidbench/bench/parallel"
	"github.com/cidbench/cidbench/bench/rng"
)

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
