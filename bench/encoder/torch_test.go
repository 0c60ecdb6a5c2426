package encoder

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/safetensors"
)

func TestTorchNamesAreThoseOfTorchvisionAndMoCo(t *testing.T) {
	for name, tc := range map[string]struct {
		c              Config
		tensors, count int // without running statistics
		has            map[string][]int
	}{
		"ResNet-18": {ResNet18(32, 128), 62, 11_168_832 + 512*128 + 128, map[string][]int{
			"conv1.weight": {64, 3, 3, 3}, "layer1.1.conv2.weight": {64, 64, 3, 3}, "layer4.0.downsample.0.weight": {512, 256, 1, 1}, "fc.weight": {128, 512},
		}},
		"ResNet-50": {ResNet50(224, 128), 163, 27_966_656, map[string][]int{
			"conv1.weight": {64, 3, 7, 7}, "bn1.running_var": {64}, "layer1.0.downsample.1.bias": {256}, "layer3.5.conv2.weight": {256, 256, 3, 3},
			"layer4.2.conv3.weight": {2048, 512, 1, 1}, "fc.0.weight": {2048, 2048}, "fc.2.bias": {128},
		}},
		"small": {small(), 0, 0, map[string][]int{"conv1.weight": {4, 3, 3, 3}, "conv2.weight": {6, 4, 3, 3}, "layer1.0.conv1.weight": {4, 6, 1, 1}, "fc.2.weight": {6, 8}}},
	} {
		shapes, ours, params, values := map[string][]int{}, map[string]bool{}, 0, 0
		for _, x := range tc.c.Torch() {
			if shapes[x.Name] != nil || ours[x.Ours] {
				t.Errorf("%s: %s or %s twice", name, x.Name, x.Ours)
			}
			shapes[x.Name], ours[x.Ours] = x.Shape, true
			if !x.Stat {
				params, values = params+1, values+x.Len()
			}
		}
		for want, shape := range tc.has {
			if !slices.Equal(shapes[want], shape) {
				t.Errorf("%s: %s is %v, want %v", name, want, shapes[want], shape)
			}
		}
		if tc.tensors > 0 && (params != tc.tensors || values != tc.count) {
			t.Errorf("%s: %d parameters in %d tensors, want %d in %d", name, values, params, tc.count, tc.tensors)
		}
		e := New(nn.Device{}, tc.c)
		for _, p := range slices.Concat(e.Params, e.Stats) {
			if !ours[p.Name] {
				t.Errorf("%s: %s has no name in PyTorch", name, p.Name)
			}
		}
		if len(ours) != len(e.Params)+len(e.Stats) {
			t.Errorf("%s: %d tensors, want %d", name, len(ours), len(e.Params)+len(e.Stats))
		}
	}
}

func TestTapsAndChannelsChangePlaces(t *testing.T) {
	x := TorchTensor{Shape: []int{2, 3, 1, 2}, taps: 2}
	ours := []float32{0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112} // out, tap, channel
	theirs := []float32{0, 10, 1, 11, 2, 12, 100, 110, 101, 111, 102, 112}
	if got := x.ToTorch(ours); !slices.Equal(got, theirs) {
		t.Errorf("to PyTorch: %v", got)
	}
	if got := x.FromTorch(theirs); !slices.Equal(got, ours) {
		t.Errorf("from PyTorch: %v", got)
	}
	plain := TorchTensor{Shape: []int{2, 3}, taps: 1}
	if got := plain.ToTorch(ours[:6]); !slices.Equal(got, ours[:6]) {
		t.Errorf("a matrix: %v", got)
	}
}

// TestPyTorchComputesTheSame has PyTorch load the exported encoder, strictly, into testdata/encoder.py's module and embed
// the same images.
func TestPyTorchComputesTheSame(t *testing.T) {
	if out, err := exec.Command("python3", "-c", "import torch, safetensors").CombinedOutput(); err != nil {
		backendtest.NoPeer(t, "python3 has no torch and safetensors: %v %s", err, out)
	}
	images, err := dataset.Glyphs(0, 20)("")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]Config{"small": small(), "ResNet-18": ResNet18(32, 16)} {
		backend, err := gobackend.New("ops_parallel")
		if err != nil {
			t.Fatal(err)
		}
		m, err := Untrained(nn.Devices(backend, 1)[0], c, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range m.Encoder.Stats { // which are all alike in an untrained encoder
			running := nn.Values(m.Stats[i])
			for j := range running {
				running[j] += float32(j%3) / 8
			}
			m.Stats[i] = tensors.FromFlatDataAndDimensions(running, p.Dims...)
		}
		want, err := m.Embeddings(images.Test)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		write(t, filepath.Join(dir, "encoder.safetensors"), exported(t, m))
		batch, image := augment.NewBatch(1, 20, c.Size), images.Test.Buffer()
		for i := range 20 {
			if err := images.Test.Read(i, image); err != nil {
				t.Fatal(err)
			}
			batch.Set(i, image, augment.Own)
		}
		write(t, filepath.Join(dir, "input.safetensors"), safetensors.File{Tensors: map[string]safetensors.Tensor{
			"x": {Shape: []int{3, 20, c.Size, c.Size}, Float32: batch.Values}, "want": {Shape: []int{20, c.Dim}, Float32: want},
		}})
		config, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("python3", "testdata/encoder.py", dir, string(config)).Output()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("%s: %v: %s", name, err, exit.Stderr)
		}
		var worst float64
		if err := json.Unmarshal(out, &worst); err != nil || math.IsNaN(worst) || worst > 1e-4 {
			t.Errorf("%s: PyTorch's embeddings differ by %s, %v", name, out, err)
		}
		m.Close()
		backend.Finalize()
	}
}

// exported is the encoder with PyTorch's names and layout.
func exported(t *testing.T, m Model) safetensors.File {
	t.Helper()
	values := map[string][]float32{}
	for i, p := range m.Encoder.Params {
		values[p.Name] = nn.Values(m.Params[i])
	}
	for i, p := range m.Encoder.Stats {
		values[p.Name] = nn.Values(m.Stats[i])
	}
	file := safetensors.File{Tensors: map[string]safetensors.Tensor{}}
	for _, x := range m.Torch() {
		file.Tensors[x.Name] = safetensors.Tensor{Shape: x.Shape, Float32: x.ToTorch(values[x.Ours])}
	}
	return file
}

func write(t *testing.T, path string, file safetensors.File) {
	t.Helper()
	data, err := file.Encode()
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
