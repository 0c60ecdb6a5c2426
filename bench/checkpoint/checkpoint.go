// Package checkpoint writes the state of a training as a safetensors file, and reads it back. There is no random
// state in it: every stream follows from the seed and the step.
package checkpoint

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/safetensors"
)

// State is what a checkpoint holds: pointers to where a trainer keeps it, so that Decode can fill them.
type State struct {
	Seed uint64
	// Step is the number of steps done, of Steps in all.
	Step  *int
	Steps int
	// Groups are tensors that follow the parameters of layers.
	Groups []Group
	// Float32 and Int32 are what else a method keeps, by name.
	Float32 map[string]Array[float32]
	Int32   map[string]Array[int32]
}

// Group is a group of tensors with the parameters that they follow; the name of each is "Name/parameter".
type Group struct {
	Name    string
	Params  []nn.Param
	Tensors *[]*tensors.Tensor
}

// Array is a flat array of a shape.
type Array[T any] struct {
	Shape  []int
	Values *[]T
}

// Encode returns the state as a file: the same bytes for the same state.
func (s State) Encode() ([]byte, error) {
	file := safetensors.File{
		Metadata: map[string]string{"step": strconv.Itoa(*s.Step), "seed": strconv.FormatUint(s.Seed, 10)},
		Tensors:  map[string]safetensors.Tensor{},
	}
	for name, a := range s.Float32 {
		file.Tensors[name] = safetensors.Tensor{Shape: a.Shape, Float32: *a.Values}
	}
	for name, a := range s.Int32 {
		file.Tensors[name] = safetensors.Tensor{Shape: a.Shape, Int32: *a.Values}
	}
	for _, g := range s.Groups {
		for i, p := range g.Params {
			file.Tensors[g.Name+"/"+p.Name] = safetensors.Tensor{Shape: p.Dims, Float32: nn.Values((*g.Tensors)[i])}
		}
	}
	return file.Encode()
}

// Decode replaces the state by one that Encode wrote for the same configuration and seed; what does not fit is
// an error that names the tensor, and leaves everything as it was.
func (s State) Decode(data []byte) error {
	file, err := safetensors.Decode(data)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if seed := file.Metadata["seed"]; seed != strconv.FormatUint(s.Seed, 10) {
		return fmt.Errorf("checkpoint: it is of seed %s, not %d", seed, s.Seed)
	}
	step, err := strconv.Atoi(file.Metadata["step"])
	if err != nil || step < 0 || step > s.Steps {
		return fmt.Errorf("checkpoint: step %q is not one of 0 to %d", file.Metadata["step"], s.Steps)
	}
	fits := func(name string, shape []int, float bool) error {
		x, ok := file.Tensors[name]
		switch {
		case !ok || !slices.Equal(x.Shape, shape):
			return fmt.Errorf("checkpoint: tensor %q has shape %v, want %v", name, x.Shape, shape)
		case float != (x.Float32 != nil):
			return fmt.Errorf("checkpoint: tensor %q is not of the type that belongs there", name)
		}
		return nil
	}
	for name, a := range s.Float32 {
		if err := fits(name, a.Shape, true); err != nil {
			return err
		}
	}
	for name, a := range s.Int32 {
		if err := fits(name, a.Shape, false); err != nil {
			return err
		}
	}
	for _, g := range s.Groups {
		for _, p := range g.Params {
			if err := fits(g.Name+"/"+p.Name, p.Dims, true); err != nil {
				return err
			}
		}
	}
	for name, a := range s.Float32 {
		*a.Values = file.Tensors[name].Float32
	}
	for name, a := range s.Int32 {
		*a.Values = file.Tensors[name].Int32
	}
	for _, g := range s.Groups {
		nn.Release(*g.Tensors)
		restored := make([]*tensors.Tensor, len(g.Params))
		for i, p := range g.Params {
			restored[i] = tensors.FromFlatDataAndDimensions(file.Tensors[g.Name+"/"+p.Name].Float32, p.Dims...)
		}
		*g.Tensors = restored
	}
	*s.Step = step
	return nil
}
