package moco

import (
	"fmt"
	"slices"
	"strconv"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/bench/safetensors"
)

// roles are the groups of tensors of a checkpoint, with the layer parameters that they follow.
func (t *Trainer) roles() []struct {
	name   string
	params []nn.Param
	group  *[]*tensors.Tensor
} {
	return []struct {
		name   string
		params []nn.Param
		group  *[]*tensors.Tensor
	}{
		{"query", t.params, &t.query},
		{"key", t.params, &t.key},
		{"velocity", t.params, &t.velocity},
		{"norm", t.stats, &t.norm},
	}
}

// Save returns the whole state as a safetensors file: query and key encoder, velocities, running
// statistics, queue and its classes, and the step. There is no random state: every stream follows from
// the seed and the step.
func (t *Trainer) Save() ([]byte, error) {
	c := t.config
	file := safetensors.File{
		Metadata: map[string]string{"step": strconv.Itoa(t.step), "seed": strconv.FormatUint(t.seed, 10)},
		Tensors: map[string]safetensors.Tensor{
			"queue":       {Shape: []int{c.Queue, c.Encoder.Dim}, Float32: t.queue},
			"queue_class": {Shape: []int{c.Queue}, Int32: t.queueClass},
		},
	}
	for _, r := range t.roles() {
		for i, p := range r.params {
			file.Tensors[r.name+"/"+p.Name] = safetensors.Tensor{Shape: p.Dims, Float32: values((*r.group)[i])}
		}
	}
	return file.Encode()
}

// Restore replaces the state by one that Save returned for the same configuration and seed; what does
// not fit is an error that names the tensor, and leaves the trainer as it was.
func (t *Trainer) Restore(state []byte) error {
	file, err := safetensors.Decode(state)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if seed := file.Metadata["seed"]; seed != strconv.FormatUint(t.seed, 10) {
		return fmt.Errorf("checkpoint: it is of seed %s, not %d", seed, t.seed)
	}
	step, err := strconv.Atoi(file.Metadata["step"])
	if err != nil || step < 0 || step > t.config.Steps {
		return fmt.Errorf("checkpoint: step %q is not one of 0 to %d", file.Metadata["step"], t.config.Steps)
	}
	fetch := func(name string, shape []int) (safetensors.Tensor, error) {
		x, ok := file.Tensors[name]
		if !ok || !slices.Equal(x.Shape, shape) {
			return x, fmt.Errorf("checkpoint: tensor %q has shape %v, want %v", name, x.Shape, shape)
		}
		return x, nil
	}
	queue, err := fetch("queue", []int{t.config.Queue, t.config.Encoder.Dim})
	if err != nil {
		return err
	}
	class, err := fetch("queue_class", []int{t.config.Queue})
	if err != nil {
		return err
	}
	roles := t.roles()
	restored := make([][]*tensors.Tensor, len(roles))
	for i, r := range roles {
		for _, p := range r.params {
			x, err := fetch(r.name+"/"+p.Name, p.Dims)
			if err != nil {
				return err
			}
			if x.Float32 == nil {
				return fmt.Errorf("checkpoint: tensor %q is not float32", r.name+"/"+p.Name)
			}
			restored[i] = append(restored[i], tensors.FromFlatDataAndDimensions(x.Float32, p.Dims...))
		}
	}
	if queue.Float32 == nil || class.Int32 == nil {
		return fmt.Errorf("checkpoint: queue and queue_class must be float32 and int32")
	}
	for i, r := range roles {
		release(*r.group)
		*r.group = restored[i]
	}
	t.queue, t.queueClass, t.step = queue.Float32, class.Int32, step
	return nil
}

// mapBatch is the number of images that Features and Embeddings map at once: few enough for the caches.
const mapBatch = 50

// Features maps a split through the query encoder's backbone, with the running statistics, to pooled
// features, in the order of the images.
func (t *Trainer) Features(split dataset.Split) (probe.Set, error) {
	values, err := t.mapped(split, t.config.Encoder.Features(), func(f *nn.Forward, images *Node) *Node {
		return Transpose(t.config.Encoder.backbone().Forward(f, images), 0, 1)
	})
	return probe.Set{Dim: t.config.Encoder.Features(), Values: values, Labels: split.Labels}, err
}

// Embeddings maps a split through the whole query encoder, with the running statistics, to the space in
// which negatives are ranked: rows of unit length, [Len, Dim], in the order of the images.
func (t *Trainer) Embeddings(split dataset.Split) ([]float32, error) {
	return t.mapped(split, t.config.Encoder.Dim, func(f *nn.Forward, images *Node) *Node {
		unit, _ := normalise(Transpose(t.net.Forward(f, images), 0, 1))
		return unit
	})
}

// mapped is what forward makes of a split, [Len, dim]; it gives [batch, dim] for a batch of images.
func (t *Trainer) mapped(split dataset.Split, dim int, forward func(f *nn.Forward, images *Node) *Node) ([]float32, error) {
	exec, err := NewExec(t.backend, func(in []*Node) []*Node {
		params := in[1 : 1+len(t.params)]
		f := nn.NewForward(params, in[1+len(t.params):])
		f.Native = native(t.backend)
		return []*Node{forward(f, in[0])}
	})
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	all := make([]float32, split.Len()*dim)
	batch := augment.NewBatch(1, mapBatch, t.config.Encoder.Size)
	for start := 0; start < split.Len(); start += mapBatch {
		n := min(mapBatch, split.Len()-start)
		for i := range n {
			batch.Set(i, split.Image(start+i))
		}
		x := tensors.FromFlatDataAndDimensions(batch.Values, batch.Dims()...)
		out, err := exec.Call(appendAll([]any{x}, t.query, t.norm)...)
		if err != nil {
			return nil, fmt.Errorf("mapping images: %w", err)
		}
		copy(all[start*dim:], values(out[0])[:n*dim])
		release(append(out, x))
	}
	return all, nil
}
