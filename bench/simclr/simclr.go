// Package simclr trains an encoder as SimCLR does (Chen et al. 2020): two views of each image of a batch, and the
// other images of the batch as negatives, restricted by the same rules as a queue. It has neither queue nor
// momentum encoder; SGD stands in for LARS, which large batches need.
package simclr

import (
	"context"
	"errors"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/checkpoint"
	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/views"
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
	return method.Scale{Encoder: c.Encoder, Steps: c.Steps, Batch: c.Batch, Negatives: 2 * (c.Batch - 1), Temperature: c.Temperature}
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
	case c.Batch < 2:
		return fmt.Errorf("a batch of %d has no negatives", c.Batch)
	case c.NormGroups < 1 || c.Batch%c.NormGroups != 0 || c.Batch/c.NormGroups < 2:
		return fmt.Errorf("norm_groups (%d) must divide batch (%d) into groups of two or more", c.NormGroups, c.Batch)
	case !(c.Temperature > 0):
		return errors.New("temperature must be positive")
	}
	return c.SGD.Validate(c.Steps)
}

// Trainer is a training in progress: a method.Trainer.
type Trainer struct {
	encoder.Model
	config Config
	seed   uint64

	views             *views.Source
	contrast          *contrast.Contrast
	forward, backward *Exec

	step     int
	velocity []*tensors.Tensor
}

// New implements method.Method.
func (c Config) New(s method.Start) (method.Trainer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := c.Scale().Check(s.Data); err != nil {
		return nil, err
	}
	t := &Trainer{
		Model: encoder.New(s.Backend, c.Encoder).Initial(s.Seed), config: c, seed: s.Seed,
		contrast: contrast.New(c.Temperature, s.Rules, c.Scale().Negatives, len(s.Data.Classes), s.Threads),
		views: views.New(views.Config{Augment: c.Augment, Batch: c.Batch, Groups: c.NormGroups, Steps: c.Steps},
			s.Data.Train, s.Seed, s.Threads),
	}
	t.views.InGraph = nn.Native(s.Backend)
	for _, p := range t.Encoder.Params {
		t.velocity = append(t.velocity, tensors.FromFlatDataAndDimensions(make([]float32, p.Size()), p.Dims...))
	}
	var err error
	if t.forward, err = NewExec(s.Backend, t.forwardGraph); err != nil {
		return nil, err
	}
	if t.backward, err = NewExec(s.Backend, t.backwardGraph); err != nil {
		return nil, err
	}
	return t, nil
}

// Close implements method.Trainer.
func (t *Trainer) Close() {
	t.forward.Finalize()
	t.backward.Finalize()
	t.views.Stop()
	nn.Release(t.velocity)
	t.Model.Close()
}

// Step implements method.Trainer.
func (t *Trainer) Step() int { return t.step }

// state is what a checkpoint holds.
func (t *Trainer) state() checkpoint.State {
	return checkpoint.State{Seed: t.seed, Step: &t.step, Steps: t.config.Steps, Groups: []checkpoint.Group{
		{Name: "encoder", Params: t.Encoder.Params, Tensors: &t.Params},
		{Name: "velocity", Params: t.Encoder.Params, Tensors: &t.velocity},
		{Name: "norm", Params: t.Encoder.Stats, Tensors: &t.Stats},
	}}
}

// Save implements method.Trainer.
func (t *Trainer) Save() ([]byte, error) { return t.state().Encode() }

// Restore implements method.Trainer.
func (t *Trainer) Restore(state []byte) error { return t.state().Decode(state) }

