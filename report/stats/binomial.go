package stats

import (
	"fmt"

	"gonum.org/v1/gonum/stat/distuv"
)

// BinomialTail is P(X >= k) for X binomial over n trials of probability p: the
// chance of k correct images of n, or of a negative landing in the hardest p for
// k of n queries. It uses P(X >= k) = I_p(k, n-k+1), the regularised incomplete
// beta function (Abramowitz and Stegun 26.5.24).
func BinomialTail(k, n int, p float64) (float64, error) {
	if err := checkCount(k, n); err != nil {
		return 0, err
	}
	if !(0 <= p && p <= 1) {
		return 0, fmt.Errorf("%w: probability %v", ErrRange, p)
	}
	if k == 0 {
		return 1, nil
	}
	return distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.CDF(p), nil
}

// BinomialInterval is the exact interval of Clopper and Pearson (Biometrika 1934)
// for a proportion k/n, as fractions: it covers with probability at least level.
// For an accuracy it covers the choice of test images only, not the choice of
// seed.
func BinomialInterval(k, n int, level float64) (Interval, error) {
	if err := checkCount(k, n); err != nil {
		return Interval{}, err
	}
	if err := checkOpen("level", level, 0, 1); err != nil {
		return Interval{}, err
	}
	tail := (1 - level) / 2
	in := Interval{Low: 0, High: 1, Level: level}
	if k > 0 {
		in.Low = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(tail)
	}
	if k < n {
		in.High = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - tail)
	}
	return in, nil
}

func checkCount(k, n int) error {
	if n < 1 {
		return fmt.Errorf("%w: %d trials", ErrTooFew, n)
	}
	if k < 0 || k > n {
		return fmt.Errorf("%w: %d successes of %d trials", ErrRange, k, n)
	}
	return nil
}
