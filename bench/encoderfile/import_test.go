package encoderfile

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/safetensors"
)

// outputs are what PyTorch computes of five images.
type outputs struct{ Features, Embedding []float32 }

func expected(t *testing.T, file string) (all map[string]outputs) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// images are those of testdata/make.py: bytes of a formula.
func images(size int) dataset.Split {
	pixels := make([]uint8, 5*size*size*3)
	for i := range pixels {
		h := (uint32(1<<30) + uint32(i)) * 2654435761
		h = (h ^ h>>15) * 2246822519
		h ^= h >> 13
		pixels[i] = uint8(float64(h) / (1 << 31) * 128)
	}
	return dataset.Split{Reader: dataset.Memory(pixels), Labels: make([]int32, 5), Height: size, Width: size}
}

// check holds what an encoder makes of the images against PyTorch.
func check(t *testing.T, e *Encoder, d nn.Device, size int, want outputs) {
	t.Helper()
	m, err := e.On(d, size)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	features, err := m.Features(images(size))
	if err != nil {
		t.Fatal(err)
	}
	embeddings, err := m.Embeddings(images(size))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "features", features.Values, want.Features)
	near(t, "embeddings", embeddings, want.Embedding)
}

// near allows 0.0001 of the largest number.
func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	var largest, worst float64
	for i := range want {
		largest = max(largest, math.Abs(float64(want[i])))
		worst = max(worst, math.Abs(float64(got[i])-float64(want[i])))
	}
	if !(worst <= 1e-4*largest) {
		t.Errorf("%s differ by %.2g, where the largest is %.2g", what, worst, largest)
	}
}

// TestCheckpointsComputeWhatPyTorchDoes: of every form, and again from the file that Encode writes.
func TestCheckpointsComputeWhatPyTorchDoes(t *testing.T) {
	want := expected(t, "testdata/expected.json")
	d := backendtest.Go(t)
	for _, tc := range []struct {
		file, want string
		o          Options
		size       int
		prefix     string
		negatives  int
		leftOut    []string
	}{
		{"moco.zip.pth.tar", "moco", Options{}, 32, "state_dict/module.encoder_q.", 7,
			[]string{"state_dict/module.queue_ptr", "optimizer/* (40 tensors)", "state_dict/module.encoder_k.* (64 tensors)"}},
		{"moco.legacy.pth.tar", "moco", Options{}, 32, "state_dict/module.encoder_q.", 7,
			[]string{"state_dict/module.queue_ptr", "optimizer/* (40 tensors)", "state_dict/module.encoder_k.* (64 tensors)"}},
		{"supervised.safetensors", "supervised", Options{}, 16, "", 0, []string{"fc.bias", "fc.weight"}},
		{"supervised.safetensors", "notebook", Options{Head: TakeHead}, 16, "", 0, nil},
		{"notebook.pth", "notebook", Options{}, 16, "state_dict/encoder_q.net.", 0, nil},
		{"notebook.pth", "supervised", Options{Head: NoHead}, 16, "state_dict/encoder_q.net.", 0, []string{"state_dict/encoder_q.net.9.bias", "state_dict/encoder_q.net.9.weight"}},
		{"children.npz", "children", Options{}, 32, "backbone.", 0, []string{"projection_head.layers.0.weight"}},
	} {
		t.Run(tc.file+string(tc.o.Head), func(t *testing.T) {
			e, r, err := Import("testdata/"+tc.file, tc.o)
			if err != nil {
				t.Fatal(err)
			}
			if r.Prefix != tc.prefix || r.Negatives != tc.negatives || !slices.Equal(r.LeftOut, tc.leftOut) {
				t.Errorf("prefix %q, %d negatives, left out %q", r.Prefix, r.Negatives, r.LeftOut)
			}
			check(t, e, d, tc.size, want[tc.want])
			data, err := e.Encode()
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "encoder.safetensors")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			again, err := Open(file)
			if err != nil {
				t.Fatal(err)
			}
			if again.Input != e.Input || again.Metadata["from_digest"] != r.Digest || !slices.Equal(again.Beside[Queue].Float32, e.Beside[Queue].Float32) {
				t.Errorf("read again, it is another: %v, %v", again.Input, again.Metadata)
			}
			check(t, again, d, tc.size, want[tc.want])
		})
	}
}

