package negatives_test

import (
	"fmt"

	"github.com/cidbench/cidbench/bench/negatives"
)

// A queue of eight negatives, ranked by their dot product with the query: the hardest half goes, then of what is
// left everything of the query's class.
func ExampleSelector_Select() {
	similarity := []float32{0.9, -0.2, 0.4, 0.1, 0.4, 0.7, -0.6, 0.3}
	class := []int32{5, 5, 2, 1, 2, 5, 1, 2}
	rules := []negatives.Rule{
		{Action: negatives.Drop, Pool: negatives.Hardest, Fraction: 0.5},
		{Action: negatives.Drop, Pool: negatives.SameClass, Fraction: 1},
	}
	kept := make([]bool, len(similarity))
	s := negatives.NewSelector(len(similarity), 10)
	for used := range rules {
		s.Select(kept, rules[:used+1], similarity, 5, class, nil)
		fmt.Print(rules[used], ":")
		for j, seen := range kept {
			if seen {
				fmt.Print(" ", similarity[j])
			}
		}
		fmt.Println()
	}
	// Output:
	// drop hardest 50%: -0.2 0.1 -0.6 0.3
	// drop same-class: 0.1 -0.6 0.3
}