// Advance implements method.Trainer.
func (t *Trainer) Advance(ctx context.Context, measure bool) (method.Metrics, error) {
	if err := ctx.Err(); err != nil {
		return method.Metrics{}, err
	}
	batch, err := t.views.Next(t.step)
	if err != nil {
		return method.Metrics{}, fmt.Errorf("step %d: %w", t.step, err)
	}

	both := append(batch.Query.Tensors(), batch.Key.Tensors()...)
	out, err := nn.Call(t.forward, both, t.Params, t.Stats)
	nn.Release(both)
	if err != nil {
		return method.Metrics{}, fmt.Errorf("step %d: forward: %w", t.step, err)
	}
	z, similarity := nn.Take(&out, 1), nn.Take(&out, 1)
	norm, tape := nn.Take(&out, len(t.Stats)), out
	defer nn.Release(z, similarity, tape)

	m := method.Metrics{Step: t.step + 1, LearningRate: t.config.Rate(t.step, t.config.Steps)}
	ranked := others(nn.Values(similarity[0]), batch.Classes)
	ranked.Seed, ranked.Step = t.seed, uint64(t.step)
	for _, p := range ranked.Positive {
		m.Positive += float64(p) / float64(len(ranked.Positive))
	}
	if measure {
		m.Bands, m.Uniformity = t.contrast.Bands(ranked), ranked.Uniformity()
	}
	loss := t.contrast.Loss(ranked)
	m.Loss, m.Top1, m.Kept = loss.InfoNCE, loss.Top1, loss.Kept
	if nn.AnyNaN(norm) { // which ReLU may have hidden from the loss
		m.Loss = math.NaN()
	}
	if math.IsNaN(m.Loss) || math.IsInf(m.Loss, 0) {
		nn.Release(norm)
		return m, &method.DivergedError{Step: m.Step, Loss: m.Loss}
	}

	rows := 2 * t.config.Batch
	given := []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(pairWeights(loss), rows, rows),
		tensors.FromScalar(float32(m.LearningRate)),
	}
	out, err = nn.Call(t.backward, z, given, t.Params, t.velocity, tape)
	nn.Release(given)
	if err != nil {
		nn.Release(norm)
		return method.Metrics{}, fmt.Errorf("step %d: backward: %w", t.step, err)
	}
	nn.Release(t.Params, t.velocity, t.Stats)
	t.Params, t.velocity, t.Stats = nn.Take(&out, len(t.Params)), out, norm
	t.step++
	return m, nil
}

// forwardGraph: both views, parameters, running statistics -> z, z . z, new running statistics, tape. The rows of
// z are the first views of the batch and then the second.
func (t *Trainer) forwardGraph(in []*Node) []*Node {
	first, second := t.views.Take(&in), t.views.Take(&in)
	params, stats := nn.Take(&in, len(t.Params)), in
	z := t.Encoder.Forward(params, stats, Concatenate([]*Node{first, second}, 0), true)
	out := []*Node{z.Embedding, DotGeneral(z.Embedding, []int{1}, nil, z.Embedding, []int{1}, nil)}
	return append(append(out, z.Stats...), z.Tape...)
}

// backwardGraph: z, weights of its pairs, learning rate, parameters, velocities, tape -> new parameters, new
// velocities.
func (t *Trainer) backwardGraph(in []*Node) []*Node {
	given := nn.Take(&in, 3)
	z, weights, rate := given[0], given[1], given[2]
	params, velocity, tape := nn.Take(&in, len(t.Params)), nn.Take(&in, len(t.Params)), in
	dz := Dot(weights, z).Product()
	newParams, newVelocity := t.config.Update(rate, params, velocity, t.Encoder.Backward(params, tape, z, dz))
	return append(newParams, newVelocity...)
}

// others turns the dot products of all views of a batch, [2B, 2B], into 2B queries: the key of each is the other
// view of its image, its negatives are the rest but itself, in order.
func others(similarity []float32, classes []int32) contrast.Batch {
	images := len(classes)
	n := 2 * images
	b := contrast.Batch{Positive: make([]float32, n)}
	for i := range n {
		b.Classes = append(b.Classes, classes[i%images])
		for j, s := range similarity[i*n:][:n] {
			switch {
			case j == i:
			case j%images == i%images:
				b.Positive[i] = s
			default:
				b.Similarity = append(b.Similarity, s)
				b.Negatives = append(b.Negatives, classes[j%images])
			}
		}
	}
	return b
}

// pairWeights is the other way: the derivatives of the loss by the dot products of all pairs, [2B, 2B]. A dot
// product stands at (i, j) and at (j, i), and each of its two views feels both.
func pairWeights(loss contrast.Loss) []float32 {
	n := len(loss.KeyWeights)
	images, next := n/2, 0
	out := make([]float32, n*n)
	for i := range n {
		for j := range n {
			w := float32(0)
			switch {
			case j == i:
			case j%images == i%images:
				w = loss.KeyWeights[i]
			default:
				w = loss.Weights[next]
				next++
			}
			out[i*n+j] += w
			out[j*n+i] += w
		}
	}
	return out
}
