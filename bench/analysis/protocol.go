// Package analysis measures what the difficulty of negatives means, on the embeddings of a trained
// encoder over one split: whether hard negatives are semantically near the query, whether some of the
// easiest are anti-correlated with it and yet near, and whether difficulty is a property of the image,
// the same for all queries. It judges no claim and knows no encoder.
//
// Difficulty is, as in training, the dot product of unit embeddings: larger is harder, ties go to the lower index, and
// a query is never its own negative. Semantic similarity depends on classes alone, so everything about it follows from
// matrices of class by class, and a null that moves the classes about the tree costs no second look at the images.
//
// The paper (arXiv 2010.06682) names these properties; the statistics and their nulls are ours.
package analysis

import (
	"fmt"
	"math"

	"github.com/cidbench/cidbench/bench/rng"
)

// Protocol is how embeddings are analysed.
type Protocol struct {
	// Queries is the number of images that serve as queries, drawn evenly from the classes: all images if
	// there are fewer.
	Queries int `json:"queries"`
	// Tail is the share of a query's negatives, in (0, 0.25], that counts as its hardest or its easiest.
	// The paper's cut is 0.05.
	Tail float64 `json:"tail"`
	// Draws from the null of each statistic.
	Draws int `json:"draws"`
	// Resamples of the bootstrap of each statistic.
	Resamples int `json:"resamples"`
	// Seed of the choice of queries, the nulls and the bootstrap.
	Seed uint64 `json:"seed"`
	// Hardest adds the statistics of Extremes: where the effect is in the hardest few, correlations over all negatives
	// hardly see it.
	Hardest bool `json:"hardest"`
}

// ID names the protocol; the number in front changes when the method does, and that of
// hardest when the method of Extremes does.
func (p Protocol) ID() string {
	id := fmt.Sprintf("analysis1-q%d-tail-%g-draws-%d-resamples-%d-seed-%d", p.Queries, p.Tail, p.Draws, p.Resamples, p.Seed)
	if p.Hardest {
		id += "-hardest1"
	}
	return id
}

const (
	// maxQueries keeps counts within uint16.
	maxQueries = math.MaxUint16
	// minDraws is the least number with which a p value can reach 5%.
	minDraws = 19
	// maxDraws tell p values finer than anyone asks for, and are kept for each class.
	maxDraws = 9_999
)

// Validate reports the first setting out of range.
func (p Protocol) Validate() error {
	switch {
	case p.Queries < 1 || p.Queries > maxQueries:
		return fmt.Errorf("analysis: %d queries, need 1 to %d", p.Queries, maxQueries)
	case !(p.Tail > 0 && p.Tail <= 0.25):
		return fmt.Errorf("analysis: tail %g is not in (0, 0.25]", p.Tail)
	case min(p.Draws, p.Resamples) < minDraws || max(p.Draws, p.Resamples) > maxDraws:
		return fmt.Errorf("analysis: %d draws and %d resamples, need %d to %d of each", p.Draws, p.Resamples, minDraws, maxDraws)
	}
	return nil
}

// The purposes of random streams, the first label of each.
const (
	streamQueries uint64 = iota
	streamLabels
	streamTree
	streamCounts
	streamBootstrap
)

// queries chooses the images that serve as queries, by class: in turns, one of each class at random, until
// there are enough. The classes come in random order, so that a remainder favours none.
func (p Protocol) queries(s *split) [][]int32 {
	order := rng.Stream(p.Seed, streamQueries).Perm(s.classes)
	chosen := make([][]int32, s.classes)
	shuffled := make([][]int, s.classes)
	for c, members := range s.asking {
		shuffled[c] = rng.Stream(p.Seed, streamQueries, uint64(c)).Perm(len(members))
	}
	left := min(p.Queries, s.askable)
	for turn := 0; left > 0; turn++ {
		for _, c := range order {
			if left > 0 && turn < len(shuffled[c]) {
				chosen[c] = append(chosen[c], s.asking[c][shuffled[c][turn]])
				left--
			}
		}
	}
	return chosen
}

// share is how many of n negatives a fraction stands for, as in package negatives.
func share(fraction float64, n int) int { return max(1, int(math.Round(fraction*float64(n)))) }
