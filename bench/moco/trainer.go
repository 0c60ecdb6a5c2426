// Package moco trains an encoder by contrastive instance discrimination as in MoCo v2 (He et al. 2020,
// Chen et al. 2020; github.com/facebookresearch/moco), with negatives restricted by an arm's rules.
//
// One step is three stages:
//
//	encode    momentum update of the key encoder; q = query(view 1), k = key(view 2); q . queue   (graph)
//	contrast  rank the queue for each query, apply the rules, InfoNCE and its gradient            (host)
//	update    back through the query encoder; SGD with momentum and weight decay                  (graph)
//
// and then the keys enter the queue. Ranking on the host is exact, the same on every backend, and adds
// nothing to the graphs. The views are made ahead on the host or, where graphs are compiled (XLA), at the
// start of encode from raw images. Batch norm could tell a query its key by their shared batch statistics: the
// keys' batch is shuffled, and statistics are those of groups of the batch, as in MoCo's one-device demo.
package moco

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/rng"
)

// Config is everything that determines training besides the data, the rules and the seed.
type Config struct {
	Encoder Encoder        `json:"encoder"`
	Augment augment.Config `json:"augment"`
	// Batch is the number of queries of a step, Queue the number of negatives.
	Batch int `json:"batch"`
	Queue int `json:"queue"`
	Steps int `json:"steps"`
	// Temperature divides the dot products in InfoNCE.
	Temperature float64 `json:"temperature"`
	// KeyMomentum is the share of the key encoder that each step keeps.
	KeyMomentum float64 `json:"key_momentum"`
	// LearningRate is reached after WarmupSteps (linearly) and falls to 0 along a half cosine.
	LearningRate float64 `json:"learning_rate"`
	WarmupSteps  int     `json:"warmup_steps"`
	Momentum     float64 `json:"momentum"`
	WeightDecay  float64 `json:"weight_decay"`
	// NormGroups is the number of groups of the batch with batch-norm statistics of their own.
	NormGroups int `json:"norm_groups"`
}

// Validate reports the first setting that cannot be trained with.
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
	case c.Steps < 1 || c.WarmupSteps < 0 || c.WarmupSteps >= c.Steps:
		return errors.New("steps must be positive, and warmup_steps fewer")
	case !(c.Temperature > 0):
		return errors.New("temperature must be positive")
	case !(c.KeyMomentum >= 0 && c.KeyMomentum < 1) || !(c.Momentum >= 0 && c.Momentum < 1):
		return errors.New("key_momentum and momentum must lie in [0, 1)")
	case !(c.LearningRate > 0) || !(c.WeightDecay >= 0):
		return errors.New("learning_rate must be positive, weight_decay not negative")
	}
	return nil
}

// learningRate of a step, counted from 0.
func (c Config) learningRate(step int) float64 {
	if step < c.WarmupSteps {
		return c.LearningRate * float64(step+1) / float64(c.WarmupSteps)
	}
	done := float64(step-c.WarmupSteps) / float64(c.Steps-c.WarmupSteps)
	return c.LearningRate * 0.5 * (1 + math.Cos(math.Pi*done))
}

// The purposes of the random streams of a run.
const (
	streamInit uint64 = iota + 1
	streamQueue
	streamOrder
	streamShuffle
	streamQueryView
	streamKeyView
	streamRandomPool
)

// Metrics of one step.
type Metrics struct {
	Step         int     `json:"step"`
	Loss         float64 `json:"loss"`
	Top1         float64 `json:"top1"` // share of queries whose positive beats every kept negative
	Kept         float64 `json:"kept"` // negatives kept per query
	Positive     float64 `json:"positive"`
	LearningRate float64 `json:"lr"`
	// Bands is filled when asked for: the same-class share by difficulty, over the whole queue.
	Bands []Band `json:"bands,omitempty"`
	// Uniformity is measured with them: see uniformity.
	Uniformity float64 `json:"uniformity,omitempty"`
}

// Alignment is the mean squared distance of a query to its key (Wang & Isola 2020), both of unit length.
func (m Metrics) Alignment() float64 { return 2 - 2*m.Positive }

