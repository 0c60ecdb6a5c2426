package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Shift is a change of level in values that come in batches: from the batch From on they are others than before. It was
// found when the batch At had come.
type Shift struct {
	From, At int
	// Score is the standardised rank sum that found it, above 0 if values rose.
	Score float64
}

// Shifts watches batches of values, in the order in which they come, for changes of level. After each batch it compares,
// for every way to part the batches so far in two, the values of both parts by their ranks (Wilcoxon, Individual
// comparisons by ranking methods, Biometrics Bulletin 1945), and finds a shift where the largest standardised rank sum
// exceeds the limit: the change-point model of Hawkins and Deng (A nonparametric change-point control chart, Journal of
// Quality Technology 2010). The level and spread of an undisturbed process need not be known, and nothing is assumed of its
// distribution but that values could be swapped. It begins anew with the first batch of the new level.
//
// Scores are the largest of each batch, by size, at the best parting; 0 for one with nothing before it.
func Shifts(batches [][]float64, limit float64) (found []Shift, scores []float64) {
	w := newWatch(0, len(batches))
	for b := range batches {
		w.add(batches, b)
		best := Shift{At: b}
		before := 0
		for from := w.start + 1; from <= b; from++ {
			before += len(batches[from-1])
			if score := w.score(from, before); math.Abs(score) > math.Abs(best.Score) {
				best.From, best.Score = from, score
			}
		}
		scores = append(scores, best.Score)
		if math.Abs(best.Score) > limit {
			found = append(found, best)
			w = newWatch(best.From, len(batches))
			for again := best.From; again <= b; again++ {
				w.add(batches, again)
			}
		}
	}
	return found, scores
}

// watch holds the sums of all partings of the batches since start.
type watch struct {
	start, values int
	larger        []float64 // by the first batch after it: pairs of values that rise over the parting, less those that fall
}

func newWatch(start, batches int) *watch {
	return &watch{start: start, larger: make([]float64, batches+1)}
}

// add takes note of batch b, which all partings have on their later side.
func (w *watch) add(batches [][]float64, b int) {
	sum := 0.0
	for a := w.start; a < b; a++ {
		sum += dominance(batches[a], batches[b])
		w.larger[a+1] += sum
	}
	w.values += len(batches[b])
}

// score is the standardised rank sum of a parting with so many values before it. Ties make the spread smaller than what it
// is divided by, and the score too small, not too large.
func (w *watch) score(from, before int) float64 {
	after := w.values - before
	if before*after == 0 {
		return 0
	}
	return w.larger[from] / math.Sqrt(float64(before)*float64(after)*float64(w.values+1)/3)
}

// dominance is the number of pairs in which b is larger, less that in which it is smaller.
func dominance(a, b []float64) (sum float64) {
	for _, y := range b {
		for _, x := range a {
			if y > x {
				sum++
			} else if y < x {
				sum--
			}
		}
	}
	return sum
}

// limitDraws are those of ShiftLimit: at alpha 0.05 over 20 series a hundred of them lie beyond it.
const limitDraws = 40_000

// ShiftLimit is a limit for Shifts that so many undisturbed batches of like size exceed with probability alpha, at any of
// them. It is that of batches so large that their means are normal, drawn with a seed of its own; small batches have
// lighter tails, and exceed it less often.
//
// The error is ErrRange for fewer than 2 batches, or alpha not between 0 and 0.5.
func ShiftLimit(batches int, alpha float64) (float64, error) {
	if err := checkOpen("alpha", alpha, 0.5); err != nil {
		return 0, err
	}
	if batches < 2 {
		return 0, fmt.Errorf("%w: %d batches", ErrRange, batches)
	}
	// A parting of t batches after the first k compares sums: (k/t S(t) - S(k)) / sqrt(k (t-k) / t) is standard normal.
	draw := rand.New(rand.NewPCG(1, 0))
	sums := make([]float64, batches+1)
	spread := make([][]float64, batches+1)
	for t := range spread {
		spread[t] = make([]float64, t)
		for k := 1; k < t; k++ {
			spread[t][k] = math.Sqrt(float64(t) / (float64(k) * float64(t-k)))
		}
	}
	largest := make([]float64, limitDraws)
	for i := range largest {
		most := 0.0
		for t := 1; t <= batches; t++ {
			sums[t] = sums[t-1] + draw.NormFloat64()
			mean, level := sums[t]/float64(t), 0.0
			for k, scale := range spread[t] {
				if score := math.Abs(level-sums[k]) * scale; score > most {
					most = score
				}
				level += mean
			}
		}
		largest[i] = most
	}
	slices.Sort(largest)
	return largest[limitDraws-int(alpha*limitDraws)], nil
}
