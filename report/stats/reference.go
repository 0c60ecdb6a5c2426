package stats

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Reference is the interval in which a run that repeats a published experiment is expected with probability level:
//
//	mean +- sqrt((t s sqrt(1 + 1/n))^2 + (z sd)^2)
//
// From the figures of n seeds, of deviation s, one more is predicted by Student's t with n - 1 degrees of freedom, as
// CORE-Bench holds reproduced results against published ones (Siegel et al., 2024). What another implementation adds is
// independent of that: of its half width, z sd for a known deviation sd between implementations and normal values, the
// square is added. A single figure says nothing of seeds, and has the implementations' band alone, which then needs an
// sd above 0.
func Reference(figures []float64, sd, level float64) (Interval, error) {
	if err := errors.Join(checkSample(figures, 1), finite(sd), checkOpen("level", level, 1)); err != nil {
		return Interval{}, err
	}
	if sd < 0 || sd == 0 && len(figures) == 1 {
		return Interval{}, fmt.Errorf("%w: a deviation of %g between implementations, of %d figures", ErrRange, sd, len(figures))
	}
	mean, half := stat.Mean(figures, nil), distuv.UnitNormal.Quantile((1+level)/2)*sd
	if len(figures) > 1 {
		seeds, err := Prediction(figures, level)
		if err != nil {
			return Interval{}, err
		}
		half = math.Hypot(half, (seeds.High-seeds.Low)/2)
	}
	return Interval{mean - half, mean + half, level}, finite(mean, half)
}
