package encoder

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/nn"
)

// What is held against PyTorch: networks of ResNet-50's kind and of ResNet-18's that differ from these in their sizes
// alone, and so small that all their numbers are in testdata/resnet.json; and the two themselves, by digests.
var (
	narrow = map[string]Config{
		"ResNet-50": {
			Size: 32, Stem: []int{4}, StemKind: ImageNetStem, Hidden: 8, Dim: 6, Init: TorchInit,
			Stages: []Stage{{Blocks: 2, Width: 4, Out: 16, Stride: 1}, {Blocks: 1, Width: 6, Out: 24, Stride: 2}},
		},
		"ResNet-18": {
			Size: 16, Stem: []int{6}, StemKind: CIFARStem, Dim: 6, Init: TorchInit,
			Stages: []Stage{{Blocks: 1, Width: 6, Out: 6, Stride: 1, Basic: true}, {Blocks: 2, Width: 8, Out: 8, Stride: 2, Basic: true}},
		},
	}
	full = map[string]Config{"ResNet-50": ResNet50(224, 128), "ResNet-18": ResNet18(32, 128)}
)

// torchNumbers is testdata/resnet.json, which testdata/resnet.py makes.
type torchNumbers struct {
	Narrow map[string]struct {
		Tensors   []string // the state_dict, in its order
		Evaluated struct{ Features, Embedding []float32 }
		Trained   []float32
		// Gradients of the sum of the embedding times objective, and running statistics after the step.
		Gradients, Statistics map[string][]float32
	}
	Full map[string]struct {
		Parameters          int
		Features, Embedding digest
	}
}

// digest is a vector's mean and norm, with ten of its values.
type digest struct {
	Mean, Norm float64
	Values     []float32
}

func digestOf(x []float32) (d digest) {
	for _, v := range x {
		d.Mean += float64(v) / float64(len(x))
		d.Norm += float64(v) * float64(v)
	}
	d.Norm = math.Sqrt(d.Norm)
	for i := range 10 {
		d.Values = append(d.Values, x[i*(len(x)/10)])
	}
	return d
}

func pytorch(t *testing.T) (n torchNumbers) {
	t.Helper()
	text, err := os.ReadFile("testdata/resnet.json")
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// numbers are n in [-1, 1), of a hash of a counter: those of testdata/resnet.py.
func numbers(start uint32, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		h := (start + uint32(i)) * 2654435761
		h = (h ^ h>>15) * 2246822519
		h ^= h >> 13
		out[i] = float64(h)/(1<<31) - 1
	}
	return out
}

// Where the numbers of images and objective begin; those of the tensors begin at 0.
const (
	imageNumbers     = 1 << 30
	colourNumbers    = 1 << 31
	objectiveNumbers = 3 << 30
)

