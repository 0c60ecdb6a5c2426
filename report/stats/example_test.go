package stats_test

import (
	"fmt"

	"github.com/cidbench/cidbench/report/stats"
)

// Accuracies of two arms, in per cent, paired by seed: a loses less than two points against b, but that it
// gains anything does not follow.
func ExampleTest() {
	a := []float64{61.2, 60.4, 62.0, 61.1, 60.9}
	b := []float64{60.9, 60.8, 61.1, 61.0, 60.5}
	for _, claim := range []struct {
		relation stats.Relation
		margin   float64
	}{{stats.NonInferior, 2}, {stats.Greater, 0}, {stats.Equivalent, 2}, {stats.Greater, 2}} {
		r, err := stats.Test(claim.relation, a, b, claim.margin, 0.05)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s, margin %g: %s, a - b = %.2f in [%.2f, %.2f]\n",
			claim.relation, claim.margin, r.Verdict, r.Estimate, r.Interval.Low, r.Interval.High)
	}
	// Output:
	// non-inferior, margin 2: supported, a - b = 0.26 in [-0.19, 0.71]
	// greater, margin 0: inconclusive, a - b = 0.26 in [-0.19, 0.71]
	// equivalent, margin 2: supported, a - b = 0.26 in [-0.19, 0.71]
	// greater, margin 2: refuted, a - b = 0.26 in [-0.19, 0.71]
}