func TestMomentumEncoderIsAnother(t *testing.T) {
	keys, r, err := Import("testdata/moco.zip.pth.tar", Options{Momentum: true})
	if err != nil {
		t.Fatal(err)
	}
	queries, _, err := Import("testdata/moco.zip.pth.tar", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Prefix != "state_dict/module.encoder_k." {
		t.Errorf("prefix %q", r.Prefix)
	}
	for name, values := range queries.Weights { // those of the keys are half of them
		for i, v := range values {
			if keys.Weights[name][i] != v/2 {
				t.Fatalf("%s: value %d is %g, want %g", name, i, keys.Weights[name][i], v/2)
			}
		}
	}
}

// TestQueueIsTransposed: MoCo keeps a negative a column.
func TestQueueIsTransposed(t *testing.T) {
	e, _, err := Import("testdata/moco.zip.pth.tar", Options{})
	if err != nil {
		t.Fatal(err)
	}
	q := e.Beside[Queue]
	if !slices.Equal(q.Shape, []int{7, 6}) {
		t.Fatalf("shape %v", q.Shape)
	}
	// Value i of the file is formula(7 + i), at dimension i/7 of negative i%7.
	for i, want := range map[int]float32{0: formula(7), 8: formula(7 + 8), 41: formula(7 + 41)} {
		if got := q.Float32[i%7*6+i/7]; got != want {
			t.Errorf("value %d is %g, want %g", i, got, want)
		}
	}
}

func formula(i uint32) float32 {
	h := i * 2654435761
	h = (h ^ h>>15) * 2246822519
	h ^= h >> 13
	return float32(float64(h)/(1<<31) - 1)
}

func TestAssumptionsAreSaid(t *testing.T) {
	for file, tc := range map[string]struct {
		architecture string
		input        augment.Normalisation
		said         []string
	}{
		"moco.zip.pth.tar":       {"a ResNet of [2 1] blocks with the stem for ImageNet", ImageNet, []string{"ImageNet's mean", "the queue is that of training"}},
		"supervised.safetensors": {"a ResNet of [1 2] blocks with the stem for CIFAR", CIFAR, []string{"stride of 1 and no max-pool", "fc, from 8 to 10, is a classifier", "embeddings are the 8 features", "CIFAR-10's mean"}},
	} {
		e, r, err := Import("testdata/"+file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(r.Assumed, "\n")
		for _, want := range tc.said {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not said in %q", file, want, r.Assumed)
			}
		}
		if r.Architecture != tc.architecture || e.Input != tc.input {
			t.Errorf("%s: %s, %v", file, r.Architecture, e.Input)
		}
	}
	own := augment.Normalisation{Mean: [3]float32{0, 0, 0}, Std: [3]float32{1, 1, 1}}
	e, r, err := Import("testdata/moco.zip.pth.tar", Options{Input: &own, Size: 64})
	if err != nil || e.Input != own || e.Config.Size != 64 || strings.Contains(strings.Join(r.Assumed, "\n"), "mean") {
		t.Errorf("%v, %d, %q, %v", e.Input, e.Config.Size, r.Assumed, err)
	}
}

func TestArchitecturesOfTheField(t *testing.T) {
	for want, c := range map[string]encoder.Config{"ResNet-18 with the stem for CIFAR": encoder.ResNet18(32, 128), "ResNet-50 with the stem for ImageNet": encoder.ResNet50(224, 128)} {
		if got := Architecture(c); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// filled is a ResNet in a file, with the numbers of testdata/make.py behind these prefixes.
func filled(t *testing.T, c encoder.Config, prefix string, beside map[string]safetensors.Tensor) string {
	t.Helper()
	f, at := safetensors.File{Tensors: beside}, uint32(0)
	for _, x := range c.Torch() {
		values := make([]float32, x.Len())
		scale := math.Sqrt(6 / float64(x.Len()/x.Shape[0]))
		for i := range values {
			switch v := float64(formula(at)); {
			case len(x.Shape) > 1:
				values[i] = float32(v * scale)
			case strings.HasSuffix(x.Name, "running_var") || strings.HasSuffix(x.Name, "weight"):
				values[i] = float32(v/2 + 1)
			default:
				values[i] = float32(v / 2)
			}
			at++
		}
		f.Tensors[prefix+x.Name] = safetensors.Tensor{Shape: x.Shape, Float32: values}
	}
	data, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "filled.safetensors")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestFullResNet18: MoCo's for CIFAR-10 embeds as PyTorch's does, and torchvision's for ImageNet is known for what it is.
func TestFullResNet18(t *testing.T) {
	counter := safetensors.Tensor{Shape: []int{}, Int32: []int32{3}}
	e, r, err := Import(filled(t, encoder.ResNet18(32, 128), "module.encoder_q.", map[string]safetensors.Tensor{"module.encoder_q.bn1.num_batches_tracked": counter}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Architecture != "ResNet-18 with the stem for CIFAR" || r.Parameters != 11_168_832+512*128+128 || r.Taken != 102 || r.Embedding != 128 || len(r.LeftOut) > 0 {
		t.Errorf("%+v", r)
	}
	m, err := e.On(backendtest.Go(t), 32)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	embeddings, err := m.Embeddings(images(32))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "embeddings", embeddings, expected(t, "testdata/expected.json")["full18"].Embedding)

	supervised := encoder.ResNet18(224, 1000)
	supervised.StemKind = encoder.ImageNetStem
	e, r, err = Import(filled(t, supervised, "", map[string]safetensors.Tensor{}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Architecture != "ResNet-18 with the stem for ImageNet" || r.Parameters != 11_176_512 || r.Taken != 100 || r.Features != 512 || r.Embedding != 512 || e.Config.Size != 224 || !slices.Equal(r.LeftOut, []string{"fc.bias", "fc.weight"}) {
		t.Errorf("%+v", r)
	}
}

// TestFullResNet50: MoCo v2's, as PyTorch here saves and embeds it.
func TestFullResNet50(t *testing.T) {
	if testing.Short() {
		t.Skip("XLA compiles ResNet-50")
	}
	if out, err := exec.Command("python3", "-c", "import torch, torchvision, safetensors").CombinedOutput(); err != nil {
		backendtest.NoPeer(t, "python3 has no torch, torchvision and safetensors: %v %s", err, out)
	}
	d := backendtest.Open(t, backendtest.XLA(t), 2)
	dir := t.TempDir()
	_, err := exec.Command("python3", "testdata/make.py", dir).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("%v: %s", err, exit.Stderr)
	}
	e, r, err := Import(filepath.Join(dir, "moco.pth.tar"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := encoder.ResNet50(224, 128); Architecture(e.Config) != "ResNet-50 with the stem for ImageNet" || r.Parameters != 27_966_656 || e.Config.Hidden != want.Hidden || len(r.LeftOut) > 0 {
		t.Errorf("%+v", r)
	}
	var want outputs
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err == nil {
		err = json.Unmarshal(text, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	check(t, e, d, 224, want)
}
