package analysis

import (
	"context"
	"math"
	"sync/atomic"

	"github.com/cidbench/cidbench/bench/parallel"
)

// survey is what one pass over all queries and their negatives leaves. Sums of floating-point numbers are
// kept by the class of the query, whose queries one goroutine visits in order.
type survey struct {
	split   *split
	queries [][]int32 // by class
	count   int       // of all queries
	tail    int       // negatives of a query in its hardest, and in its easiest, share
	cuts    []cut

	classes []classSums // [C]
	// labelNull is [C][draws], the sum of auc over queries with shuffled labels.
	labelNull [][]float64
	// others and all hold the ranks of difficulty among negatives of other classes, and among all.
	others, all rankTotals
	// anticorrelated is [C][C]: how many of the easiest negatives lie opposite to their query, less the
	// share that each class has in the middle half of that query's negatives, times their number; of
	// other classes only. So each row sums to 0.
	anticorrelated [][]float64
	// extremes are [tails][C][C], if they are asked for: by class of the query and of the negative, the share among the
	// negatives of other classes in a tail, less that among all of other classes, times the number of queries.
	extremes [][][]float64
	// hard and easy are [n]: the queries for which an image is in the hardest or easiest tail.
	hard, easy []int32
	gallery    []Row
}

// classSums are sums over the queries of a class.
type classSums struct {
	auc        float64
	negative   float64 // negatives with dot product below 0
	opposite   float64 // those in the easiest tail
	contrasted float64 // those of other classes
	energy     float64 // exp(-2|x-y|^2)
	cuts       []cutSums
}

// survey is whole unless the context is cancelled.
func (p Protocol) survey(ctx context.Context, s *split, threads int) *survey {
	v := &survey{
		split: s, queries: p.queries(s), count: min(p.Queries, s.askable), tail: share(p.Tail, s.others), cuts: cutsOf(s.others),
		classes:   make([]classSums, s.classes),
		labelNull: matrix[float64](s.classes, p.Draws),
		others:    rankTotals{sum: matrix[float64](s.classes, s.classes)}, all: rankTotals{same: true, sum: matrix[float64](s.classes, s.classes)},
		anticorrelated: matrix[float64](s.classes, s.classes),
		hard:           make([]int32, s.n), easy: make([]int32, s.n),
	}
	if p.Hardest {
		for range extremes {
			v.extremes = append(v.extremes, matrix[float64](s.classes, s.classes))
		}
	}
	var shown map[int32]int
	v.gallery, shown = showcase(v.queries)
	draws := p.relabellings(s, threads)
	workers := make([]*worker, max(1, min(threads, s.classes)))
	parallel.Each(s.classes, threads, func(i, class int) {
		if workers[i] == nil {
			workers[i] = &worker{
				survey: v, draws: draws, shown: shown, ranker: newRanker(s), doubled: make([]int32, s.n),
				ranksAll: ranks{class: make([]int64, s.classes)}, ranksOther: ranks{class: make([]int64, s.classes)},
				middle: make([]float64, s.classes), tally: newTally(v.cuts, s.classes),
			}
		}
		workers[i].class(ctx, class)
	})
	return v
}

func matrix[T any](rows, columns int) [][]T {
	m := make([][]T, rows)
	for i := range m {
		m[i] = make([]T, columns)
	}
	return m
}

// worker visits queries on one goroutine.
type worker struct {
	*survey
	*ranker
	draws                []relabelling
	shown                map[int32]int // place in the gallery, by query
	doubled              []int32       // [n] twice the rank of each of the pool, 0 for the query itself
	ranksAll, ranksOther ranks
	middle               []float64 // [C] those of other classes in the middle half
	tally                *tally
}

// class visits the queries of a class.
func (w *worker) class(ctx context.Context, c int) {
	w.tally.reset()
	for _, q := range w.queries[c] {
		if ctx.Err() != nil { // whoever cancelled it wants no result
			return
		}
		w.rank(q)
		w.rankByClass(q, c)
		w.relate(c)
		w.relabel(q, c)
		w.visitTails(c)
		for _, j := range w.order {
			w.classes[c].energy += math.Exp(4 * (float64(w.dots[j]) - 1)) // |x-y|^2 = 2 - 2 x.y
		}
		w.tally.add(w.ranker, w.split.pool.Labels)
		if row, ok := w.shown[q]; ok {
			w.gallery[row] = newRow(q, int32(c), w.ranker, w.split.pool.Labels)
		}
	}
	w.classes[c].cuts = w.tally.sums(w.split, c)
	for k := range w.extremes {
		w.tally.contrast(w.extremes[k][c], c, extremes[k].fraction, float64(len(w.queries[c])))
	}
}

// rankByClass sums ranks by class, from the easiest negative on.
func (w *worker) rankByClass(q int32, c int) {
	labels := w.split.pool.Labels
	w.ranksAll.reset()
	w.ranksOther.reset()
	if w.self {
		w.doubled[q] = 0
	}
	for end := len(w.order); end > 0; {
		start, others := end, int64(0)
		for start > 0 && w.dots[w.order[start-1]] == w.dots[w.order[end-1]] {
			start--
			if labels[w.order[start]] != int32(c) {
				others++
			}
		}
		all, other := w.ranksAll.next(int64(end-start)), w.ranksOther.next(others)
		for _, j := range w.order[start:end] {
			w.doubled[j] = int32(all)
			w.ranksAll.class[labels[j]] += all
			w.ranksOther.class[labels[j]] += other
		}
		end = start
	}
	w.ranksOther.class[c] = 0
}

// relate adds the query's ranks to the totals of its class.
func (w *worker) relate(c int) {
	w.classes[c].auc += auc(w.ranksAll.class[c], w.split.same(c), len(w.order))
	w.ranksAll.add(w.all.sum[c])
	w.ranksOther.add(w.others.sum[c])
}

// relabel computes the query's auc under every shuffle of the labels: that of an image in a queue is not its own.
func (w *worker) relabel(q int32, c int) {
	n := len(w.order)
	for i := range w.draws {
		class := c
		if w.self {
			class = int(w.draws[i].class[q])
		}
		total := int64(0)
		for _, j := range w.draws[i].members[w.split.starts[class]:w.split.starts[class+1]] {
			total += int64(w.doubled[j]) // the query's own is 0
		}
		w.labelNull[c][i] += auc(total, w.split.same(class), n)
	}
}

// visitTails counts who is hardest and easiest, and looks at the negatives opposite to the query.
func (w *worker) visitTails(c int) {
	n := len(w.order)
	for _, j := range w.order[:w.tail] {
		atomic.AddInt32(&w.hard[j], 1)
	}
	sums, labels := &w.classes[c], w.split.pool.Labels
	opposite, row := 0.0, w.anticorrelated[c]
	clear(w.middle)
	total := 0.0
	for _, j := range w.order[share(0.25, n):share(0.75, n)] {
		if labels[j] != int32(c) {
			w.middle[labels[j]]++
			total++
		}
	}
	for _, j := range w.order[n-w.tail:] {
		atomic.AddInt32(&w.easy[j], 1)
		if w.dots[j] >= 0 {
			continue
		}
		sums.opposite++
		if labels[j] != int32(c) && total > 0 {
			row[labels[j]]++
			opposite++
		}
	}
	sums.contrasted += opposite
	if opposite > 0 {
		for d, m := range w.middle {
			row[d] -= opposite * m / total
		}
	}
	for i := n; i > 0 && w.dots[w.order[i-1]] < 0; i-- {
		sums.negative++
	}
}
