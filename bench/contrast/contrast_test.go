package contrast

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/cidbench/cidbench/bench/negatives"
)

func contrastCase(seed uint64, b, k int) Batch {
	rng := rand.New(rand.NewPCG(seed, 0))
	in := Batch{
		Similarity: make([]float32, b*k), Positive: make([]float32, b),
		Classes: make([]int32, b), Negatives: make([]int32, k), Seed: 3, Step: 5,
	}
	for i := range in.Similarity {
		in.Similarity[i] = 2*rng.Float32() - 1
	}
	for i := range b {
		in.Positive[i], in.Classes[i] = 2*rng.Float32()-1, int32(rng.IntN(4))
	}
	for j := range k {
		in.Negatives[j] = int32(rng.IntN(5)) - 1
	}
	return in
}

func clone(in Batch) Batch {
	in.Similarity, in.Positive = slices.Clone(in.Similarity), slices.Clone(in.Positive)
	return in
}

// infoNCE is the loss as the papers write it, with the hardest fraction kept, in plain loops.
func infoNCE(in Batch, temperature float64, keepHardest int) float64 {
	b, k := len(in.Positive), len(in.Negatives)
	total := 0.0
	for i := range b {
		row := slices.Clone(in.Similarity[i*k : (i+1)*k])
		slices.Sort(row)
		slices.Reverse(row)
		positive := math.Exp(float64(in.Positive[i]) / temperature)
		sum := positive
		for _, s := range row[:keepHardest] {
			sum += math.Exp(float64(s) / temperature)
		}
		total -= math.Log(positive / sum)
	}
	return total / float64(b)
}

func TestContrastLossAndGradient(t *testing.T) {
	const b, k, temperature = 3, 20, 0.2
	for name, c := range map[string]struct {
		rules []negatives.Rule
		keep  int
	}{
		"all negatives":  {nil, k},
		"hardest fifth":  {[]negatives.Rule{{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.2}}, 4},
		"only the first": {[]negatives.Rule{{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.01}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			in := contrastCase(1, b, k)
			for _, threads := range []int{1, 3} {
				weights := clone(in)
				got := New(temperature, c.rules, k, 4, 10, threads).Loss(weights)
				if want := infoNCE(in, temperature, c.keep); math.Abs(got.InfoNCE-want) > 1e-6 {
					t.Errorf("loss %g, want %g", got.InfoNCE, want)
				}
				if got.Kept != float64(c.keep) {
					t.Errorf("kept %g, want %d", got.Kept, c.keep)
				}
				const step = 1e-3
				slope := func(values []float32, i int) float64 {
					was := values[i]
					defer func() { values[i] = was }()
					values[i] = was + step
					up := infoNCE(in, temperature, c.keep)
					values[i] = was - step
					return (up - infoNCE(in, temperature, c.keep)) / (2 * step)
				}
				for i, w := range weights.Similarity {
					if want := slope(in.Similarity, i); math.Abs(float64(w)-want) > 1e-3 {
						t.Errorf("weight %d is %g, want %g", i, w, want)
					}
				}
				for i, w := range weights.Positive {
					if want := slope(in.Positive, i); math.Abs(float64(w)-want) > 1e-3 {
						t.Errorf("weight of positive %d is %g, want %g", i, w, want)
					}
				}
			}
		})
	}
}

// TestContrastRandomPool: the draw depends on seed, step and query, not on threads or on what came before.
func TestContrastRandomPool(t *testing.T) {
	rules := []negatives.Rule{{Action: negatives.Keep, Pool: negatives.Random, Fraction: 0.3}}
	run := func(threads int, step uint64) []float32 {
		in := contrastCase(2, 4, 30)
		in.Step = step
		New(0.2, rules, 30, 4, 10, threads).Loss(in)
		return in.Similarity
	}
	if !slices.Equal(run(1, 5), run(3, 5)) {
		t.Error("threads change the draw")
	}
	if slices.Equal(run(1, 5), run(1, 6)) {
		t.Error("two steps share a draw")
	}
}

// TestContrastLateRules: before its step a rule is no rule, whatever its pool, and from then on it is as if it had
// always been. The others do not wait for it.
func TestContrastLateRules(t *testing.T) {
	const k, steps, first = 30, 11, 6 // half of the steps, rounded up
	hardest := negatives.Rule{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.5}
	for _, always := range [][]negatives.Rule{nil, {hardest}} {
		for _, late := range []negatives.Rule{
			{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.1},
			{Action: negatives.Keep, Pool: negatives.Random, Fraction: 0.3},
			{Action: negatives.Drop, Pool: negatives.SameClass, Fraction: 1},
		} {
			with := append(slices.Clone(always), late)
			late.After = 0.5
			for step := range uint64(steps) {
				loss := func(rules []negatives.Rule) Loss {
					in := contrastCase(3, 4, k)
					in.Step = step
					return New(0.2, rules, k, 4, steps, 2).Loss(in)
				}
				got, before, after := loss(append(slices.Clone(always), late)), loss(always), loss(with)
				if reflect.DeepEqual(before, after) {
					t.Fatalf("%v: the rule makes no difference, so this shows nothing", with)
				}
				want := before
				if step >= first {
					want = after
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%v besides %v at step %d of %d: %g kept, want %g", late, always, step, steps, got.Kept, want.Kept)
				}
			}
		}
	}
}

func TestContrastTop1(t *testing.T) {
	in := Batch{
		Similarity: []float32{.5, .1, .9, .2}, Positive: []float32{.6, .6},
		Classes: []int32{0, 0}, Negatives: []int32{1, 1},
	}
	if got := New(0.2, nil, 2, 2, 1, 1).Loss(in); got.Top1 != 0.5 {
		t.Errorf("top-1 %g, want 0.5: the first query beats its negatives, the second does not", got.Top1)
	}
}

func TestBandsByHand(t *testing.T) {
	// 100 negatives with similarity 1.00, 0.99 ... 0.01 in shuffled places; the first 10 are of class 7.
	const k = 100
	in := Batch{Similarity: make([]float32, k), Positive: []float32{0}, Classes: []int32{7}, Negatives: make([]int32, k)}
	for rank, place := range rand.New(rand.NewPCG(1, 1)).Perm(k) {
		in.Similarity[place] = float32(k-rank) / k
		in.Negatives[place] = -1
		if rank < 10 {
			in.Negatives[place] = 7
		}
	}
	bands := New(0.2, nil, k, 10, 1, 2).Bands(in)
	want := map[float64][2]float64{ // by From: same-class share, mean similarity
		0.001: {1, 1}, 0.01: {1, (.99 + .96) / 2}, 0.05: {5.0 / 20, (.95 + .76) / 2}, 0.25: {0, (.75 + .51) / 2}, 0.95: {0, .03},
	}
	for _, b := range bands {
		if w, ok := want[b.From]; ok && (math.Abs(b.SameClass-w[0]) > 1e-6 || math.Abs(b.Similarity-w[1]) > 1e-6) {
			t.Errorf("band %g to %g: %g same-class at similarity %g, want %v", b.From, b.To, b.SameClass, b.Similarity, w)
		}
	}
}
