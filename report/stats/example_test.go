package stats_test

import (
	"fmt"

	"github.com/cidbench/cidbench/report/stats"
)

// Accuracies of two arms, in per cent, paired by seed: a loses less than two points against b, but that it
// gains anything does not follow.
func ExampleAbove() {
	a := []float64{61.2, 60.4, 62.0, 61.1, 60.9}
	b := []float64{60.9, 60.8, 61.1, 61.0, 60.5}
	for _, bound := range []float64{-2, 0, 2} {
		r, err := stats.Above(a, b, bound, 0.05)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("above %g: %s, a - b = %.2f in [%.2f, %.2f]\n", bound, r.Verdict, r.Estimate, r.Interval.Low, r.Interval.High)
	}
	// Output:
	// above -2: supported, a - b = 0.26 in [-0.20, 0.71]
	// above 0: inconclusive, a - b = 0.26 in [-0.20, 0.71]
	// above 2: refuted, a - b = 0.26 in [-0.20, 0.71]
}