func float32sOf(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

// filled is an encoder whose tensors have their numbers, in the order of PyTorch's state_dict.
func filled(t *testing.T, device nn.Device, c Config) Model {
	t.Helper()
	values, at := map[string][]float32{}, 0
	for _, x := range c.Torch() {
		size := x.Len()
		all := numbers(uint32(at), size)
		at += size
		for i := range all {
			switch {
			case len(x.Shape) > 1:
				all[i] *= math.Sqrt(6 / float64(size/x.Shape[0]))
			case strings.HasSuffix(x.Name, "running_var") || strings.HasSuffix(x.Name, "weight"):
				all[i] = all[i]/2 + 1
			default:
				all[i] /= 2
			}
		}
		values[x.Name] = float32sOf(all)
	}
	m, err := New(device, c).Load(values, augment.Own)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// pictures are n images [n, size, size, 3]: noise on an 8x8 pattern of colours.
func pictures(n, size int) *tensors.Tensor {
	noise, colours := numbers(imageNumbers, n*3*size*size), numbers(colourNumbers, n*3*8*8)
	var out []float32
	for i := range n {
		for y := range size {
			for x := range size {
				for c := range 3 {
					plane := i*3 + c
					colour := colours[(plane*8+y*8/size)*8+x*8/size]
					out = append(out, float32(noise[(plane*size+y)*size+x]/2+colour))
				}
			}
		}
	}
	return tensors.FromFlatDataAndDimensions(out, n, size, size, 3)
}

// call runs a graph of images, parameters and running statistics.
func (m Model) call(t *testing.T, what string, images *tensors.Tensor, graph func(images *Node, params, stats []*Node) []*Node) (out [][]float32) {
	t.Helper()
	program, err := m.device.Program(func(in []*Node) []*Node {
		images, params := nn.Take(&in, 1)[0], nn.Take(&in, len(m.Params))
		return graph(images, params, in)
	}, what, m.Config)
	if err != nil {
		t.Fatal(err)
	}
	results, err := program.Run([]*tensors.Tensor{images}, m.Params, m.Stats)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range results {
		if x.DType() != dtypes.Float32 {
			t.Fatalf("%s: a result of %s", what, x.DType())
		}
		out = append(out, nn.Values(x))
	}
	return out
}

// evaluated are features and embeddings with the running statistics.
func (m Model) evaluated(t *testing.T, images *tensors.Tensor) (features, embedding []float32) {
	t.Helper()
	out := m.call(t, "evaluated", images, func(images *Node, params, stats []*Node) []*Node {
		a := m.apply(params, stats)
		features := m.backbone().Apply(a, ConvertDType(images, a.DType))
		embedding, _ := normalise(float32s(m.head().Apply(a, features)))
		return []*Node{float32s(features), embedding}
	})
	return out[0], out[1]
}

// step is a pass of training with the gradients of an objective, [batch, Dim]: the embedding, then gradients and
// running statistics by their names in PyTorch and in its layout.
type step struct {
	embedding             []float32
	gradients, statistics map[string][]float32
}

func (m Model) named(out [][]float32) step {
	s, ours := step{out[0], map[string][]float32{}, map[string][]float32{}}, map[string][]float32{}
	for i, p := range slices.Concat(m.Encoder.Params, m.Encoder.Stats) {
		ours[p.Name] = out[1+i]
	}
	for _, x := range m.Torch() {
		if x.Stat {
			s.statistics[x.Name] = x.ToTorch(ours[x.Ours])
		} else {
			s.gradients[x.Name] = x.ToTorch(ours[x.Ours])
		}
	}
	return s
}

func (m Model) objective(g *Graph, batch int) *Node {
	return Const(g, tensors.FromFlatDataAndDimensions(float32sOf(numbers(objectiveNumbers, batch*m.Dim)), batch, m.Dim))
}

// applied is a step by Apply.
func (m Model) applied(t *testing.T, images *tensors.Tensor) step {
	t.Helper()
	return m.named(m.call(t, "applied", images, func(images *Node, params, stats []*Node) []*Node {
		pass := m.Apply(params, stats, images, 1)
		loss := ReduceAllSum(Mul(pass.Embedding, m.objective(images.Graph(), images.Shape().Dim(0))))
		return slices.Concat([]*Node{pass.Embedding}, Gradient(loss, params...), pass.Stats)
	}))
}

// taped is a step by Forward and Backward.
func (m Model) taped(t *testing.T, images *tensors.Tensor) step {
	t.Helper()
	return m.named(m.call(t, "taped", images, func(images *Node, params, stats []*Node) []*Node {
		pass := m.Forward(params, stats, InsertAxes(TransposeAllAxes(images, 3, 0, 1, 2), 0), true)
		gradients := m.Backward(params, pass.Tape, pass.Embedding, m.objective(images.Graph(), images.Shape().Dim(0)))
		return slices.Concat([]*Node{pass.Embedding}, gradients, pass.Stats)
	}))
}

// near: no number differs by more than a share of the largest.
func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d numbers, want %d", what, len(got), len(want))
		return
	}
	var largest, worst float64
	for i := range want {
		largest = max(largest, math.Abs(float64(want[i])))
		worst = max(worst, math.Abs(float64(got[i])-float64(want[i]))) // NaN stays
	}
	if !(worst <= tolerance*largest) {
		t.Errorf("%s: differs by %.2g where the largest is %.2g; %.1g of that is allowed", what, worst, largest, tolerance)
	}
}

func (s step) near(t *testing.T, what string, embedding []float32, gradients, statistics map[string][]float32, tolerance float64) {
	t.Helper()
	near(t, what+": embedding", s.embedding, embedding, tolerance)
	if len(s.gradients) != len(gradients) || len(s.statistics) != len(statistics) {
		t.Errorf("%s: %d gradients and %d statistics, want %d and %d", what, len(s.gradients), len(s.statistics), len(gradients), len(statistics))
	}
	for name, want := range gradients {
		near(t, what+": gradient of "+name, s.gradients[name], want, tolerance)
	}
	for name, want := range statistics {
		near(t, what+": "+name, s.statistics[name], want, tolerance)
	}
}

// TestNarrowResNetsAreThoseOfPyTorch: features and embeddings with running statistics; embeddings with those of the
// batch, the gradients of every parameter, and the running statistics after.
func TestNarrowResNetsAreThoseOfPyTorch(t *testing.T) {
	const tolerance = 5e-5
	want := pytorch(t)
	backendtest.Each(t, func(t *testing.T, d nn.Device) {
		for name, c := range narrow {
			m, want := filled(t, d, c), want.Narrow[name]
			images := pictures(4, c.Size)
			features, embedding := m.evaluated(t, images)
			near(t, name+": features", features, want.Evaluated.Features, tolerance)
			near(t, name+": embedding", embedding, want.Evaluated.Embedding, tolerance)
			m.applied(t, images).near(t, name+" applied", want.Trained, want.Gradients, want.Statistics, tolerance)
			if !m.Applied() {
				m.taped(t, images).near(t, name+" taped", want.Trained, want.Gradients, want.Statistics, tolerance)
			}
			m.Close()
		}
	})
}