// DivergedError says that the loss is no longer a number: the run is over, and says why.
type DivergedError struct {
	Step int
	Loss float64
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("the loss is %g at step %d: training diverged", e.Loss, e.Step)
}

// Trainer holds a run in progress. It is not safe for concurrent use.
type Trainer struct {
	config  Config
	backend compute.Backend
	data    dataset.Split
	seed    uint64
	threads int

	net            nn.Sequential
	params, stats  []nn.Param
	encode, update *Exec
	contrast       *contrast

	// The state that a checkpoint holds: step, and tensors by role.
	step                       int
	query, key, velocity, norm []*tensors.Tensor
	queue                      []float32 // [Queue, Dim], rows of unit length
	queueClass                 []int32   // [Queue]

	views *views

	// Clock, if set, is called at the end of each part of a step, with its name: one of Parts.
	Clock func(part string)
}

// Parts are the parts of a step, in order: making the views, or their recipes (they are made ahead, so this
// is the wait for them), both encoders' forward passes with the momentum update, ranking with the loss, the backward pass
// with SGD, and the keys' way into the queue.
var Parts = []string{"augment", "encode", "contrast", "update", "enqueue"}

func (t *Trainer) clock(part int) {
	if t.Clock != nil {
		t.Clock(Parts[part])
	}
}

// New prepares a run: parameters drawn from the seed, the key encoder a copy of the query encoder, the
// queue filled with random unit vectors. threads bounds the host's own parallelism, not the backend's.
func New(backend compute.Backend, c Config, rules []negatives.Rule, data *dataset.Dataset, seed uint64, threads int) (*Trainer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if data.Height != c.Encoder.Size || data.Width != c.Encoder.Size {
		return nil, fmt.Errorf("images are %dx%d, the encoder takes %d", data.Height, data.Width, c.Encoder.Size)
	}
	if data.Train.Len() < c.Batch {
		return nil, fmt.Errorf("%d training images do not fill a batch of %d", data.Train.Len(), c.Batch)
	}
	t := &Trainer{
		config: c, backend: backend, data: data.Train, seed: seed, threads: threads,
		net:      c.Encoder.network(),
		contrast: newContrast(c.Temperature, rules, c.Queue, len(data.Classes), threads),
		views:    newViews(c, data.Train, seed, threads),
	}
	t.views.inGraph = native(backend)
	t.params, t.stats = t.net.Params(), t.net.Stats()
	init := rng.Stream(seed, streamInit)
	for _, p := range t.params {
		value := p.Init(init)
		t.query = append(t.query, tensors.FromFlatDataAndDimensions(value, p.Dims...))
		t.key = append(t.key, tensors.FromFlatDataAndDimensions(value, p.Dims...))
		t.velocity = append(t.velocity, tensors.FromFlatDataAndDimensions(make([]float32, len(value)), p.Dims...))
	}
	for _, p := range t.stats {
		t.norm = append(t.norm, tensors.FromFlatDataAndDimensions(p.Init(init), p.Dims...))
	}
	t.queue, t.queueClass = randomQueue(c.Queue, c.Encoder.Dim, rng.Stream(seed, streamQueue))
	var err error
	if t.encode, err = NewExec(backend, t.encodeGraph); err != nil {
		return nil, err
	}
	if t.update, err = NewExec(backend, t.updateGraph); err != nil {
		return nil, err
	}
	return t, nil
}

// randomQueue draws unit vectors, without class: MoCo's queue before training.
func randomQueue(k, dim int, random *rand.Rand) ([]float32, []int32) {
	queue, class := make([]float32, k*dim), make([]int32, k)
	for j := range class {
		class[j] = -1
		row, norm := queue[j*dim:][:dim], 0.0
		for d := range row {
			row[d] = float32(random.NormFloat64())
			norm += float64(row[d]) * float64(row[d])
		}
		for d := range row {
			row[d] /= float32(math.Sqrt(norm))
		}
	}
	return queue, class
}

