package moco

import (
	"math"
	"math/rand/v2"
	"sync"

	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/rng"
)

// contrast ranks the negatives of each query, applies the arm's rules, and computes InfoNCE with its
// gradient. It runs on the host, between the forward and the backward graph: a selection in linear time
// is what a graph of tensor operations cannot express, and the kept negatives alone pay for an exponential.
type contrast struct {
	temperature float64
	rules       []negatives.Rule
	selectors   []*negatives.Selector // one for each thread
	kept        [][]bool
}

func newContrast(temperature float64, rules []negatives.Rule, queue, classes, threads int) *contrast {
	c := &contrast{temperature: temperature, rules: rules}
	for range threads {
		c.selectors = append(c.selectors, negatives.NewSelector(rules, queue, classes))
		c.kept = append(c.kept, make([]bool, queue))
	}
	return c
}

// contrastInput is one batch: B queries against their key and K negatives.
type contrastInput struct {
	similarity []float32 // [B, K] dot products of query and queue; overwritten by the weights
	positive   []float32 // [B] dot products of query and key; overwritten likewise
	classes    []int32   // [B]
	queue      []int32   // [K] class of each queue entry, -1 for none
	seed       uint64    // with step: the stream of the random pool
	step       uint64
}

// contrastResult sums up a batch.
type contrastResult struct {
	// Loss is the mean InfoNCE over the kept negatives, in nats.
	Loss float64
	// Top1 is the share of queries whose positive scores above every kept negative.
	Top1 float64
	// Kept is the mean number of negatives kept.
	Kept float64
}

// run replaces similarities by the derivative of the loss with respect to them: with the softmax p over
// the positive and the kept negatives, p_j/(B T) for a negative and (p_0 - 1)/(B T) for the positive.
func (c *contrast) run(in contrastInput) contrastResult {
	b, k := len(in.positive), len(in.queue)
	parts := make([]contrastResult, b) // summed in order, so that threads do not change the last bit
	var wait sync.WaitGroup
	for thread := range c.selectors {
		wait.Go(func() {
			for i := thread; i < b; i += len(c.selectors) {
				parts[i] = c.query(thread, in, i, in.similarity[i*k:][:k])
			}
		})
	}
	wait.Wait()
	var sum contrastResult
	for _, p := range parts {
		sum.Loss += p.Loss / float64(b)
		sum.Top1 += p.Top1 / float64(b)
		sum.Kept += p.Kept / float64(b)
	}
	return sum
}

func (c *contrast) query(thread int, in contrastInput, i int, similarity []float32) contrastResult {
	kept := c.kept[thread]
	var random *rand.Rand
	if c.usesRandom() {
		random = rng.Stream(in.seed, streamRandomPool, in.step, uint64(i))
	}
	c.selectors[thread].Select(kept, similarity, in.classes[i], in.queue, random)

	positive, hardest, count := in.positive[i], float32(math.Inf(-1)), 0
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
	perQuery := scale / float64(len(in.positive))
	weight := float32(perQuery / sum)
	for j := range similarity {
		similarity[j] *= weight
	}
	in.positive[i] = float32((numerator/sum - 1) * perQuery)
	result := contrastResult{Loss: -math.Log(numerator / sum), Kept: float64(count)}
	if positive > hardest {
		result.Top1 = 1
	}
	return result
}

func (c *contrast) usesRandom() bool {
	for _, r := range c.rules {
		if r.Pool == negatives.Random {
			return true
		}
	}
	return false
}
