package experiments_test

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/experiments"
)

// A claim is arms, a relation and a margin; the matrix says what is to be trained for it.
func Example() {
	all := experiments.All
	claims, err := all.Select("default", []string{"hardest5"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, x := range claims[0].Contrasts {
		fmt.Printf("%s against %s: %s within %g%% of the gain\n", x.A, x.B, x.Relation, 100*x.Margin)
	}
	var arms []string
	for _, cell := range all.Matrix(all.Tier("default"), claims, bench.Explored(2), bench.Environment{Backend: "go"}) {
		if cell.Spec.Training.Features == bench.Trained && !slices.Contains(arms, cell.Arm) {
			arms = append(arms, cell.Arm)
		}
	}
	fmt.Println("trained:", arms)
	// Output:
	// hardest5 against all: non-inferior within 5% of the gain
	// trained: [all easiest95 hardest5 random5]
}