// Close releases the compiled graphs and the tensors.
func (t *Trainer) Close() {
	t.encode.Finalize()
	t.update.Finalize()
	t.views.stop()
	for _, group := range [][]*tensors.Tensor{t.query, t.key, t.velocity, t.norm} {
		release(group)
	}
}

// Step is the number of steps done.
func (t *Trainer) Step() int { return t.step }

// Advance does one step. With bands it also measures the same-class share by difficulty. A loss that is
// not a number is a *DivergedError, and leaves the parameters as they were.
func (t *Trainer) Advance(ctx context.Context, bands bool) (Metrics, error) {
	if err := ctx.Err(); err != nil {
		return Metrics{}, err
	}
	c := t.config
	batch := t.views.next(t.step)
	t.clock(0)
	queue := tensors.FromFlatDataAndDimensions(t.queue, c.Queue, c.Encoder.Dim)
	defer queue.FinalizeAll() //nolint:errcheck // memory only

	inputs := append(batch.query.Tensors(), batch.key.Tensors()...)
	args := appendAll(nil, inputs, []*tensors.Tensor{queue}, t.query, t.key, t.norm)
	out, err := t.encode.Call(args...)
	release(inputs)
	if err != nil {
		return Metrics{}, fmt.Errorf("step %d: forward: %w", t.step, err)
	}
	q, shuffledKeys, sims, rest := out[0], out[1], out[2], out[3:]
	key, norm, tape := rest[:len(t.key)], rest[len(t.key):len(t.key)+len(t.norm)], rest[len(t.key)+len(t.norm):]

	keys := unshuffle(values(shuffledKeys), batch.shuffle, c.Encoder.Dim)
	t.clock(1)
	in := contrastInput{
		similarity: values(sims), positive: dots(values(q), keys, c.Encoder.Dim),
		classes: batch.classes, queue: t.queueClass, seed: t.seed, step: uint64(t.step),
	}
	m := Metrics{Step: t.step + 1, LearningRate: c.learningRate(t.step)}
	for _, p := range in.positive {
		m.Positive += float64(p) / float64(c.Batch)
	}
	if bands {
		m.Bands = measureBands(in, len(t.contrast.selectors))
		m.Uniformity = uniformity(in.similarity)
	}
	result := t.contrast.run(in)
	m.Loss, m.Top1, m.Kept = result.Loss, result.Top1, result.Kept
	if anyNaN(norm) { // which ReLU may have hidden from the loss
		m.Loss = math.NaN()
	}
	release([]*tensors.Tensor{shuffledKeys, sims})
	if math.IsNaN(m.Loss) || math.IsInf(m.Loss, 0) {
		release(append(rest, q))
		return m, &DivergedError{Step: m.Step, Loss: m.Loss}
	}

	t.clock(2)
	small := []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(in.similarity, c.Batch, c.Queue),
		tensors.FromFlatDataAndDimensions(in.positive, c.Batch, 1),
		tensors.FromFlatDataAndDimensions(keys, c.Batch, c.Encoder.Dim),
		tensors.FromScalar(float32(m.LearningRate)),
	}
	args = appendAll([]any{q, queue}, small, t.query, t.velocity, tape)
	out, err = t.update.Call(args...)
	release(append(append(small, q), tape...))
	if err != nil {
		release(append(key, norm...))
		return Metrics{}, fmt.Errorf("step %d: backward: %w", t.step, err)
	}
	for _, old := range [][]*tensors.Tensor{t.query, t.velocity, t.key, t.norm} {
		release(old)
	}
	t.query, t.velocity = out[:len(t.query)], out[len(t.query):]
	t.key, t.norm = key, norm

	t.clock(3)
	at := t.step * c.Batch % c.Queue
	copy(t.queue[at*c.Encoder.Dim:], keys)
	copy(t.queueClass[at:], batch.classes)
	t.clock(4)
	t.step++
	return m, nil
}

// native says whether the backend compiles what it is given: then its own convolution is fast, and making
// the views is too. The pure-Go backend does not.
func native(b compute.Backend) bool { return b.String() != "go" }

