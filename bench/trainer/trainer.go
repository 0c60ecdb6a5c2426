// Package trainer is what the trainers of all methods share: an encoder under SGD, its views, and the contrast of a
// batch. What makes a method - who is a negative, and what a step does besides - is in the method's own package,
// which embeds a Base.
package trainer

import (
	"cmp"
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

// Settings are those that every method has.
type Settings struct {
	method.Scale
	Augment augment.Config
	SGD     nn.SGD
	// NormGroups is the number of groups of the batch with batch-norm statistics of their own.
	NormGroups int
	// Shuffle and Apart are those of views.Config.
	Shuffle, Apart bool
}

// Validate reports a setting that cannot be trained with.
func (s Settings) Validate() error {
	if err := cmp.Or(s.Encoder.Validate(), s.Augment.Validate(), s.SGD.Validate(s.Steps)); err != nil {
		return err
	}
	if s.Encoder.Dim < 1 {
		return errors.New("encoder: dim must be positive, or there is no head to train")
	}
	if s.NormGroups < 1 || s.Batch%s.NormGroups != 0 || s.Batch/s.NormGroups < 2 {
		return fmt.Errorf("norm_groups (%d) must divide batch (%d) into groups of two or more", s.NormGroups, s.Batch)
	}
	if !(s.Temperature > 0) {
		return errors.New("temperature must be positive")
	}
	return nil
}

// Base is a training in progress: a method.Trainer but for Advance, Save and Restore.
type Base struct {
	encoder.Model // that SGD moves
	Views         *views.Source
	Velocity      []*tensors.Tensor

	settings          Settings
	seed              uint64
	step              int
	contrast          *contrast.Contrast
	device            nn.Device
	forward, backward nn.Program // where a step has two graphs, with the contrast between them
	whole             nn.Program // where it is one
	queries           int
}

// New prepares a training with settings that are valid; Compile completes it.
func New(c Settings, s method.Start) (*Base, error) {
	if err := c.Check(s.Data); err != nil {
		return nil, err
	}
	shown := views.Config{Augment: c.Augment, Size: c.Encoder.Size, Batch: c.Batch, Groups: c.NormGroups, Steps: c.Steps, Shuffle: c.Shuffle, Apart: c.Apart}
	if n := s.Data.Train.Len(); c.Apart && shown.Between(n) < c.Negatives {
		return nil, fmt.Errorf("apart: of %d training images at least %d are shown between two views of one, fewer than %d negatives", n, shown.Between(n), c.Negatives)
	}
	b := &Base{
		Model: encoder.New(s.Device, c.Encoder).Initial(s.Seed), settings: c, seed: s.Seed, device: s.Device,
		contrast: contrast.New(c.Temperature, s.Rules, c.Negatives, len(s.Data.Classes), c.Steps, s.Threads),
		Views:    views.New(shown, s.Data.Train, s.Seed, s.Threads),
	}
	b.Views.InGraph = b.Applied()
	for _, p := range b.Encoder.Params {
		b.Velocity = append(b.Velocity, tensors.FromFlatDataAndDimensions(make([]float32, p.Size()), p.Dims...))
	}
	return b, nil
}

// Compile makes the two graphs of a step, for where the encoder is not Applied; backward must end with Update. The key
// names all that they depend on but the settings.
func (b *Base) Compile(forward, backward func([]*Node) []*Node, key ...any) (err error) {
	key = append(key, b.settings)
	if b.forward, err = b.device.Program(forward, append(key, "forward")...); err == nil {
		b.backward, err = b.device.Program(backward, append(key, "backward")...)
	}
	return err
}

// Close implements method.Trainer.
func (b *Base) Close() {
	b.Views.Stop()
	nn.Release(b.Velocity)
	b.Model.Close()
}

// Step implements method.Trainer.
func (b *Base) Step() int { return b.step }

// State is what a checkpoint holds of every training, with the encoder under a name.
func (b *Base) State(encoder string) checkpoint.State {
	return checkpoint.State{Seed: b.seed, Step: &b.step, Steps: b.settings.Steps, Groups: []checkpoint.Group{
		{Name: encoder, Params: b.Encoder.Params, Tensors: &b.Params},
		{Name: "velocity", Params: b.Encoder.Params, Tensors: &b.Velocity},
		{Name: "norm", Params: b.Encoder.Stats, Tensors: &b.Stats},
	}}
}

// Batch is the input of the next step, unless the context is cancelled.
func (b *Base) Batch(ctx context.Context) (*views.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	batch, err := b.Views.Next(b.step)
	if err != nil {
		return nil, fmt.Errorf("step %d: %w", b.step, err)
	}
	return batch, nil
}

// Encode runs the forward graph.
func (b *Base) Encode(inputs ...[]*tensors.Tensor) ([]*tensors.Tensor, error) {
	out, err := b.forward.Run(inputs...)
	if err != nil {
		return nil, fmt.Errorf("step %d: forward: %w", b.step, err)
	}
	return out, nil
}

// Contrast computes the loss of a batch, whose stream of random numbers it sets, and the metrics of the step. It is a
// *method.DivergedError if the loss or one of the new running statistics is not a number: ReLU may hide that from
// the loss.
func (b *Base) Contrast(batch contrast.Batch, stats []*tensors.Tensor, measure bool) (contrast.Loss, method.Metrics, error) {
	batch.Seed, batch.Step = b.seed, uint64(b.step)
	m := b.metrics()
	for _, p := range batch.Positive {
		m.Positive += float64(p) / float64(len(batch.Positive))
	}
	if measure {
		b.measure(&m, batch)
	}
	loss := b.contrast.Loss(batch)
	m.Loss, m.Top1, m.Kept = loss.InfoNCE, loss.Top1, loss.Kept
	err := diverged(&m, nn.AnyNaN(stats))
	return loss, m, err
}

// metrics are those of the step to come, as far as they are known before it.
func (b *Base) metrics() method.Metrics {
	return method.Metrics{Step: b.step + 1, LearningRate: b.settings.SGD.Rate(b.step, b.settings.Steps)}
}

func (b *Base) measure(m *method.Metrics, batch contrast.Batch) {
	m.Bands, m.Uniformity = b.contrast.Bands(batch), batch.Uniformity()
}

// diverged is a *method.DivergedError if the loss, or something else of the step that is broken then, is not a number.
func diverged(m *method.Metrics, broken bool) error {
	if broken {
		m.Loss = math.NaN()
	}
	if math.IsNaN(m.Loss) || math.IsInf(m.Loss, 0) {
		return &method.DivergedError{Step: m.Step, Loss: m.Loss}
	}
	return nil
}

// Descend runs the backward graph on inputs, the learning rate, parameters, velocities and tape, and ends the step:
// it accepts what the graph returns, and the running statistics of the forward pass.
func (b *Base) Descend(rate float64, stats, tape []*tensors.Tensor, inputs ...[]*tensors.Tensor) error {
	scalar := []*tensors.Tensor{tensors.FromScalar(float32(rate))}
	out, err := b.backward.Run(append(inputs, scalar, b.Params, b.Velocity, tape)...)
	nn.Release(scalar)
	if err != nil {
		return fmt.Errorf("step %d: backward: %w", b.step, err)
	}
	nn.Release(b.Params, b.Velocity, b.Stats)
	b.Params, b.Velocity, b.Stats = nn.Take(&out, len(b.Params)), out, stats
	b.step++
	return nil
}

// Update is the end of a backward graph: from an embedding with its gradient, and the inputs that Descend adds, to the
// new parameters and velocities.
func (b *Base) Update(embedding, gradient *Node, inputs []*Node) []*Node {
	rate, params, velocity := nn.Take(&inputs, 1)[0], nn.Take(&inputs, len(b.Params)), nn.Take(&inputs, len(b.Params))
	params, velocity = b.settings.SGD.Update(rate, params, velocity, b.Encoder.Backward(params, inputs, embedding, gradient))
	return append(params, velocity...)
}
