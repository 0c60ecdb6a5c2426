package study

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/encoderfile"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/safetensors"
	"github.com/cidbench/cidbench/registry"
)

// ExportEncoder makes a safetensors file of the encoder that a stored run had trained after a step, or at its end for
// step 0: of the queries, where keys have one of their own. Tensors have PyTorch's names and layout; beside them is the
// queue, [negatives, dimensions], with the class of each, where the method has one. The metadata say what they are of.
func ExportEncoder(ctx context.Context, reg *registry.Registry, m registry.Manifest, step int) ([]byte, error) {
	var key struct {
		Dataset  bench.Data `json:"dataset"`
		Training struct {
			Method method.ID `json:"method"`
			Config struct {
				Encoder encoder.Config `json:"encoder"`
			} `json:"config"`
		} `json:"training"`
	}
	if err := json.Unmarshal(m.Key, &key); err != nil {
		return nil, fmt.Errorf("%w: run %s: %w", registry.ErrCorrupt, m.Run, err)
	}
	config := key.Training.Config.Encoder
	at, kept, err := checkpointAt(m, step)
	if err != nil {
		return nil, err
	}
	if err := config.Validate(); err != nil {
		return nil, UsageError{fmt.Errorf("run %s: its key describes no encoder that this program can build: %w", m.Run, err)}
	}
	data, err := reg.Blob(ctx, kept)
	if err != nil {
		return nil, err
	}
	state, err := safetensors.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", registry.ErrCorrupt, err)
	}
	out := encoderfile.Encoder{Config: config, Input: augment.Own, Weights: map[string][]float32{}, Beside: map[string]safetensors.Tensor{}, Metadata: map[string]string{
		"run": m.Run, "step": strconv.Itoa(at), "checkpoint": string(kept.Digest),
		"method":  fmt.Sprintf("%s v%d", key.Training.Method.Name, key.Training.Method.Version),
		"dataset": key.Dataset.Name + " " + key.Dataset.Digest,
	}}
	for _, t := range config.Torch() {
		tensor, ok := state.Tensors[group(state, t)+"/"+t.Ours]
		if !ok || len(tensor.Float32) != t.Len() {
			return nil, fmt.Errorf("%w: checkpoint of step %d of run %s: tensor %q has %d values, where %d are wanted", registry.ErrCorrupt, at, m.Run, t.Ours, len(tensor.Float32), t.Len())
		}
		out.Weights[t.Name] = t.ToTorch(tensor.Float32)
	}
	for _, name := range []string{encoderfile.Queue, encoderfile.QueueClass} {
		if t, ok := state.Tensors[name]; ok {
			out.Beside[name] = t
		}
	}
	return out.Encode()
}

// checkpointAt finds a checkpoint, or the last.
func checkpointAt(m registry.Manifest, step int) (int, registry.Descriptor, error) {
	var steps []int
	for name := range maps.Keys(m.Artifacts) {
		if text, ok := strings.CutPrefix(name, "checkpoint-"); ok {
			if at, err := strconv.Atoi(text); err == nil && bench.CheckpointName(at) == name {
				steps = append(steps, at)
			}
		}
	}
	slices.Sort(steps)
	if len(steps) == 0 {
		return 0, registry.Descriptor{}, UsageError{fmt.Errorf("run %s has no checkpoint: it trained no encoder, or its store is evidence, which holds none", m.Run)}
	}
	if step == 0 {
		step = steps[len(steps)-1]
	}
	if !slices.Contains(steps, step) {
		return 0, registry.Descriptor{}, UsageError{fmt.Errorf("--checkpoint %d: run %s has those of steps %v", step, m.Run, steps)}
	}
	return step, m.Artifacts[bench.CheckpointName(step)], nil
}

// group is the part of a checkpoint that a tensor is in: running statistics have one of their own, and the encoder is
// that of the queries where there are two.
func group(state safetensors.File, t encoder.TorchTensor) string {
	if t.Stat {
		return "norm"
	}
	if _, ok := state.Tensors["query/"+t.Ours]; ok {
		return "query"
	}
	return "encoder"
}
