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

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/checkpoint"
	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/bench/rng"
	"github.com/cidbench/cidbench/bench/views"
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
}

// ID implements method.Method.
func (Config) ID() method.ID { return method.ID{Name: "moco", Version: Version} }

// Scale implements method.Method.
func (c Config) Scale() method.Scale {
	return method.Scale{Encoder: c.Encoder, Steps: c.Steps, Batch: c.Batch, Negatives: c.Queue, Temperature: c.Temperature}
}

// AtTemperature implements method.Method.
func (c Config) AtTemperature(temperature float64) method.Method {
	c.Temperature = temperature
	return c
}

// Validate implements method.Method.
func (c Config) Validate() error {
	if err := c.Encoder.Validate(); err != nil {
		return err
	}
	if err := c.Augment.Validate(); err != nil {
		return err
	}
	switch {
	case c.Batch < 1 || c.Queue < c.Batch || c.Queue%c.Batch != 0:
		return fmt.Errorf("queue (%d) must be a multiple of batch (%d)", c.Queue, c.Batch)
	case c.NormGroups < 1 || c.Batch%c.NormGroups != 0 || c.Batch/c.NormGroups < 2:
		return fmt.Errorf("norm_groups (%d) must divide batch (%d) into groups of two or more", c.NormGroups, c.Batch)
	case !(c.Temperature > 0):
		return errors.New("temperature must be positive")
	case !(c.KeyMomentum >= 0 && c.KeyMomentum < 1):
		return errors.New("key_momentum must lie in [0, 1)")
	}
	return c.SGD.Validate(c.Steps)
}

// Trainer is a training in progress: a method.Trainer.
type Trainer struct {
	config Config
	seed   uint64

	encoder           *encoder.Encoder
	views             *views.Source
	contrast          *contrast.Contrast
	forward, backward *Exec

	// The state that a checkpoint holds: the steps done, and tensors by role.
	step                       int
	query, key, velocity, norm []*tensors.Tensor
	queue                      []float32 // [Queue, Dim], rows of unit length
	queueClass                 []int32   // [Queue]

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
	if err := c.Scale().Check(s.Data); err != nil {
		return nil, err
	}
	t := &Trainer{
		config: c, seed: s.Seed, encoder: encoder.New(s.Backend, c.Encoder),
		contrast: contrast.New(c.Temperature, s.Rules, c.Queue, len(s.Data.Classes), s.Threads),
		views: views.New(views.Config{Augment: c.Augment, Batch: c.Batch, Groups: c.NormGroups, Steps: c.Steps, Shuffle: true},
			s.Data.Train, s.Seed, s.Threads),
	}
	t.views.InGraph = nn.Native(s.Backend)
	query, key := t.encoder.Initial(s.Seed), t.encoder.Initial(s.Seed)
	t.query, t.norm, t.key = query.Params, query.Stats, key.Params
	nn.Release(key.Stats) // the key encoder normalises by its own batches, and is never mapped through
	for _, p := range t.encoder.Params {
		t.velocity = append(t.velocity, tensors.FromFlatDataAndDimensions(make([]float32, p.Size()), p.Dims...))
	}
	t.fillQueue()
	var err error
	if t.forward, err = NewExec(s.Backend, t.forwardGraph); err != nil {
		return nil, err
	}
	if t.backward, err = NewExec(s.Backend, t.backwardGraph); err != nil {
		return nil, err
	}
	return t, nil
}

// fillQueue draws unit vectors, without class: MoCo's queue before training.
func (t *Trainer) fillQueue() {
	k, dim, random := t.config.Queue, t.config.Encoder.Dim, rng.Stream(t.seed, rng.Queue)
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
	t.forward.Finalize()
	t.backward.Finalize()
	t.views.Stop()
	nn.Release(t.query, t.key, t.velocity, t.norm)
}

// Step implements method.Trainer.
func (t *Trainer) Step() int { return t.step }

// state is what a checkpoint holds.
func (t *Trainer) state() checkpoint.State {
	return checkpoint.State{
		Seed: t.seed, Step: &t.step, Steps: t.config.Steps,
		Groups: []checkpoint.Group{
			{Name: "query", Params: t.encoder.Params, Tensors: &t.query},
			{Name: "key", Params: t.encoder.Params, Tensors: &t.key},
			{Name: "velocity", Params: t.encoder.Params, Tensors: &t.velocity},
			{Name: "norm", Params: t.encoder.Stats, Tensors: &t.norm},
		},
		Float32: map[string]checkpoint.Array[float32]{"queue": {Shape: []int{t.config.Queue, t.config.Encoder.Dim}, Values: &t.queue}},
		Int32:   map[string]checkpoint.Array[int32]{"queue_class": {Shape: []int{t.config.Queue}, Values: &t.queueClass}},
	}
}

// Save implements method.Trainer.
func (t *Trainer) Save() ([]byte, error) { return t.state().Encode() }

// Restore implements method.Trainer.
func (t *Trainer) Restore(state []byte) error { return t.state().Decode(state) }

// model is the query encoder as it is now.
func (t *Trainer) model() encoder.Model {
	return encoder.Model{Encoder: t.encoder, Params: t.query, Stats: t.norm}
}

// Features implements method.Embedder with the query encoder.
func (t *Trainer) Features(split dataset.Split) (probe.Set, error) { return t.model().Features(split) }

// Embeddings implements method.Embedder with the query encoder.
func (t *Trainer) Embeddings(split dataset.Split) ([]float32, error) {
	return t.model().Embeddings(split)
}
