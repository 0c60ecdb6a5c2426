package stats

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Published is what is published of an experiment.
type Published struct {
	// Figures are the values of its seeds, or their mean alone.
	Figures []float64
	// SeedsSD is the deviation of SeedsN seeds of which there is the mean alone; 0 where none is published.
	SeedsSD float64
	SeedsN  int
	// SD is the known deviation between implementations.
	SD float64
}

// A Band is where a run is expected that repeats an experiment. Seeds and Implementations are the half widths that it
// would have by either alone.
type Band struct {
	Interval
	Seeds, Implementations float64
}

// Reference is the band in which a run that repeats a published experiment is expected with probability level:
//
//	mean +- sqrt((t s sqrt(1 + 1/n))^2 + (z sd)^2)
//
// From the figures of n seeds, of deviation s, one more is predicted by Student's t with n - 1 degrees of freedom, as
// CORE-Bench holds reproduced results against published ones (Siegel et al., 2024). What another implementation adds is
// independent of that: of its half width, z sd for a known deviation sd between implementations and normal values, the
// square is added. A single figure without a deviation says nothing of seeds, and has the implementations' band alone, which
// then needs an sd above 0.
func Reference(p Published, level float64) (Band, error) {
	if err := errors.Join(checkSample(p.Figures, 1), finite(p.SD, p.SeedsSD), checkOpen("level", level, 1)); err != nil {
		return Band{}, err
	}
	mean, s, n := stat.Mean(p.Figures, nil), p.SeedsSD, p.SeedsN
	switch {
	case (n != 0 || s != 0) && (n < 2 || s <= 0 || len(p.Figures) > 1):
		return Band{}, fmt.Errorf("%w: a deviation of %g between %d seeds, beside %d figures", ErrRange, s, n, len(p.Figures))
	case p.SD < 0 || p.SD == 0 && len(p.Figures) == 1 && n == 0:
		return Band{}, fmt.Errorf("%w: a deviation of %g between implementations, of %d figures", ErrRange, p.SD, len(p.Figures))
	case len(p.Figures) > 1:
		s, n = stat.StdDev(p.Figures, nil), len(p.Figures)
	}
	b := Band{Implementations: distuv.UnitNormal.Quantile((1+level)/2) * p.SD}
	if n > 1 {
		b.Seeds = predicted(s, n, level)
	}
	half := math.Hypot(b.Seeds, b.Implementations)
	b.Interval = Interval{mean - half, mean + half, level}
	return b, finite(mean, half)
}
