package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"time"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/safetensors"
	"github.com/cidbench/cidbench/bench/views"
)

// batch is what a contrast at the job's size is of: random unit vectors of queries and queue, random classes.
type batch struct {
	queries, queue           []float32
	positive                 []float32
	classes, negativeClasses []int32
}

func (w *worker) batch() batch {
	random := rand.New(rand.NewPCG(seed, seed))
	unit := func(n int) []float32 {
		out, dim := make([]float32, n*w.Train.Encoder.Dim), w.Train.Encoder.Dim
		for i := range n {
			row := out[i*dim:][:dim]
			var square float32
			for j := range row {
				row[j] = float32(random.NormFloat64())
				square += row[j] * row[j]
			}
			for j := range row {
				row[j] /= float32(math.Sqrt(float64(square)))
			}
		}
		return out
	}
	classes := func(n int) []int32 {
		out := make([]int32, n)
		for i := range out {
			out[i] = int32(random.IntN(len(w.data.Classes)))
		}
		return out
	}
	b := batch{queries: unit(w.Train.Batch), queue: unit(w.Train.Queue), classes: classes(w.Train.Batch), negativeClasses: classes(w.Train.Queue)}
	for range w.Train.Batch {
		b.positive = append(b.positive, 0.8)
	}
	return b
}

func (w *worker) contrast(arm Arm) *contrast.Contrast {
	t := w.Train.Temperature
	if arm.Temperature != 0 {
		t = arm.Temperature
	}
	return contrast.New(t, arm.Rules, w.Train.Queue, len(w.data.Classes), w.Train.Steps, w.Threads)
}

// graphContrast is the products of queries and queue, with or without the contrast, up to sums: what it is of stays on the
// device.
func (w *worker) graphContrast(arm Arm, whole bool) (task, error) {
	c, b, train := w.contrast(arm), w.batch(), w.Train
	shape := c.Shape()
	program, err := w.device.Program(func(in []*Node) []*Node {
		given := nn.Take(&in, 5)
		similarity := DotGeneral(given[0], []int{1}, nil, given[1], []int{1}, nil)
		if !whole {
			return []*Node{ReduceAllSum(similarity)}
		}
		l := shape.Take(&in).Loss(similarity, given[2], given[3], given[4])
		// The gradient of the queries is the other product with the queue.
		return []*Node{l.InfoNCE, ReduceAllSum(Dot(l.Weights, given[1]).Product()), ReduceAllSum(l.KeyWeights)}
	}, "speed", shape, whole)
	if err != nil {
		return task{}, err
	}
	given := []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(b.queries, train.Batch, train.Encoder.Dim),
		tensors.FromFlatDataAndDimensions(b.queue, train.Queue, train.Encoder.Dim),
		tensors.FromFlatDataAndDimensions(b.positive, train.Batch),
		tensors.FromFlatDataAndDimensions(b.classes, train.Batch),
		tensors.FromFlatDataAndDimensions(b.negativeClasses, train.Queue),
	}
	return task{do: func() (float64, error) {
		start := time.Now()
		var rules []*tensors.Tensor
		if whole {
			rules = c.Inputs(seed, 0, train.Batch, train.Queue)
		}
		out, err := program.Run(given, rules)
		if err != nil {
			return 0, err
		}
		for _, x := range out { // it may still be on its way
			_ = nn.Values(x)
		}
		ms := since(start)
		nn.Release(out, rules)
		return ms, nil
	}}, nil
}

// hostContrast ranks and weighs dot products that are there.
func (w *worker) hostContrast(arm Arm) task {
	c, b := w.contrast(arm), w.batch()
	dim := w.Train.Encoder.Dim
	var similarity []float32
	for i := range w.Train.Batch {
		for j := range w.Train.Queue {
			var dot float32
			for d := range dim {
				dot += b.queries[i*dim+d] * b.queue[j*dim+d]
			}
			similarity = append(similarity, dot)
		}
	}
	used, positive := make([]float32, len(similarity)), make([]float32, len(b.positive))
	return task{do: func() (float64, error) {
		copy(used, similarity) // the loss uses it up
		copy(positive, b.positive)
		start := time.Now()
		c.Loss(contrast.Batch{Similarity: used, Positive: positive, Classes: b.classes, Negatives: b.negativeClasses, Seed: seed})
		return since(start), nil
	}}
}

// source makes batches as the job's training does, or others from an imported set.
func (w *worker) source(r Request) (*views.Source, error) {
	c := views.Config{
		Augment: w.Train.Augment, Size: w.Train.Encoder.Size, Batch: w.Train.Batch, Groups: w.Train.NormGroups, Steps: w.Train.Steps, Shuffle: true,
	}
	data := w.data.Train
	if r.Augment != nil {
		c.Augment, c.Size, c.Batch, c.Groups = *r.Augment, r.Size, r.Images, 1
		var err error
		if data, err = imported(r.File); err != nil {
			return nil, err
		}
	}
	return views.New(c, data, seed, w.Threads), nil
}

// views are both views of a batch. The one that is made meanwhile is waited for, so that a sample is one batch.
func (w *worker) views(r Request) (task, error) {
	source, err := w.source(r)
	if err != nil {
		return task{}, err
	}
	step, made := 0, (*views.Batch)(nil)
	source.InGraph = r.Work == recipesWork
	return task{do: func() (ms float64, err error) {
		start := time.Now()
		made, err = source.Next(step)
		source.Stop()
		step++
		return since(start), err
	}, look: func() []float64 { return spread(made) }}, nil
}

// check does the first steps and gives their losses, and writes what they are of: weights and queue before them, and for
// each its views, the place of each query's key, and its learning rate.
func (w *worker) check(ctx context.Context, r Request) ([]float64, error) {
	trainer, err := w.trainer(r.Arm)
	if err != nil {
		return nil, err
	}
	defer trainer.Close()
	state, err := trainer.Save()
	if err != nil {
		return nil, err
	}
	file, err := safetensors.Decode(state)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range trainer.Encoder.Params {
		names = append(names, p.Name)
	}
	ordered, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	file.Metadata["params"] = string(ordered)
	source, err := w.source(r)
	if err != nil {
		return nil, err
	}
	defer source.Stop()
	var rates []float32
	var losses []float64
	for step := range r.N {
		made, err := source.Next(step)
		if err != nil {
			return nil, err
		}
		for side, v := range map[string]augment.Views{"query": made.Query, "key": made.Key} {
			pixels := v.(*augment.Batch)
			file.Tensors[fmt.Sprintf("%s views/%d", side, step)] = safetensors.Tensor{Shape: pixels.Dims(), Float32: pixels.Values}
		}
		file.Tensors[fmt.Sprintf("places/%d", step)] = safetensors.Tensor{Shape: []int{w.Train.Batch}, Int32: made.Places()}
		metrics, err := trainer.Advance(ctx, false)
		if err != nil {
			return nil, err
		}
		rates, losses = append(rates, float32(metrics.LearningRate)), append(losses, metrics.Loss)
	}
	file.Tensors["rates"] = safetensors.Tensor{Shape: []int{r.N}, Float32: rates}
	content, err := file.Encode()
	if err != nil {
		return nil, err
	}
	return losses, os.WriteFile(r.File, content, 0o600)
}
