// Package contrast is the heart of what is tested: it ranks the negatives of each query, applies the arm's rules,
// and computes InfoNCE with its gradient. It knows no method: a query's negatives may be a queue or the batch.
//
// On the pure-Go backend it runs on the host, between the forward and the backward graph: a selection in linear time is
// what a graph of tensor operations cannot express, and the kept negatives alone pay for an exponential. Where a backend
// compiles, it is part of the graph of the step (Rules.Loss), and selects the same.
package contrast

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/parallel"
	"github.com/cidbench/cidbench/bench/rng"
)

// Contrast holds what does not change from batch to batch. It is not safe for concurrent use.
type Contrast struct {
	temperature float64
	rules       []negatives.Rule
	classes     int
	steps       int
	selectors   []*negatives.Selector // one for each thread
	kept        [][]bool
}

// New prepares for batches of any number of queries with k negatives each, of so many classes, in a training of so
// many steps: rules may begin at a share of them.
func New(temperature float64, rules []negatives.Rule, k, classes, steps, threads int) *Contrast {
	c := &Contrast{temperature: temperature, rules: rules, classes: classes, steps: steps}
	for range threads {
		c.selectors = append(c.selectors, negatives.NewSelector(k, classes))
		c.kept = append(c.kept, make([]bool, k))
	}
	return c
}

// Batch is B queries, each against its key and K negatives.
type Batch struct {
	Similarity []float32 // [B, K] dot products of query and negative
	Positive   []float32 // [B] dot products of query and key
	Classes    []int32   // [B]
	// Negatives holds the classes of the negatives, -1 for none: [K] if all queries share them, else [B, K].
	Negatives []int32
	// Step of the training, counted from 0: which rules are active. With Seed also which stream the random pool is
	// drawn from.
	Seed, Step uint64
}

// negatives are the classes of query i's, [K].
func (b Batch) negatives(i int) []int32 {
	if k := len(b.Similarity) / len(b.Positive); len(b.Negatives) > k {
		return b.Negatives[i*k:][:k]
	}
	return b.Negatives
}

// similarity is query i's, [K].
func (b Batch) similarity(i int) []float32 {
	k := len(b.Similarity) / len(b.Positive)
	return b.Similarity[i*k:][:k]
}

// Loss sums up a batch.
type Loss struct {
	// InfoNCE is the mean over the queries, against the kept negatives, in nats.
	InfoNCE float64
	// Top1 is the share of queries whose key scores above every kept negative.
	Top1 float64
	// Kept is the mean number of negatives kept.
	Kept float64
	// Weights [B, K] and KeyWeights [B] are the derivatives of InfoNCE with respect to the dot products: with the
	// softmax p over the key and the kept negatives, p_j/(B T) for a negative and (p_0 - 1)/(B T) for the key.
	Weights, KeyWeights []float32
}

// Loss uses up the batch: the weights are in the memory of its dot products.
func (c *Contrast) Loss(batch Batch) Loss {
	b := len(batch.Positive)
	rules := c.active(batch.Step)
	parts := make([]Loss, b) // summed in order, so that threads do not change the last bit
	parallel.Each(b, len(c.selectors), func(thread, i int) { parts[i] = c.query(thread, rules, batch, i) })
	loss := Loss{Weights: batch.Similarity, KeyWeights: batch.Positive}
	for _, p := range parts {
		loss.InfoNCE += p.InfoNCE / float64(b)
		loss.Top1 += p.Top1 / float64(b)
		loss.Kept += p.Kept / float64(b)
	}
	return loss
}

// active are the rules that are applied at a step.
func (c *Contrast) active(step uint64) (active []negatives.Rule) {
	for _, r := range c.rules {
		if r.Active(int(step), c.steps) {
			active = append(active, r)
		}
	}
	return active
}

func (c *Contrast) query(thread int, rules []negatives.Rule, batch Batch, i int) Loss {
	kept, similarity := c.kept[thread], batch.similarity(i)
	var random *rand.Rand
	if slices.ContainsFunc(rules, func(r negatives.Rule) bool { return r.Pool == negatives.Random }) {
		random = rng.Stream(batch.Seed, rng.RandomPool, batch.Step, uint64(i))
	}
	c.selectors[thread].Select(kept, rules, similarity, batch.Classes[i], batch.negatives(i), random)

	positive, hardest, count := batch.Positive[i], float32(math.Inf(-1)), 0
	for j, s := range similarity {
		if kept[j] {
			hardest = max(hardest, s)
			count++
		}
	}
	// Subtracting the largest logit leaves the softmax as it is and keeps exp from overflowing.
	top := float64(max(positive, hardest))
	scale := 1 / c.temperature
	numerator := math.Exp((float64(positive) - top) * scale)
	sum := numerator
	for j, s := range similarity {
		if !kept[j] {
			similarity[j] = 0
			continue
		}
		e := math.Exp((float64(s) - top) * scale)
		similarity[j] = float32(e)
		sum += e
	}
	perQuery := scale / float64(len(batch.Positive))
	weight := float32(perQuery / sum)
	for j := range similarity {
		similarity[j] *= weight
	}
	batch.Positive[i] = float32((numerator/sum - 1) * perQuery)
	loss := Loss{InfoNCE: -math.Log(numerator / sum), Kept: float64(count)}
	if positive > hardest {
		loss.Top1 = 1
	}
	return loss
}
