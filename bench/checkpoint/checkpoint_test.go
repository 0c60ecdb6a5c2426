package checkpoint_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/checkpoint"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/safetensors"
)

// state is a small one of seed 7, filled with a number.
func state(fill float32) checkpoint.State {
	weights := []*tensors.Tensor{tensors.FromFlatDataAndDimensions(slices.Repeat([]float32{fill}, 6), 2, 3)}
	step, queue, classes := int(fill), []float32{fill, fill}, []int32{int32(fill), -1}
	return checkpoint.State{
		Seed: 7, Step: &step, Steps: 10,
		Groups: []checkpoint.Group{{Name: "query", Params: []nn.Param{{Name: "0.weight", Dims: []int{2, 3}}}, Tensors: &weights}},
		Arrays: map[string]checkpoint.Array{
			"queue":       {Shape: []int{1, 2}, Float32: &queue},
			"queue_class": {Shape: []int{2}, Int32: &classes},
		},
	}
}

func encode(t *testing.T, s checkpoint.State) []byte {
	t.Helper()
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDecodeRestoresWhatWasEncoded(t *testing.T) {
	want, got := encode(t, state(3)), state(5)
	if err := got.Decode(want); err != nil {
		t.Fatal(err)
	}
	if *got.Step != 3 || !bytes.Equal(encode(t, got), want) {
		t.Errorf("step %d, or other bytes", *got.Step)
	}
}

// TestWhatDoesNotFitChangesNothing: the error says what is wrong, by the name of a tensor where it is one.
func TestWhatDoesNotFitChangesNothing(t *testing.T) {
	good := encode(t, state(3))
	changed := func(change func(f *safetensors.File)) []byte {
		t.Helper()
		f, err := safetensors.Decode(good)
		if err != nil {
			t.Fatal(err)
		}
		f.Metadata, f.Tensors = maps.Clone(f.Metadata), maps.Clone(f.Tensors)
		change(&f)
		data, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	into := state(5)
	before := encode(t, into)
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"nothing":      {nil, "checkpoint"},
		"another file": {[]byte("PK\x03\x04 an archive, and no checkpoint"), "checkpoint"},
		"truncated":    {good[:len(good)-1], "checkpoint"},
		"another seed": {changed(func(f *safetensors.File) { f.Metadata["seed"] = "8" }), "seed 8"},
		"a later step": {changed(func(f *safetensors.File) { f.Metadata["step"] = "11" }), `"11"`},
		"no weights":   {changed(func(f *safetensors.File) { delete(f.Tensors, "query/0.weight") }), `"query/0.weight"`},
		"shape": {changed(func(f *safetensors.File) {
			f.Tensors["query/0.weight"] = safetensors.Tensor{Shape: []int{3, 2}, Float32: make([]float32, 6)}
		}), `"query/0.weight"`},
		"shape of an array": {changed(func(f *safetensors.File) {
			f.Tensors["queue"] = safetensors.Tensor{Shape: []int{2}, Float32: make([]float32, 2)}
		}), `"queue"`},
		"type": {changed(func(f *safetensors.File) {
			f.Tensors["query/0.weight"] = safetensors.Tensor{Shape: []int{2, 3}, Int32: make([]int32, 6)}
		}), `"query/0.weight"`},
		"type of an array": {changed(func(f *safetensors.File) {
			f.Tensors["queue_class"] = safetensors.Tensor{Shape: []int{2}, Float32: make([]float32, 2)}
		}), `"queue_class"`},
	} {
		if err := into.Decode(c.data); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %s", name, err, c.says)
		}
		if !bytes.Equal(encode(t, into), before) {
			t.Fatalf("%s: the state is changed", name)
		}
	}
}
