package stats

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Bootstrap is the percentile interval of a statistic (Efron and Tibshirani, An
// Introduction to the Bootstrap, 1993, chapter 13): the (1-level)/2 and
// (1+level)/2 quantiles of its values on samples drawn from x with replacement.
// The same x, draws and seed give the same interval; x is left alone and the
// statistic must not keep its argument. Intended for many observations (queries,
// images): on a handful of seeds it is too narrow, use PairedT.
func Bootstrap(x []float64, statistic func([]float64) float64, level float64, draws int, seed uint64) (Interval, error) {
	if err := checkSample(x, 2); err != nil {
		return Interval{}, err
	}
	if err := checkOpen("level", level, 0, 1); err != nil {
		return Interval{}, err
	}
	// A tail must hold at least one draw, or the interval would be the range.
	if float64(draws)*(1-level)/2 < 1 {
		return Interval{}, fmt.Errorf("%w: %d draws do not resolve level %v", ErrRange, draws, level)
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	sample, values := make([]float64, len(x)), make([]float64, draws)
	for i := range values {
		for j := range sample {
			sample[j] = x[rng.IntN(len(x))]
		}
		v, err := finite(statistic(sample))
		if err != nil {
			return Interval{}, fmt.Errorf("draw %d: %w", i, err)
		}
		values[i] = v
	}
	slices.Sort(values)
	return Interval{
		Low:   stat.Quantile((1-level)/2, stat.Empirical, values, nil),
		High:  stat.Quantile((1+level)/2, stat.Empirical, values, nil),
		Level: level,
	}, nil
}
