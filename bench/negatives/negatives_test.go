package negatives

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

// rank is the oracle: indices from hardest to easiest, by a full stable sort.
func rank(similarity []float32) []int {
	order := make([]int, len(similarity))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return similarity[order[a]] > similarity[order[b]] })
	return order
}

// oracle is Select written plainly for the pools that need no randomness.
func oracle(rules []Rule, similarity []float32, queryClass int32, class []int32, classes int) []bool {
	k := len(similarity)
	order := rank(similarity)
	kept := make([]bool, k)
	for j := range kept {
		kept[j] = true
	}
	for _, r := range rules {
		f := r.Fraction
		if r.ClassPrior {
			f = 1 / float64(classes)
		}
		n := max(1, int(f*float64(k)+0.5))
		selected := make([]bool, k)
		for place, j := range order {
			switch r.Pool {
			case Hardest:
				selected[j] = place < n
			case Easiest:
				selected[j] = place >= k-n
			case SameClass:
				selected[j] = place < n && class[j] == queryClass
			}
		}
		for j := range kept {
			if selected[j] != (r.Action == Keep) {
				kept[j] = false
			}
		}
	}
	return kept
}

func TestSelectAgainstFullSort(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	rules := [][]Rule{
		{},
		{{Action: Keep, Pool: Hardest, Fraction: 0.05}},
		{{Action: Drop, Pool: Hardest, Fraction: 0.05}},
		{{Action: Keep, Pool: Easiest, Fraction: 0.95}},
		{{Action: Drop, Pool: Hardest, Fraction: 0.001}},
		{{Action: Drop, Pool: Hardest, ClassPrior: true}},
		{{Action: Drop, Pool: SameClass, Fraction: 1}},
		{{Action: Drop, Pool: SameClass, Fraction: 0.02}},
		{{Action: Keep, Pool: Hardest, Fraction: 0.5}, {Action: Drop, Pool: Hardest, Fraction: 0.01}, {Action: Drop, Pool: SameClass, Fraction: 1}},
	}
	for round := range 200 {
		k := 1 + rng.IntN(500)
		similarity, class := make([]float32, k), make([]int32, k)
		levels := 1 + rng.IntN(1000) // few levels make many ties
		for j := range similarity {
			similarity[j] = float32(rng.IntN(levels))/float32(levels)*2 - 1
			class[j] = int32(rng.IntN(11)) - 1
		}
		for _, r := range rules {
			got := make([]bool, k)
			NewSelector(k, 10).Select(got, r, similarity, 3, class, nil)
			if want := oracle(r, similarity, 3, class, 10); !slices.Equal(got, want) {
				t.Fatalf("round %d, k %d, rules %v: got %v, want %v", round, k, r, got, want)
			}
		}
	}
}

// TestEasiestComplementsHardest: without the hardest 5% and the easiest 95% are one arm.
func TestEasiestComplementsHardest(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	const k = 4096
	similarity, a, b := make([]float32, k), make([]bool, k), make([]bool, k)
	for j := range similarity {
		similarity[j] = rng.Float32()
	}
	s := NewSelector(k, 100)
	s.Select(a, []Rule{{Action: Drop, Pool: Hardest, Fraction: 0.05}}, similarity, 0, nil, nil)
	s.Select(b, []Rule{{Action: Keep, Pool: Easiest, Fraction: 0.95}}, similarity, 0, nil, nil)
	if !slices.Equal(a, b) {
		t.Error("the two rules differ")
	}
}

func TestRandomPool(t *testing.T) {
	const k, rounds = 400, 4000
	s, rules := NewSelector(k, 10), []Rule{{Action: Keep, Pool: Random, Fraction: 0.05}}
	counts, kept := make([]int, k), make([]bool, k)
	rng := rand.New(rand.NewPCG(3, 3))
	for range rounds {
		s.Select(kept, rules, make([]float32, k), 0, nil, rng)
		n := 0
		for j, in := range kept {
			if in {
				counts[j]++
				n++
			}
		}
		if n != 20 {
			t.Fatalf("kept %d of %d, want 20", n, k)
		}
	}
	// Each negative is kept Binomial(4000, 0.05): mean 200, sd 13.8; 5 sd is beyond chance for 400 of them.
	for j, c := range counts {
		if c < 200-69 || c > 200+69 {
			t.Errorf("negative %d was kept %d times, want about 200", j, c)
		}
	}
}

