package contrast

import (
	"cmp"
	"math"
	"slices"

	"github.com/cidbench/cidbench/bench/parallel"
)

// Band is a stretch of the negatives by difficulty, and what share of it is of the query's own class.
type Band struct {
	// From and To are fractions of the negatives, 0 the hardest negative.
	From float64 `json:"from"`
	To   float64 `json:"to"`
	// SameClass is the share of the band's negatives that are of the query's class, mean over queries;
	// Similarity their mean dot product with the query.
	SameClass  float64 `json:"same_class"`
	Similarity float64 `json:"similarity"`
}

// BandEdges are the fractions at which difficulty bands are cut: the paper's cuts (0.1%, 5%) and
// decades and quarters around them.
var BandEdges = []float64{0, 0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 1}

// Bands ranks the negatives of every query in full. Those without a class count as no one's.
func (c *Contrast) Bands(batch Batch) []Band {
	b := len(batch.Positive)
	k := len(batch.Similarity) / b
	edges := make([]int, len(BandEdges))
	for i, f := range BandEdges {
		edges[i] = int(f*float64(k) + 0.5)
	}
	perQuery := make([][]Band, b) // summed in order, so that threads do not change the last bit
	parallel.Each(b, len(c.selectors), func(_, i int) {
		row, order := batch.similarity(i), make([]int32, k)
		for j := range order {
			order[j] = int32(j)
		}
		slices.SortFunc(order, func(x, y int32) int { return cmp.Or(cmp.Compare(row[y], row[x]), cmp.Compare(x, y)) })
		perQuery[i] = bandsOf(order, edges, row, batch.Classes[i], batch.negatives(i))
	})
	bands := make([]Band, len(edges)-1)
	for i := range bands {
		bands[i].From, bands[i].To = BandEdges[i], BandEdges[i+1]
		for _, q := range perQuery {
			bands[i].SameClass += q[i].SameClass / float64(b)
			bands[i].Similarity += q[i].Similarity / float64(b)
		}
	}
	return bands
}

// Uniformity is that of Wang & Isola (2020), log E exp(-2 |x-y|^2), of queries against their negatives: 0 if all
// embeddings are one point, and lower the more evenly they cover the sphere. The squared distance of unit
// vectors with dot product s is 2-2s.
func (b Batch) Uniformity() float64 {
	sum := 0.0
	for _, s := range b.Similarity {
		sum += math.Exp(4 * (float64(s) - 1))
	}
	return math.Log(sum / float64(len(b.Similarity)))
}

func bandsOf(order []int32, edges []int, similarity []float32, class int32, negatives []int32) []Band {
	bands := make([]Band, len(edges)-1)
	for i := range bands {
		in := order[edges[i]:edges[i+1]]
		for _, j := range in {
			if negatives[j] == class {
				bands[i].SameClass++
			}
			bands[i].Similarity += float64(similarity[j])
		}
		if n := float64(len(in)); n > 0 {
			bands[i].SameClass /= n
			bands[i].Similarity /= n
		}
	}
	return bands
}
