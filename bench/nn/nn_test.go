package nn

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"
)

func random(rng *rand.Rand, dims ...int) *tensors.Tensor {
	n := 1
	for _, d := range dims {
		n *= d
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(v, dims...)
}

func flat(t testing.TB, x *tensors.Tensor) []float32 {
	t.Helper()
	var out []float32
	x.MustConstFlatData(func(v any) { out = append(out, v.([]float32)...) })
	return out
}

// layers under test, with the shape of their input.
var layers = []struct {
	name  string
	layer Layer
	in    []int
}{
	{"1x1 folded", ConvNorm{In: 3, Out: 5, Kernel: 1, Stride: 1}, []int{2, 3, 4, 4, 4}},
	{"1x1 folded relu", ConvNorm{In: 3, Out: 5, Kernel: 1, Stride: 1, ReLU: true}, []int{2, 3, 4, 4, 4}},
	{"1x1 folded stride 2", ConvNorm{In: 3, Out: 5, Kernel: 1, Stride: 2}, []int{2, 3, 4, 4, 4}},
	{"1x1 direct", ConvNorm{In: 20, Out: 3, Kernel: 1, Stride: 1, ReLU: true}, []int{2, 20, 3, 4, 4}},
	{"1x1 direct stride 2", ConvNorm{In: 20, Out: 3, Kernel: 1, Stride: 2}, []int{1, 20, 3, 4, 4}},
	{"3x3", ConvNorm{In: 3, Out: 5, Kernel: 3, Stride: 1}, []int{2, 3, 4, 4, 6}},
	{"3x3 relu", ConvNorm{In: 3, Out: 5, Kernel: 3, Stride: 1, ReLU: true}, []int{1, 3, 4, 4, 6}},
	{"3x3 stride 2", ConvNorm{In: 3, Out: 5, Kernel: 3, Stride: 2}, []int{2, 3, 4, 6, 4}},
	{"linear", Linear{In: 6, Out: 4}, []int{6, 4}},
	{"linear relu", Linear{In: 6, Out: 4, ReLU: true}, []int{6, 4}},
	{"pool", GlobalAveragePool{Channels: 3, Size: 3}, []int{2, 3, 4, 3, 3}},
	{"residual identity", Residual{Body: ConvNorm{In: 3, Out: 3, Kernel: 3, Stride: 1}}, []int{2, 3, 4, 4, 4}},
	{"residual projection", Residual{
		Body:     Sequential{ConvNorm{In: 3, Out: 4, Kernel: 3, Stride: 2, ReLU: true}, ConvNorm{In: 4, Out: 5, Kernel: 1, Stride: 1}},
		Shortcut: ConvNorm{In: 3, Out: 5, Kernel: 1, Stride: 2},
	}, []int{2, 3, 4, 4, 4}},
}

// run builds forward (and, given dy, backward) in one graph and returns the output and the new running statistics, or dx
// and the gradients of the parameters.
func run(t testing.TB, l Layer, x *tensors.Tensor, params, stats []*tensors.Tensor, dy *tensors.Tensor) []*tensors.Tensor {
	t.Helper()
	args := []any{x}
	for _, p := range append(append([]*tensors.Tensor{}, params...), stats...) {
		args = append(args, p)
	}
	if dy != nil {
		args = append(args, dy)
	}
	e, err := NewExec(backend(), func(in []*Node) []*Node {
		p := in[1 : 1+len(params)]
		f := NewForward(p, in[1+len(params):1+len(params)+len(stats)])
		f.Train, f.Record = true, true
		y := l.Forward(f, in[0])
		if dy == nil {
			return append([]*Node{y}, f.NewStats...)
		}
		b := NewBackward(p, f.Tape)
		dx := l.Backward(b, in[len(in)-1])
		return append([]*Node{dx}, b.Grads()...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Finalize()
	out, err := e.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func draw(rng *rand.Rand, declared []Param) (out []*tensors.Tensor) {
	for _, p := range declared {
		x := random(rng, p.Dims...)
		out = append(out, x)
	}
	return out
}

func compare(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range got {
		if math.Abs(float64(got[i]-want[i])) > tolerance*(1+math.Abs(float64(want[i]))) {
			t.Fatalf("%s[%d] = %g, want %g", what, i, got[i], want[i])
		}
	}
}

// TestGradientsNumerically compares every gradient with central differences of sum(y dy).
func TestGradientsNumerically(t *testing.T) {
	for _, c := range layers {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 3))
			x := random(rng, c.in...)
			params, stats := draw(rng, c.layer.Params()), draw(rng, c.layer.Stats())
			y := run(t, c.layer, x, params, stats, nil)[0]
			dy := random(rng, y.Shape().Dimensions...)
			weights := flat(t, dy)
			got := run(t, c.layer, x, params, stats, dy)

			objective := func() float64 {
				sum := 0.0
				for i, v := range flat(t, run(t, c.layer, x, params, stats, nil)[0]) {
					sum += float64(v) * float64(weights[i])
				}
				return sum
			}
			const step = 1e-3
			for which, input := range append([]*tensors.Tensor{x}, params...) {
				gradient := flat(t, got[which])
				wrong, size := 0.0, 1e-6
				for range 12 {
					i := rng.IntN(len(gradient))
					at := func(d float32) float64 {
						input.MustMutableFlatData(func(v any) { v.([]float32)[i] += d })
						defer input.MustMutableFlatData(func(v any) { v.([]float32)[i] -= d })
						return objective()
					}
					want := (at(step) - at(-step)) / (2 * step)
					wrong += (want - float64(gradient[i])) * (want - float64(gradient[i]))
					size += want * want
				}
				// A ReLU may switch inside the step, and float32 differences are rough: 8% of the norm.
				if off := math.Sqrt(wrong / size); !(off < 0.08) {
					t.Errorf("input %d: gradients are off by %.1f%% of their norm", which, 100*off)
				}
			}
		})
	}
}

// definition is ConvNorm in training, written as plain loops in double precision.
func definition(c ConvNorm, in []int, x, w, scale, shift []float32) []float32 {
	groups, n, h, wd := in[0], in[2], in[3], in[4]
	oh, ow, pad := h/c.Stride, wd/c.Stride, (c.Kernel-1)/2
	out := make([]float32, groups*c.Out*n*oh*ow)
	for g := range groups {
		for o := range c.Out {
			raw := make([]float64, 0, n*oh*ow)
			for i := range n {
				for y := range oh {
					for z := range ow {
						sum := 0.0
						for ky := range c.Kernel {
							for kx := range c.Kernel {
								for ci := range c.In {
									yy, zz := y*c.Stride+ky-pad, z*c.Stride+kx-pad
									if yy < 0 || yy >= h || zz < 0 || zz >= wd {
										continue
									}
									sum += float64(w[o*c.reads()+(ky*c.Kernel+kx)*c.In+ci]) * float64(x[(((g*c.In+ci)*n+i)*h+yy)*wd+zz])
								}
							}
						}
						raw = append(raw, sum)
					}
				}
			}
			mean, variance := 0.0, 0.0
			for _, v := range raw {
				mean += v / float64(len(raw))
			}
			for _, v := range raw {
				variance += (v - mean) * (v - mean) / float64(len(raw))
			}
			for i, v := range raw {
				z := (v-mean)/math.Sqrt(variance+1e-5)*float64(scale[o]) + float64(shift[o])
				if c.ReLU {
					z = max(z, 0)
				}
				out[(g*c.Out+o)*len(raw)+i] = float32(z)
			}
		}
	}
	return out
}

func TestConvNormAgainstLoops(t *testing.T) {
	folded, direct := 0, 0
	for _, c := range layers {
		layer, ok := c.layer.(ConvNorm)
		if !ok {
			continue
		}
		if layer.folded() {
			folded++
		} else {
			direct++
		}
		rng := rand.New(rand.NewPCG(3, 4))
		x := random(rng, c.in...)
		params, stats := draw(rng, layer.Params()), draw(rng, layer.Stats())
		want := definition(layer, c.in, flat(t, x), flat(t, params[0]), flat(t, params[1]), flat(t, params[2]))
		compare(t, c.name, flat(t, run(t, layer, x, params, stats, nil)[0]), want, 1e-4)
	}
	if folded == 0 || direct == 0 {
		t.Errorf("%d folded and %d direct layers: both must be tested", folded, direct)
	}
}

// TestRunningStatistics checks both ways by hand, with two groups, and that evaluation uses them.
func TestRunningStatistics(t *testing.T) {
	for _, c := range []ConvNorm{{In: 1, Out: 1, Kernel: 1, Stride: 1}, {In: 11, Out: 1, Kernel: 1, Stride: 1}} {
		x := make([]float32, 2*c.In*2) // [2 groups, In, 2 images, 1, 1], all but the first channel zero
		copy(x, []float32{1, 3})
		copy(x[c.In*2:], []float32{10, 20})
		weight := make([]float32, c.In)
		weight[0] = 1
		e, err := NewExec(backend(), func(in []*Node) []*Node {
			g := in[0].Graph()
			pass := func(train bool) (*Node, []*Node) {
				f := NewForward([]*Node{in[1], ones(g, 1, 1), zeros(g, 1, 1)}, []*Node{zeros(g, 1, 1), ones(g, 1, 1)})
				f.Train = train
				return c.Forward(f, in[0]), f.NewStats
			}
			y, stats := pass(true)
			eval, none := pass(false)
			if len(none) != 0 {
				t.Error("evaluation changes the running statistics")
			}
			return append([]*Node{y, eval}, stats...)
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Call(tensors.FromFlatDataAndDimensions(x, 2, c.In, 2, 1, 1), tensors.FromFlatDataAndDimensions(weight, 1, c.In))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, "normalised", flat(t, out[0]), []float32{-1, 1, -1, 1}, 1e-4)
		compare(t, "evaluated", flat(t, out[1]), []float32{1, 3, 10, 20}, 1e-4)
		// Group means 2 and 15; unbiased variances 2 and 50; momentum 0.1 from 0 and 1.
		compare(t, "running mean", flat(t, out[2]), []float32{0.85}, 1e-5)
		compare(t, "running variance", flat(t, out[3]), []float32{0.9 + 2.6}, 1e-5)
		e.Finalize()
	}
}

// backend runs operations one after the other: see backend.Backend.
var backend = sync.OnceValue(func() compute.Backend {
	b, err := gobackend.New("ops_sequential")
	if err != nil {
		panic(err)
	}
	return b
})
