// Package negatives decides which negatives of the queue a query sees. Difficulty is the dot product of
// the normalised query and key embeddings - larger is harder - ranked per query over the whole queue
// at every step. The positive is never ranked.
//
// The mechanics that the paper does not spell out are ours: a fraction f of a queue of K means
// max(1, round(f K)) negatives, ties are broken by queue index (the lower index counts as harder), and
// an arm's rules are applied independently to the whole queue and then intersected.
package negatives

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// Action says what a rule does with the negatives it selects.
type Action string

// The actions.
const (
	Keep Action = "keep"
	Drop Action = "drop"
)

// Pool says which negatives a rule selects.
type Pool string

// The pools. SameClass needs labels: it is an oracle's control, not a training method.
const (
	Hardest   Pool = "hardest"
	Easiest   Pool = "easiest"
	Random    Pool = "random"
	SameClass Pool = "same-class"
)

// Rule keeps or drops part of the queue, for each query on its own.
type Rule struct {
	Action Action `json:"action"`
	Pool   Pool   `json:"pool"`
	// Fraction of the queue, in (0, 1]. With SameClass: only within the hardest Fraction.
	Fraction float64 `json:"fraction,omitempty"`
	// ClassPrior replaces Fraction by 1/classes, the share of the queue that is of the query's class.
	ClassPrior bool `json:"class_prior,omitempty"`
	// After is the share of training, in [0, 1), before which the rule is not applied; 0: it always is.
	After float64 `json:"after,omitempty"`
}

// String reads like "keep hardest 5%" or "keep hardest 5% after 50% of training".
func (r Rule) String() string {
	text := fmt.Sprintf("%s %s", r.Action, r.Pool)
	switch {
	case r.Pool == SameClass && !r.ClassPrior && r.Fraction == 1: // within the whole queue
	case r.Pool == SameClass:
		text += " within the hardest " + r.share()
	default:
		text += " " + r.share()
	}
	if r.After != 0 {
		text += fmt.Sprintf(" after %s of training", percent(r.After))
	}
	return text
}

func (r Rule) share() string {
	if r.ClassPrior {
		return "the class prior"
	}
	return percent(r.Fraction)
}

// percent rounds what binary fractions add: 100 * 0.29 is 28.999999999999996.
func percent(share float64) string { return fmt.Sprintf("%.6g%%", 100*share) }

// Validate reports the first thing wrong with a rule.
func (r Rule) Validate() error {
	switch {
	case r.Action != Keep && r.Action != Drop:
		return fmt.Errorf("action %q is not keep or drop", r.Action)
	case r.Pool != Hardest && r.Pool != Easiest && r.Pool != Random && r.Pool != SameClass:
		return fmt.Errorf("pool %q is not hardest, easiest, random or same-class", r.Pool)
	case r.ClassPrior && r.Fraction != 0:
		return errors.New("fraction and class_prior exclude each other")
	case !r.ClassPrior && !(r.Fraction > 0 && r.Fraction <= 1):
		return fmt.Errorf("fraction %g is not in (0, 1]", r.Fraction)
	case !(r.After >= 0 && r.After < 1):
		return fmt.Errorf("after %g is not in [0, 1)", r.After)
	}
	return nil
}

// Active says whether the rule is applied at a step, counted from 0, of a training of so many: from step
// round(After * steps) on.
func (r Rule) Active(step, steps int) bool {
	return step >= int(math.Round(r.After*float64(steps)))
}

// Count is the number of negatives of a queue of k that the rule's fraction stands for.
func (r Rule) Count(k, classes int) int {
	f := r.Fraction
	if r.ClassPrior {
		f = 1 / float64(classes)
	}
	return min(k, max(1, int(math.Round(f*float64(k)))))
}

// Selector applies rules to one query after the other, reusing its memory. It is not safe for concurrent use.
type Selector struct {
	classes int
	scratch []float32
	perm    []int32
	pool    []bool
}

// NewSelector returns a selector for queues of up to k negatives of a data set with so many classes.
func NewSelector(k, classes int) *Selector {
	s := &Selector{classes: classes, scratch: make([]float32, k), perm: make([]int32, k), pool: make([]bool, k)}
	for i := range s.perm {
		s.perm[i] = int32(i)
	}
	return s
}

// Select sets kept[j] for every negative j that the query sees under the rules, all of which are applied: who calls
// leaves out those that are not active. similarity and class are parallel to kept; class holds -1 where a queue entry
// has no class (the random entries that a queue starts with). rng serves the random pool alone.
func (s *Selector) Select(kept []bool, rules []Rule, similarity []float32, queryClass int32, class []int32, rng *rand.Rand) {
	for j := range kept {
		kept[j] = true
	}
	for _, r := range rules {
		s.mark(r, similarity, queryClass, class, rng)
		keep := r.Action == Keep
		for j, in := range s.pool[:len(kept)] {
			kept[j] = kept[j] && in == keep
		}
	}
}

// mark sets s.pool for the negatives that a rule selects.
func (s *Selector) mark(r Rule, similarity []float32, queryClass int32, class []int32, rng *rand.Rand) {
	k := len(similarity)
	pool, n := s.pool[:k], r.Count(k, s.classes)
	switch r.Pool {
	case Hardest:
		s.markHardest(pool, similarity, n)
	case Easiest:
		s.markHardest(pool, similarity, k-n)
		for j := range pool {
			pool[j] = !pool[j]
		}
	case Random:
		s.Draw(pool, n, rng)
	case SameClass:
		s.markHardest(pool, similarity, n)
		for j := range pool {
			pool[j] = pool[j] && class[j] == queryClass
		}
	}
}

// markHardest marks exactly n: all above the n-th largest similarity, then ties by index.
func (s *Selector) markHardest(pool []bool, similarity []float32, n int) {
	if n == 0 {
		clear(pool)
		return
	}
	values := s.scratch[:len(similarity)]
	copy(values, similarity)
	threshold := nthLargest(values, n)
	ties := n
	for j, v := range similarity {
		pool[j] = v > threshold
		if pool[j] {
			ties--
		}
	}
	for j := 0; ties > 0 && j < len(similarity); j++ {
		if similarity[j] == threshold {
			pool[j] = true
			ties--
		}
	}
}

// nthLargest is the n-th largest value (n from 1), in expected linear time; it reorders values.
func nthLargest(values []float32, n int) float32 {
	lo, hi, want := 0, len(values)-1, n-1
	for lo < hi {
		a, b, c := values[lo], values[(lo+hi)/2], values[hi]
		pivot := max(min(a, b), min(max(a, b), c)) // the median of three
		i, j := lo, hi
		for i <= j {
			for values[i] > pivot {
				i++
			}
			for values[j] < pivot {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i++
				j--
			}
		}
		switch {
		case want <= j:
			hi = j
		case want >= i:
			lo = i
		default:
			return values[want]
		}
	}
	return values[want]
}
