package stats

import (
	"cmp"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Spearman is the rank correlation of C. Spearman (Am. J. Psychol. 1904), from -1
// to 1: Pearson's correlation of the ranks, tied values sharing the mean of their
// ranks. A constant sample has no ranks to correlate: ErrConstant.
func Spearman(x, y []float64) (float64, error) {
	if err := checkPairs(x, y, 2); err != nil {
		return 0, err
	}
	for _, v := range [][]float64{x, y} {
		if slices.Min(v) == slices.Max(v) {
			return 0, fmt.Errorf("rank correlation: %w", ErrConstant)
		}
	}
	return stat.Correlation(ranks(x), ranks(y), nil), nil
}

// ranks counts from 1; ties get their mean rank.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(x[i], x[j]) })
	r := make([]float64, len(x))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && x[order[to]] == x[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			r[i] = float64(from+1+to) / 2
		}
		from = to
	}
	return r
}
