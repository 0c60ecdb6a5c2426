// Package encoderfile is an encoder as a file: one of ours written for PyTorch, and one of the field read from the
// checkpoint of whoever trained it (Import). Both are safetensors with the names and the layout that torchvision and MoCo
// give such tensors, and metadata that say the network's sizes and how images are normalised.
package encoderfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/safetensors"
	"github.com/cidbench/cidbench/bench/tensorfile"
)

// Encoder is a network with its weights.
type Encoder struct {
	// Config has the size of the images that it was trained on; it maps those of other sizes, too.
	Config encoder.Config
	Input  augment.Normalisation
	// Weights are those of Config.Torch, by name and in PyTorch's layout.
	Weights map[string][]float32
	// Beside are tensors that came with it: queue, [negatives, Config.Embedding()], and queue_class.
	Beside map[string]safetensors.Tensor
	// Metadata say where it is from.
	Metadata map[string]string
}

// What is written of an encoder besides its weights.
const (
	configKey, meanKey, stdKey, inputKey = "encoder", "mean", "std", "input"

	Queue, QueueClass = "queue", "queue_class"
)

// ErrFormat is wrapped by errors that say what is wrong with a file.
var ErrFormat = errors.New("no encoder can be read")

// Encode is the encoder as a file.
func (e *Encoder) Encode() ([]byte, error) {
	f := safetensors.File{Tensors: maps.Clone(e.Beside), Metadata: maps.Clone(e.Metadata)}
	if f.Tensors == nil {
		f.Tensors = map[string]safetensors.Tensor{}
	}
	if f.Metadata == nil {
		f.Metadata = map[string]string{}
	}
	for _, t := range e.Config.Torch() {
		f.Tensors[t.Name] = safetensors.Tensor{Shape: t.Shape, Float32: e.Weights[t.Name]}
	}
	for key, value := range map[string]any{configKey: e.Config, meanKey: e.Input.Mean, stdKey: e.Input.Std} {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		f.Metadata[key] = string(text)
	}
	f.Metadata[inputKey] = fmt.Sprintf("[batch, 3, %d, %d], red, green and blue each (value/255 - mean) / std", e.Config.Size, e.Config.Size)
	return f.Encode()
}

// Open reads an encoder that Encode has written. Errors: ErrFormat, those of tensorfile.Open.
func Open(path string) (*Encoder, error) {
	f, err := tensorfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	e, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

func read(f *tensorfile.File) (*Encoder, error) {
	e := &Encoder{Metadata: f.Metadata}
	if f.Metadata[configKey] == "" {
		return nil, fmt.Errorf("%w: it is none that import-encoder or export-encoder wrote: import it first", ErrFormat)
	}
	for key, to := range map[string]any{configKey: &e.Config, meanKey: &e.Input.Mean, stdKey: &e.Input.Std} {
		if err := json.Unmarshal([]byte(f.Metadata[key]), to); err != nil {
			return nil, fmt.Errorf("%w: metadata %s: %w", ErrFormat, key, err)
		}
	}
	if err := CheckInput(e.Input); err != nil {
		return nil, fmt.Errorf("%w: metadata: %w", ErrFormat, err)
	}
	// What is there bounds what is looked for: sizes of a hostile file must not become memory.
	layers := len(e.Config.Stem)
	for _, s := range e.Config.Stages {
		if s.Blocks < 0 || s.Blocks > len(f.Tensors) {
			return nil, fmt.Errorf("%w: %d blocks in a file of %d tensors", ErrFormat, s.Blocks, len(f.Tensors))
		}
		layers += s.Blocks
	}
	if layers > len(f.Tensors) {
		return nil, fmt.Errorf("%w: %d layers in a file of %d tensors", ErrFormat, layers, len(f.Tensors))
	}
	if err := e.Config.Validate(); err != nil {
		return nil, fmt.Errorf("%w: metadata %s: %w", ErrFormat, configKey, err)
	}
	if err := e.take(f.Tensors); err != nil {
		return nil, err
	}
	e.Beside = map[string]safetensors.Tensor{}
	if t := f.Tensors[Queue]; t != nil {
		values, err := t.Floats()
		if err != nil || len(t.Shape) != 2 || t.Shape[1] != e.Config.Embedding() {
			return nil, fmt.Errorf("%w: queue of shape %v, where embeddings have %d dimensions", ErrFormat, t.Shape, e.Config.Embedding())
		}
		e.Beside[Queue] = safetensors.Tensor{Shape: t.Shape, Float32: values}
	}
	return e, nil
}

// take reads the weights of the network from tensors by their names. Errors name all that are missing, or the first that
// is not what it should be.
func (e *Encoder) take(tensors map[string]*tensorfile.Tensor) error {
	var missing []string
	e.Weights = map[string][]float32{}
	for _, want := range e.Config.Torch() {
		if tensors[want.Name] == nil {
			missing = append(missing, want.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: %d of its tensors are missing: %s", ErrFormat, len(missing), list(missing))
	}
	for _, want := range e.Config.Torch() {
		t := tensors[want.Name]
		if !slices.Equal(t.Shape, want.Shape) {
			return fmt.Errorf("%w: %s has the shape %v, where %s has %v", ErrFormat, want.Name, t.Shape, Architecture(e.Config), want.Shape)
		}
		values, err := t.Floats()
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrFormat, want.Name, err)
		}
		for i, v := range values {
			if !(math.Abs(float64(v)) <= math.MaxFloat32) || v < 0 && variance(want) {
				return fmt.Errorf("%w: %s: value %d is %g", ErrFormat, want.Name, i, v)
			}
		}
		e.Weights[want.Name] = values
	}
	return nil
}

// On is the network on a device, for square images of so many pixels. Errors: the network cannot map them.
func (e *Encoder) On(device nn.Device, size int) (encoder.Model, error) {
	config := e.Config
	config.Size = size
	if err := config.Validate(); err != nil {
		return encoder.Model{}, fmt.Errorf("images of %dx%d pixels: %w", size, size, err)
	}
	return encoder.New(device, config).Load(e.Weights, e.Input)
}

// Parameters is the number of weights, without running statistics.
func (e *Encoder) Parameters() (n int) {
	for _, t := range e.Config.Torch() {
		if !t.Stat {
			n += t.Len()
		}
	}
	return n
}

// CheckInput refuses what images cannot be normalised by.
func CheckInput(n augment.Normalisation) error {
	for c := range n.Mean {
		mean, std := float64(n.Mean[c]), float64(n.Std[c])
		if !(math.Abs(mean) <= 1e3 && std > 1e-6 && std <= 1e3) {
			return fmt.Errorf("mean %v and std %v: want one of each for red, green and blue, of values from 0 to 1, and no std of 0", n.Mean, n.Std)
		}
	}
	return nil
}
