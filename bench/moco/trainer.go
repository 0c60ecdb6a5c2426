// Package moco trains an encoder by contrastive instance discrimination as in MoCo v2 (He et al. 2020,
// Chen et al. 2020; github.com/facebookresearch/moco), with negatives restricted by an arm's rules.
//
// One step (Advance) is batch, forward, contrast, backward, enqueue. Forward and backward are two graphs, for
// between them package contrast ranks the queue of each query on the host. Batch norm could tell a query its key
// by their shared batch statistics: the keys' batch is shuffled, and statistics are those of groups of the batch,
// as in MoCo's one-device demo.
package moco

import (
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/checkpoint"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/rng"
	"github.com/cidbench/cidbench/bench/trainer"
)

// Version of the numbers; see method.ID.
const Version = 1

// Config is everything that determines training besides the data, the rules and the seed.
type Config struct {
	Encoder encoder.Config `json:"encoder"`
	Augment augment.Config `json:"augment"`
	// Batch is the number of queries of a step, Queue the number of negatives.
	Batch int `json:"batch"`
	Queue int `json:"queue"`
	Steps int `json:"steps"`
	// Temperature divides the dot products in InfoNCE.
	Temperature float64 `json:"temperature"`
	// KeyMomentum is the share of the key encoder that each step keeps.
	KeyMomentum float64 `json:"key_momentum"`
	nn.SGD
	// NormGroups is the number of groups of the batch with batch-norm statistics of their own.
	NormGroups int `json:"norm_groups"`
	// Apart keeps the image of a query out of its queue, where that is long for the data (views.Config.Apart). Without it,
	// images come back before the queue has forgotten them, when an epoch begins.
	Apart bool `json:"apart"`
}

// ID implements method.Method.
func (Config) ID() method.ID { return method.ID{Name: "moco", Version: Version} }

// Scale implements method.Method.
func (c Config) Scale() method.Scale {
	return method.Scale{
		Encoder: c.Encoder, Steps: c.Steps, Batch: c.Batch, Negatives: c.Queue, Temperature: c.Temperature,
		Queries: c.Batch, Copies: 3, Beside: c.Queue * (c.Encoder.Dim + 1),
	}
}

// AtTemperature implements method.Method.
func (c Config) AtTemperature(temperature float64) method.Method {
	c.Temperature = temperature
	return c
}

// Validate implements method.Method.
func (c Config) Validate() error {
	if c.Batch < 1 || c.Queue < c.Batch || c.Queue%c.Batch != 0 {
		return fmt.Errorf("queue (%d) must be a multiple of batch (%d)", c.Queue, c.Batch)
	}
	if !(c.KeyMomentum >= 0 && c.KeyMomentum < 1) {
		return errors.New("key_momentum must lie in [0, 1)")
	}
	return c.settings().Validate()
}

func (c Config) settings() trainer.Settings {
	return trainer.Settings{Scale: c.Scale(), Augment: c.Augment, SGD: c.SGD, NormGroups: c.NormGroups, Shuffle: true, Apart: c.Apart}
}

// Trainer is a training in progress: a method.Trainer, whose encoder is that of the queries.
type Trainer struct {
	*trainer.Base
	config Config

	key        []*tensors.Tensor // parameters of the key encoder
	queue      []float32         // [Queue, Dim], rows of unit length
	queueClass []int32           // [Queue]
	// Where a step is one graph, queue and classes are on the device, and the two above as they were last fetched.
	onDevice []*tensors.Tensor

	// Clock, if set, is called at the end of each part of a step, with its name: one of Parts.
	Clock func(part string)
}

// New implements method.Method.
func (c Config) New(s method.Start) (method.Trainer, error) { return New(c, s) }

// New prepares a run: the key encoder is a copy of the query encoder, and the queue is filled with random unit
// vectors.
func New(c Config, s method.Start) (*Trainer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	base, err := trainer.New(c.settings(), s)
	if err != nil {
		return nil, err
	}
	key := base.Initial(s.Seed)
	nn.Release(key.Stats) // the key encoder normalises by its own batches, and is never mapped through
	t := &Trainer{Base: base, config: c, key: key.Params}
	t.fillQueue(s.Seed)
	if t.Applied() {
		t.send()
		return t, t.CompileWhole(c.Batch, whole{c.KeyMomentum}.see, c.ID(), c.KeyMomentum)
	}
	return t, t.Compile(t.forwardGraph, t.backwardGraph, c.ID(), c.KeyMomentum)
}

// fillQueue draws unit vectors, without class: MoCo's queue before training.
func (t *Trainer) fillQueue(seed uint64) {
	k, dim, random := t.config.Queue, t.Dim, rng.Stream(seed, rng.Queue)
	t.queue, t.queueClass = make([]float32, k*dim), make([]int32, k)
	for j := range t.queueClass {
		t.queueClass[j] = -1
		row, norm := t.queue[j*dim:][:dim], 0.0
		for d := range row {
			row[d] = float32(random.NormFloat64())
			norm += float64(row[d]) * float64(row[d])
		}
		for d := range row {
			row[d] /= float32(math.Sqrt(norm))
		}
	}
}

// Close implements method.Trainer.
func (t *Trainer) Close() {
	t.Base.Close()
	nn.Release(t.key, t.onDevice)
}

// state is what a checkpoint holds.
func (t *Trainer) state() checkpoint.State {
	s := t.State("query")
	s.Groups = append(s.Groups, checkpoint.Group{Name: "key", Params: t.Encoder.Params, Tensors: &t.key})
	s.Arrays = map[string]checkpoint.Array{
		"queue":       {Shape: []int{t.config.Queue, t.Dim}, Float32: &t.queue},
		"queue_class": {Shape: []int{t.config.Queue}, Int32: &t.queueClass},
	}
	return s
}

// Save implements method.Trainer.
func (t *Trainer) Save() ([]byte, error) {
	t.fetch()
	return t.state().Encode()
}

// Restore implements method.Trainer.
func (t *Trainer) Restore(state []byte) error {
	t.fetch()
	if err := t.state().Decode(state); err != nil {
		return err
	}
	if t.Applied() {
		t.send()
	}
	return nil
}