// TestTensorsStandInPyTorchsOrder: the numbers of the other tests depend on it.
func TestTensorsStandInPyTorchsOrder(t *testing.T) {
	want := pytorch(t)
	for name, c := range narrow {
		var got []string
		for _, x := range c.Torch() {
			got = append(got, x.Name)
		}
		if !slices.Equal(got, want.Narrow[name].Tensors) {
			t.Errorf("%s: %v, want %v", name, got, want.Narrow[name].Tensors)
		}
	}
}

// TestResNetsAreThoseOfPyTorch: in full size, with running statistics.
func TestResNetsAreThoseOfPyTorch(t *testing.T) {
	if testing.Short() {
		t.Skip("XLA compiles ResNet-50")
	}
	want := pytorch(t)
	d := backendtest.Open(t, backendtest.XLA(t), 2)
	for name, c := range full {
		m := filled(t, d, c)
		features, embedding := m.evaluated(t, pictures(2, c.Size))
		m.Close()
		for what, pair := range map[string][2]digest{
			"features":  {digestOf(features), want.Full[name].Features},
			"embedding": {digestOf(embedding), want.Full[name].Embedding},
		} {
			got, want := pair[0], pair[1]
			near(t, fmt.Sprintf("%s: values of the %s", name, what), got.Values, want.Values, 1e-4)
			size := math.Sqrt(float64(2 * c.Dim))
			if what == "features" {
				size = math.Sqrt(float64(2 * c.Features()))
			}
			if !(math.Abs(got.Norm/want.Norm-1) < 1e-4) || !(math.Abs(got.Mean-want.Mean) < 1e-4*want.Norm/size) {
				t.Errorf("%s: %s of mean %g and norm %g, want %g and %g", name, what, got.Mean, got.Norm, want.Mean, want.Norm)
			}
		}
	}
}

// TestParameterCounts: those of torchvision's networks without their classifier, and of MoCo's encoders.
func TestParameterCounts(t *testing.T) {
	want := pytorch(t)
	for name, count := range map[string]struct{ backbone, tensors int }{
		"ResNet-50": {23_508_032, 159},
		"ResNet-18": {11_168_832, 60},
	} {
		c := full[name]
		if got := c.backbone().Params(); size(got) != count.backbone || len(got) != count.tensors {
			t.Errorf("%s: %d parameters in %d tensors before the head, want %d in %d", name, size(got), len(got), count.backbone, count.tensors)
		}
		if got := size(New(nn.Device{}, c).Params); got != want.Full[name].Parameters {
			t.Errorf("%s: %d parameters, want PyTorch's %d", name, got, want.Full[name].Parameters)
		}
	}
	if got := want.Full["ResNet-50"].Parameters; got != 27_966_656 {
		t.Errorf("MoCo v2's encoder has 27,966,656 parameters, PyTorch's %d", got)
	}
}

func size(params []nn.Param) (n int) {
	for _, p := range params {
		n += p.Size()
	}
	return n
}

// TestBFloat16StaysNearFloat32: embeddings and running statistics to the two or three digits that bfloat16 has, and
// gradients in their direction. Activations alone are bfloat16: call reads nothing but float32.
func TestBFloat16StaysNearFloat32(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, d nn.Device) {
		for name, c := range narrow {
			run := func(p Precision) (s step, evaluated []float32) {
				c.Precision = p
				m := filled(t, d, c)
				defer m.Close()
				images := pictures(4, c.Size)
				_, evaluated = m.evaluated(t, images)
				return m.applied(t, images), evaluated
			}
			want, evaluated := run("")
			got, rounded := run(BFloat16)
			near(t, name+": embedding with running statistics", rounded, evaluated, 0.01)
			near(t, name+": embedding", got.embedding, want.embedding, 0.025)
			for x, s := range want.statistics {
				near(t, name+": "+x, got.statistics[x], s, 0.003)
			}
			for x, g := range want.gradients {
				if similar := cosine(got.gradients[x], g); !(similar > 0.93) {
					t.Errorf("%s: the gradient of %s has a cosine of %.3f with float32's", name, x, similar)
				}
			}
			if slices.Equal(got.embedding, want.embedding) {
				t.Errorf("%s: bfloat16 computes what float32 computes", name)
			}
		}
	})
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}
