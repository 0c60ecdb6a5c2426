// Package simclr trains an encoder as SimCLR does (Chen et al. 2020): two views of each image of a batch, and the
// other images of the batch as negatives, restricted by the same rules as a queue. It has neither queue nor
// momentum encoder; SGD stands in for LARS, which large batches need.
package simclr

import (
	"context"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/trainer"
)

// Version of the numbers; see method.ID.
const Version = 1

// Config is everything that determines training besides the data, the rules and the seed.
type Config struct {
	Encoder encoder.Config `json:"encoder"`
	Augment augment.Config `json:"augment"`
	// Batch is the number of images of a step, each of which is a query twice, with 2(Batch-1) negatives.
	Batch int `json:"batch"`
	Steps int `json:"steps"`
	// Temperature divides the dot products in InfoNCE.
	Temperature float64 `json:"temperature"`
	nn.SGD
	// NormGroups is the number of groups of each view of the batch with batch-norm statistics of their own.
	NormGroups int `json:"norm_groups"`
}

// ID implements method.Method.
func (Config) ID() method.ID { return method.ID{Name: "simclr", Version: Version} }

// Scale implements method.Method.
func (c Config) Scale() method.Scale {
	return method.Scale{
		Encoder: c.Encoder, Steps: c.Steps, Batch: c.Batch, Negatives: 2 * (c.Batch - 1), Temperature: c.Temperature,
		Queries: 2 * c.Batch, Copies: 2,
	}
}

// AtTemperature implements method.Method.
func (c Config) AtTemperature(temperature float64) method.Method {
	c.Temperature = temperature
	return c
}

// Validate implements method.Method. Groups of two or more see to it that there are negatives.
func (c Config) Validate() error { return c.settings().Validate() }

func (c Config) settings() trainer.Settings {
	return trainer.Settings{Scale: c.Scale(), Augment: c.Augment, SGD: c.SGD, NormGroups: c.NormGroups}
}

// Trainer is a training in progress: a method.Trainer.
type Trainer struct{ *trainer.Base }

// New implements method.Method.
func (c Config) New(s method.Start) (method.Trainer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	base, err := trainer.New(c.settings(), s)
	if err != nil {
		return nil, err
	}
	t := Trainer{base}
	if t.Applied() {
		return t, t.CompileWhole(2*c.Batch, see, c.ID())
	}
	return t, t.Compile(t.forwardGraph, t.backwardGraph, c.ID())
}

// Save and Restore implement method.Trainer.
func (t Trainer) Save() ([]byte, error)      { return t.State("encoder").Encode() }
func (t Trainer) Restore(state []byte) error { return t.State("encoder").Decode(state) }

// Advance implements method.Trainer.
func (t Trainer) Advance(ctx context.Context, measure bool) (method.Metrics, error) {
	batch, err := t.Batch(ctx)
	if err != nil {
		return method.Metrics{}, err
	}
	if t.Applied() {
		return t.Whole(batch, measure)
	}

	both := append(batch.Query.Tensors(), batch.Key.Tensors()...)
	out, err := t.Encode(both, t.Params, t.Stats)
	nn.Release(both)
	if err != nil {
		return method.Metrics{}, err
	}
	z, similarity := nn.Take(&out, 1), nn.Take(&out, 1)
	norm, tape := nn.Take(&out, len(t.Stats)), out
	defer nn.Release(z, similarity, tape)

	loss, m, err := t.Contrast(others(nn.Values(similarity[0]), batch.Classes), norm, measure)
	if err != nil {
		nn.Release(norm)
		return m, err
	}

	rows := 2 * len(batch.Classes)
	weights := []*tensors.Tensor{tensors.FromFlatDataAndDimensions(pairWeights(loss), rows, rows)}
	defer nn.Release(weights)
	if err := t.Descend(m.LearningRate, norm, tape, z, weights); err != nil {
		nn.Release(norm)
		return method.Metrics{}, err
	}
	return m, nil
}

// forwardGraph: both views, parameters, running statistics -> z, z . z, new running statistics, tape. The rows of
// z are the first views of the batch and then the second.
func (t Trainer) forwardGraph(in []*Node) []*Node {
	first, second := nn.Take(&in, 1)[0], nn.Take(&in, 1)[0]
	params, stats := nn.Take(&in, len(t.Params)), in
	z := t.Encoder.Forward(params, stats, Concatenate([]*Node{first, second}, 0), true)
	out := []*Node{z.Embedding, DotGeneral(z.Embedding, []int{1}, nil, z.Embedding, []int{1}, nil)}
	return append(append(out, z.Stats...), z.Tape...)
}

// backwardGraph: z, weights of its pairs, and what Update takes -> new parameters, new velocities.
func (t Trainer) backwardGraph(in []*Node) []*Node {
	z, weights := nn.Take(&in, 1)[0], nn.Take(&in, 1)[0]
	return t.Update(z, Dot(weights, z).Product(), in)
}

// others turns the dot products of all views of a batch, [2B, 2B], into 2B queries: the key of each is the other
// view of its image, its negatives are the rest but itself, in order.
func others(similarity []float32, classes []int32) contrast.Batch {
	images := len(classes)
	n := 2 * images
	b := contrast.Batch{Positive: make([]float32, n)}
	for i := range n {
		b.Classes = append(b.Classes, classes[i%images])
	}
	eachPair(images, func(i, j int) {
		b.Positive[i] = similarity[i*n+j]
	}, func(i, j int) {
		b.Similarity = append(b.Similarity, similarity[i*n+j])
		b.Negatives = append(b.Negatives, classes[j%images])
	})
	return b
}

// eachPair goes through the pairs of views of a batch, [2B, 2B], query after query: each with the other view of its
// image, its key, and with the views of all other images, its negatives.
func eachPair(images int, key, negative func(i, j int)) {
	for i := range 2 * images {
		for j := range 2 * images {
			switch {
			case j == i:
			case j%images == i%images:
				key(i, j)
			default:
				negative(i, j)
			}
		}
	}
}

// pairWeights is the other way: the derivatives of the loss by the dot products of all pairs, [2B, 2B]. A dot
// product stands at (i, j) and at (j, i), and each of its two views feels both.
func pairWeights(loss contrast.Loss) []float32 {
	n := len(loss.KeyWeights)
	images, next := n/2, 0
	out := make([]float32, n*n)
	add := func(i, j int, w float32) {
		out[i*n+j] += w
		out[j*n+i] += w
	}
	eachPair(images, func(i, j int) {
		add(i, j, loss.KeyWeights[i])
	}, func(i, j int) {
		add(i, j, loss.Weights[next])
		next++
	})
	return out
}