func TestCountAndValidate(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		k    int
		want int
	}{
		{Rule{Fraction: 0.001}, 4096, 4},
		{Rule{Fraction: 0.001}, 100, 1},
		{Rule{Fraction: 0.05}, 4096, 205},
		{Rule{ClassPrior: true}, 4096, 41},
		{Rule{Fraction: 1}, 7, 7},
	} {
		if got := c.rule.Count(c.k, 100); got != c.want {
			t.Errorf("%+v.Count(%d) = %d, want %d", c.rule, c.k, got, c.want)
		}
	}
	for _, bad := range []Rule{
		{Action: "hide", Pool: Hardest, Fraction: 0.1},
		{Action: Keep, Pool: "middling", Fraction: 0.1},
		{Action: Keep, Pool: Hardest},
		{Action: Keep, Pool: Hardest, Fraction: 1.5},
		{Action: Keep, Pool: Hardest, Fraction: 0.1, ClassPrior: true},
		{Action: Keep, Pool: Hardest, Fraction: 0.1, After: 1},
		{Action: Keep, Pool: Hardest, Fraction: 0.1, After: -0.1},
		{Action: Keep, Pool: Hardest, Fraction: 0.1, After: math.NaN()},
	} {
		if bad.Validate() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	late := Rule{Action: Keep, Pool: Hardest, Fraction: 0.1, After: 0.99}
	if err := late.Validate(); err != nil {
		t.Error(err)
	}
}

func TestString(t *testing.T) {
	for want, rule := range map[string]Rule{
		"keep hardest 5%":                                      {Action: Keep, Pool: Hardest, Fraction: 0.05},
		"keep hardest 5% after 50% of training":                {Action: Keep, Pool: Hardest, Fraction: 0.05, After: 0.5},
		"drop random 0.1% after 29% of training":               {Action: Drop, Pool: Random, Fraction: 0.001, After: 0.29},
		"drop easiest the class prior after 12.5% of training": {Action: Drop, Pool: Easiest, ClassPrior: true, After: 0.125},
		"drop same-class after 75% of training":                {Action: Drop, Pool: SameClass, Fraction: 1, After: 0.75},
		"drop same-class within the hardest 1%":                {Action: Drop, Pool: SameClass, Fraction: 0.01},
		"drop same-class within the hardest the class prior":   {Action: Drop, Pool: SameClass, ClassPrior: true},
	} {
		if got := rule.String(); got != want {
			t.Errorf("%+v reads %q, want %q", rule, got, want)
		}
	}
}

// TestActive: by the first step that a rule is applied at. Every step before is without it, every step after with it.
func TestActive(t *testing.T) {
	for _, c := range []struct {
		after        float64
		steps, first int
	}{
		{0, 800, 0}, {0.5, 800, 400}, {0.5, 5, 3}, {0.29, 100, 29}, {0.24, 10, 2}, {0.26, 10, 3},
		{0.01, 10, 0}, {0.99, 10, 10}, // rounded to always and to never
	} {
		for step := range c.steps {
			if got := (Rule{After: c.after}).Active(step, c.steps); got != (step >= c.first) {
				t.Errorf("after %g: at step %d of %d active is %t, want it from step %d", c.after, step, c.steps, got, c.first)
			}
		}
	}
}

// TestKeyOfTheZeroValue: a rule that is applied throughout has the JSON, and with it the keys, of one that knows no
// After.
func TestKeyOfTheZeroValue(t *testing.T) {
	rule := Rule{Action: Keep, Pool: Hardest, Fraction: 0.05}
	for want, after := range map[string]float64{
		`{"action":"keep","pool":"hardest","fraction":0.05}`:             0,
		`{"action":"keep","pool":"hardest","fraction":0.05,"after":0.5}`: 0.5,
	} {
		rule.After = after
		if got, err := json.Marshal(rule); err != nil || string(got) != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}

func BenchmarkSelect(b *testing.B) {
	const k = 4096
	rng := rand.New(rand.NewPCG(4, 4))
	similarity, kept := make([]float32, k), make([]bool, k)
	for j := range similarity {
		similarity[j] = float32(rng.NormFloat64())
	}
	s, rules := NewSelector(k, 100), []Rule{{Action: Keep, Pool: Hardest, Fraction: 0.05}}
	for b.Loop() {
		s.Select(kept, rules, similarity, 0, nil, nil)
	}
}