// encodeGraph: query views, key views, queue, query parameters, key parameters, running statistics ->
// q, k, q . queue, new key parameters, new running statistics, tape.
func (t *Trainer) encodeGraph(in []*Node) []*Node {
	n := len(t.params)
	queryViews, in := t.views.read(in)
	keyViews, in := t.views.read(in)
	queue, in := in[0], in[1:]
	query, key, stats := in[:n], in[n:2*n], in[2*n:]

	newKey := make([]*Node, n)
	m := t.config.KeyMomentum
	for i := range key {
		newKey[i] = Add(MulScalar(key[i], m), MulScalar(query[i], 1-m))
	}
	pass := func(params []*Node, record bool) *nn.Forward {
		f := nn.NewForward(params, stats)
		f.Train, f.Native, f.Record = true, native(t.backend), record
		return f
	}
	fq := pass(query, true)
	q, length := normalise(Transpose(t.net.Forward(fq, queryViews), 0, 1))
	k, _ := normalise(Transpose(t.net.Forward(pass(newKey, false), keyViews), 0, 1))

	out := []*Node{q, k, DotGeneral(q, []int{1}, nil, queue, []int{1}, nil)}
	out = append(out, newKey...)
	out = append(out, fq.NewStats...)
	return append(append(out, fq.Tape...), length)
}

// normalise scales the rows of x [batch, dim] to unit length, and returns the lengths [batch, 1] too.
func normalise(x *Node) (unit, length *Node) {
	length = Sqrt(AddScalar(ReduceAndKeep(Mul(x, x), ReduceSum, 1), 1e-12))
	return Div(x, length), length
}

// updateGraph: q, queue, weights of the negatives and of the positive, keys, learning rate, query
// parameters, velocities, tape -> new query parameters, new velocities.
func (t *Trainer) updateGraph(in []*Node) []*Node {
	n := len(t.params)
	q, queue, weights, positive, keys, lr := in[0], in[1], in[2], in[3], in[4], in[5]
	in = in[6:]
	params, velocity, tape := in[:n], in[n:2*n], in[2*n:]
	length, tape := tape[len(tape)-1], tape[:len(tape)-1]

	dq := Add(Dot(weights, queue).Product(), Mul(keys, positive))
	// d(x/|x|): what lies along q does not change it.
	dz := Div(Sub(dq, Mul(q, ReduceAndKeep(Mul(dq, q), ReduceSum, 1))), length)
	b := nn.NewBackward(params, tape)
	b.Native = native(t.backend)
	t.net.Backward(b, Transpose(dz, 0, 1))

	newParams, newVelocity := make([]*Node, n), make([]*Node, n)
	for i, g := range b.Grads() {
		g = Add(Reshape(g, params[i].Shape().Dimensions...), MulScalar(params[i], t.config.WeightDecay))
		newVelocity[i] = Add(MulScalar(velocity[i], t.config.Momentum), g)
		newParams[i] = Sub(params[i], Mul(newVelocity[i], lr))
	}
	return append(newParams, newVelocity...)
}

func appendAll(args []any, groups ...[]*tensors.Tensor) []any {
	for _, group := range groups {
		for _, x := range group {
			args = append(args, x)
		}
	}
	return args
}

func release(group []*tensors.Tensor) {
	for _, x := range group {
		_ = x.FinalizeAll() // gives the memory back early; nothing depends on it
	}
}

// values copies a float32 tensor to the host.
func values(x *tensors.Tensor) (out []float32) {
	x.MustConstFlatData(func(v any) { out = append(out, v.([]float32)...) })
	return out
}

// anyNaN says whether a number of the group is none.
func anyNaN(group []*tensors.Tensor) bool {
	return slices.ContainsFunc(group, func(x *tensors.Tensor) bool {
		return slices.ContainsFunc(values(x), func(v float32) bool { return v != v })
	})
}

// dots are the dot products of the rows of a and b.
func dots(a, b []float32, dim int) []float32 {
	out := make([]float32, len(a)/dim)
	for i := range out {
		for d := range dim {
			out[i] += a[i*dim+d] * b[i*dim+d]
		}
	}
	return out
}
