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
	// Arrays are what else a method keeps, by name.
	Arrays map[string]Array
}

// Group is a group of tensors with the parameters that they follow; the name of each is "Name/parameter".
type Group struct {
	Name    string
	Params  []nn.Param
	Tensors *[]*tensors.Tensor
}

// Array is a flat array of a shape, of one of the two types.
type Array struct {
	Shape   []int
	Float32 *[]float32
	Int32   *[]int32
}

// Encode returns the state as a file: the same bytes for the same state.
func (s State) Encode() ([]byte, error) {
	file := safetensors.File{
		Metadata: map[string]string{"step": strconv.Itoa(*s.Step), "seed": strconv.FormatUint(s.Seed, 10)},
		Tensors:  map[string]safetensors.Tensor{},
	}
	for name, a := range s.Arrays {
		if a.Float32 != nil {
			file.Tensors[name] = safetensors.Tensor{Shape: a.Shape, Float32: *a.Float32}
		} else {
			file.Tensors[name] = safetensors.Tensor{Shape: a.Shape, Int32: *a.Int32}
		}
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
	var errs []error
	check := func(name string, shape []int, float bool) {
		x, ok := file.Tensors[name]
		if !ok || !slices.Equal(x.Shape, shape) {
			errs = append(errs, fmt.Errorf("checkpoint: tensor %q has shape %v, want %v", name, x.Shape, shape))
		} else if float != (x.Float32 != nil) {
			errs = append(errs, fmt.Errorf("checkpoint: tensor %q is not of the type that belongs there", name))
		}
	}
	for name, a := range s.Arrays {
		check(name, a.Shape, a.Float32 != nil)
	}
	for _, g := range s.Groups {
		for _, p := range g.Params {
			check(g.Name+"/"+p.Name, p.Dims, true)
		}
	}
	if len(errs) > 0 {
		return errs[0]
	}
	for name, a := range s.Arrays {
		if a.Float32 != nil {
			*a.Float32 = file.Tensors[name].Float32
		} else {
			*a.Int32 = file.Tensors[name].Int32
		}
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
