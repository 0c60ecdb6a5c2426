package stats

import (
	"fmt"
	"math"
	"math/bits"

	"gonum.org/v1/gonum/stat"
)

// Trend says whether responses rise with a dose.
type Trend struct {
	N      int `json:"n"`      // seeds
	Levels int `json:"levels"` // doses
	// Rho is by seed Spearman's correlation of dose and response; 0 where the responses are all equal.
	Rho []float64 `json:"rho"`
	// P is the one-sided p value of "responses do not depend on the dose" against "they rise", PFalling against
	// "they fall".
	P        float64 `json:"p"`
	PFalling float64 `json:"pFalling"`
}

// Page tests for a trend (E. B. Page, Ordered hypotheses for multiple treatments: a significance test for linear
// ranks, JASA 1963). rows has one row per seed, two or more, and in it one response per dose, three to eight, in
// rising order of the dose. The statistic is the sum over rows of sum_j j * rank_j. Its null distribution is exact:
// all orders of the ranks of a row are equally likely, mid-ranks where responses are equal, and rows are independent.
//
// The error is ErrTooFew for fewer than two rows, ErrUnpaired for rows of unequal length, ErrRange for a number of
// doses outside 3 to 8 and ErrNotFinite for a response that is not finite.
func Page(rows [][]float64) (Trend, error) {
	if len(rows) < 2 {
		return Trend{}, fmt.Errorf("%w: %d rows, at least 2 needed", ErrTooFew, len(rows))
	}
	levels := len(rows[0])
	if levels < 3 || levels > 8 {
		return Trend{}, fmt.Errorf("%w: %d doses, must be 3 to 8", ErrRange, levels)
	}
	doses := make([]float64, levels)
	for j := range doses {
		doses[j] = float64(j + 1)
	}
	trend := Trend{N: len(rows), Levels: levels}
	observed, null := 0, []float64{1}
	for i, row := range rows {
		if len(row) != levels {
			return Trend{}, fmt.Errorf("%w: row %d has %d responses, row 0 has %d", ErrUnpaired, i, len(row), levels)
		}
		if err := checkSample(row, levels); err != nil {
			return Trend{}, fmt.Errorf("row %d: %w", i, err)
		}
		twice := midRanks(row)
		ranks := make([]float64, levels)
		for j, r := range twice {
			observed += (j + 1) * r
			ranks[j] = float64(r)
		}
		trend.Rho = append(trend.Rho, 0)
		if rho := stat.Correlation(doses, ranks, nil); !math.IsNaN(rho) {
			trend.Rho[i] = rho
		}
		null = convolve(null, orders(twice))
	}
	for s, p := range null {
		if s >= observed {
			trend.P += p
		}
		if s <= observed {
			trend.PFalling += p
		}
	}
	trend.P, trend.PFalling = min(1, trend.P), min(1, trend.PFalling)
	return trend, nil
}

// midRanks are twice the ranks, from 1, of the values of a row, so that those of equal values are whole too.
func midRanks(row []float64) []int {
	twice := make([]int, len(row))
	for j, v := range row {
		twice[j] = 1
		for _, w := range row {
			switch {
			case w < v:
				twice[j] += 2
			case w == v:
				twice[j]++
			}
		}
	}
	return twice
}

// orders is the distribution of sum_j (j+1) * ranks_j over all orders of the ranks, indexed by the sum. It grows
// column by column over the sets of ranks that the columns so far can hold.
func orders(ranks []int) []float64 {
	largest := 0
	for _, r := range ranks {
		largest += r * len(ranks)
	}
	ways := make([][]float64, 1<<len(ranks))
	for used := range ways {
		ways[used] = make([]float64, largest+1)
	}
	ways[0][0] = 1
	for used, sums := range ways {
		column := bits.OnesCount(uint(used)) + 1
		for i, r := range ranks {
			if used&(1<<i) != 0 {
				continue
			}
			for s, p := range sums {
				if p > 0 {
					ways[used|1<<i][s+column*r] += p / float64(len(ranks)-column+1)
				}
			}
		}
	}
	return ways[len(ways)-1]
}

// convolve is the distribution of the sum of two independent whole numbers.
func convolve(a, b []float64) []float64 {
	sum := make([]float64, len(a)+len(b)-1)
	for i, p := range a {
		if p == 0 {
			continue
		}
		for j, q := range b {
			sum[i+j] += p * q
		}
	}
	return sum
}
