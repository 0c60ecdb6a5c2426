package stats

import "fmt"

// Jackknife returns one pseudo-value for each of n seeds, n*S - (n-1)*S_i, where S = statistic(-1) is of all seeds
// and S_i = statistic(i) leaves seed i out. They have the unit of the statistic. A statistic that compares seeds
// with each other has no value per seed to test; its pseudo-values are nearly independent and a t test of them is
// valid for many seeds (J. N. Arvesen, Jackknifing U-statistics, Ann. Math. Statist. 1969). Those of a mean are the
// values themselves.
//
// The error is ErrTooFew for fewer than two seeds and ErrNotFinite where the statistic does not exist.
func Jackknife(n int, statistic func(without int) float64) ([]float64, error) {
	if n < 2 {
		return nil, fmt.Errorf("%w: %d, at least 2 needed", ErrTooFew, n)
	}
	all := statistic(-1)
	pseudo := make([]float64, n)
	for i := range pseudo {
		pseudo[i] = all + float64(n-1)*(all-statistic(i))
		if err := finite(pseudo[i]); err != nil {
			return nil, fmt.Errorf("without seed %d: %w", i, err)
		}
	}
	return pseudo, nil
}
