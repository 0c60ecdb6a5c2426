// Package views makes the batches of a training: two views of each of its images, ahead of the step that uses
// them. What a batch holds depends on the seed and the step alone.
package views

import (
	"cmp"
	"sync"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/parallel"
	"github.com/cidbench/cidbench/bench/rng"
)

// Config says which batches are made.
type Config struct {
	Augment augment.Config
	// Size is the height and width of the views in pixels; images may be larger.
	Size int
	// Batch is the number of images of a step, in so many Groups (see package nn).
	Batch, Groups, Steps int
	// Shuffle gives the key views in another order than the query views, so that batch norm shows them in other
	// company.
	Shuffle bool
	// Apart keeps half an epoch between two views of an image: half of the images, the same ones throughout, are shown
	// before the others. So a queue that is shorter holds no image that is asked for.
	Apart bool
}

// Between is the least number of images, of n, that are shown between the batches of two views of one.
func (c Config) Between(n int) int {
	if !c.Apart {
		return 0
	}
	return max(0, n/2-n%c.Batch-(c.Batch-1))
}

// Batch is one step's input.
type Batch struct {
	// Query and Key are two views of each image; those of Query are in the order of Classes, [Batch].
	Query, Key augment.Views
	Classes    []int32
	// Order[i] is the query whose key stands at place i of the key views; nil if they are not shuffled.
	Order []int

	step int
	err  error
}

// Source makes the batches of a run, one ahead.
type Source struct {
	// InGraph leaves the pixels to the graph and makes only recipes on the host: right where the graph is
	// compiled (XLA), for an accelerator's step outruns the host's pixels. It is set before the first step.
	InGraph bool

	config  Config
	data    dataset.Split
	seed    uint64
	viewers []*augment.Viewer
	images  [][]uint8 // of the batch being made

	ahead   chan *Batch // the batch being made, if any
	order   []int       // the images in the order of epoch
	epoch   int
	working sync.WaitGroup
}

// New prepares the batches of a seed on so many threads.
func New(c Config, data dataset.Split, seed uint64, threads int) *Source {
	s := &Source{config: c, data: data, seed: seed, epoch: -1}
	for range threads {
		s.viewers = append(s.viewers, augment.NewViewer(c.Augment, data.Height, c.Size))
	}
	for range c.Batch {
		s.images = append(s.images, data.Buffer())
	}
	return s
}

// Next returns the batch of a step, counted from 0, and starts on the one after it. An error is that of an image
// that cannot be read.
func (s *Source) Next(step int) (*Batch, error) {
	var batch *Batch
	if s.ahead != nil {
		batch = <-s.ahead
	}
	if batch == nil || batch.step != step {
		batch = s.make(step)
	}
	s.ahead = make(chan *Batch, 1)
	if step+1 < s.config.Steps {
		s.working.Go(func() { s.ahead <- s.make(step + 1) })
	} else {
		close(s.ahead)
	}
	return batch, batch.err
}

// Stop waits for what is being made.
func (s *Source) Stop() { s.working.Wait() }

func (s *Source) make(step int) *Batch {
	n := s.config.Batch
	b := &Batch{Query: s.blank(), Key: s.blank(), Classes: make([]int32, n), step: step}
	key := func(i int) int { return i }
	if s.config.Shuffle {
		b.Order = rng.Stream(s.seed, rng.Shuffle, uint64(step)).Perm(n)
		key = func(i int) int { return b.Order[i] }
	}
	chosen := s.choose(step)
	errs := make([]error, n)
	parallel.Each(n, len(s.viewers), func(_, i int) {
		b.Classes[i] = s.data.Labels[chosen[i]]
		errs[i] = s.data.Read(chosen[i], s.images[i])
	})
	if b.err = cmp.Or(errs...); b.err != nil {
		return b
	}
	parallel.Each(n, len(s.viewers), func(thread, i int) {
		viewer := s.viewers[thread]
		hi, lo := rng.Key(s.seed, rng.QueryView, uint64(step), uint64(i))
		viewer.View(b.Query, i, s.images[i], hi, lo)
		hi, lo = rng.Key(s.seed, rng.KeyView, uint64(step), uint64(key(i)))
		viewer.View(b.Key, i, s.images[key(i)], hi, lo)
	})
	return b
}

// blank is where the views of one encoder go.
func (s *Source) blank() augment.Views {
	groups, n := s.config.Groups, s.config.Batch/s.config.Groups
	if s.InGraph {
		return augment.NewRecipes(s.config.Augment, groups, n, s.data.Height, s.config.Size)
	}
	return augment.NewBatch(groups, n, s.config.Size)
}

// choose picks the images of a step: every epoch is a new permutation, its incomplete last batch is dropped.
func (s *Source) choose(step int) []int {
	n := s.config.Batch
	perEpoch := s.data.Len() / n
	if epoch := step / perEpoch; epoch != s.epoch {
		s.epoch = epoch
		s.order = s.permute(uint64(epoch))
	}
	at := step % perEpoch * n
	return s.order[at : at+n]
}

// permute is the order of an epoch.
func (s *Source) permute(epoch uint64) (order []int) {
	n := s.data.Len()
	if !s.config.Apart {
		return rng.Stream(s.seed, rng.Order, epoch).Perm(n)
	}
	halves := rng.Stream(s.seed, rng.Order).Perm(n)
	for h, half := range [][]int{halves[:n/2], halves[n/2:]} {
		for _, i := range rng.Stream(s.seed, rng.Order, epoch, uint64(h)).Perm(len(half)) {
			order = append(order, half[i])
		}
	}
	return order
}

// Places are where the key of each query stands, [Batch]: the inverse of Order.
func (b *Batch) Places() []int32 {
	places := make([]int32, len(b.Classes))
	for i := range places {
		places[i] = int32(i)
	}
	for place, query := range b.Order {
		places[query] = int32(place)
	}
	return places
}

// Unshuffle puts rows [Batch, dim] in the order of the key views back into that of the queries.
func (b *Batch) Unshuffle(rows []float32) []float32 {
	out, dim := make([]float32, len(rows)), len(rows)/len(b.Order)
	for i, query := range b.Order {
		copy(out[query*dim:][:dim], rows[i*dim:])
	}
	return out
}
