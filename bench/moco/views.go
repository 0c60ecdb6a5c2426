package moco

import (
	"sync"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/rng"
)

// viewBatch is one step's input.
type viewBatch struct {
	step       int
	query, key augment.Views
	classes    []int32 // [Batch], in the order of the queries
	// shuffle[i] is the query whose key stands at place i of the key batch.
	shuffle []int
}

// views makes the batches of a run, one ahead of the step that uses them. What a batch holds depends
// on the seed and the step alone.
type views struct {
	config  Config
	data    dataset.Split
	seed    uint64
	viewers []*augment.Viewer
	// inGraph leaves the pixels to the encode graph and makes only recipes on the host: right where the
	// graph is compiled (XLA), for an accelerator's step outruns the host's pixels.
	inGraph bool

	ahead   chan *viewBatch // the batch being made, if any
	order   []int           // the images in the order of epoch
	epoch   int
	working sync.WaitGroup
}

func newViews(c Config, data dataset.Split, seed uint64, threads int) *views {
	v := &views{config: c, data: data, seed: seed, epoch: -1}
	for range threads {
		v.viewers = append(v.viewers, augment.NewViewer(c.Augment, c.Encoder.Size))
	}
	return v
}

// next returns the batch of a step and starts on the one after it.
func (v *views) next(step int) *viewBatch {
	var batch *viewBatch
	if v.ahead != nil {
		batch = <-v.ahead
	}
	if batch == nil || batch.step != step {
		batch = v.make(step)
	}
	v.ahead = make(chan *viewBatch, 1)
	if step+1 < v.config.Steps {
		v.working.Go(func() { v.ahead <- v.make(step + 1) })
	} else {
		close(v.ahead)
	}
	return batch
}

func (v *views) stop() { v.working.Wait() }

func (v *views) make(step int) *viewBatch {
	n := v.config.Batch
	images := v.images(step)
	b := &viewBatch{
		step:    step,
		query:   v.blank(),
		key:     v.blank(),
		classes: make([]int32, n),
		shuffle: rng.Stream(v.seed, streamShuffle, uint64(step)).Perm(n),
	}
	for i, image := range images {
		b.classes[i] = v.data.Labels[image]
	}
	var wait sync.WaitGroup
	for thread, viewer := range v.viewers {
		wait.Go(func() {
			for i := thread; i < n; i += len(v.viewers) {
				hi, lo := rng.Key(v.seed, streamQueryView, uint64(step), uint64(i))
				viewer.View(b.query, i, v.data.Image(images[i]), hi, lo)
				hi, lo = rng.Key(v.seed, streamKeyView, uint64(step), uint64(b.shuffle[i]))
				viewer.View(b.key, i, v.data.Image(images[b.shuffle[i]]), hi, lo)
			}
		})
	}
	wait.Wait()
	return b
}

// blank is where the views of one encoder go.
func (v *views) blank() augment.Views {
	c := v.config
	groups, n := c.NormGroups, c.Batch/c.NormGroups
	if v.inGraph {
		return augment.NewRecipes(c.Augment, groups, n, c.Encoder.Size)
	}
	return augment.NewBatch(groups, n, c.Encoder.Size)
}

// read takes the views [groups, 3, n, size, size] of one encoder from the inputs of a graph, and returns
// the inputs that follow.
func (v *views) read(inputs []*Node) (views *Node, rest []*Node) {
	if v.inGraph {
		return augment.FromRecipes(inputs)
	}
	return inputs[0], inputs[1:]
}

// images picks the images of a step: every epoch is a new permutation, its incomplete last batch is dropped.
func (v *views) images(step int) []int {
	n := v.config.Batch
	perEpoch := v.data.Len() / n
	if epoch := step / perEpoch; epoch != v.epoch {
		v.epoch = epoch
		v.order = rng.Stream(v.seed, streamOrder, uint64(epoch)).Perm(v.data.Len())
	}
	at := step % perEpoch * n
	return v.order[at : at+n]
}

// unshuffle puts rows [batch, dim] back into the order of the queries.
func unshuffle(rows []float32, shuffle []int, dim int) []float32 {
	out := make([]float32, len(rows))
	for i, query := range shuffle {
		copy(out[query*dim:][:dim], rows[i*dim:])
	}
	return out
}
