package nn

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
)

// Apply is the context of a pass through layers in the terms of a compiler: activations are [batch, height, width,
// channels], convolutions and sums are the backend's own, and gradients are derived from the graph.
type Apply struct {
	// Train selects batch statistics, those of each of so many Groups of the batch; otherwise running ones are used, and
	// Groups is 1.
	Train  bool
	Groups int
	// DType is that of the activations and of the weights that meet them. Statistics are float32 whatever it is.
	DType dtypes.DType
	// CPU makes matrix products of those convolutions that are ones, or nearly, which is quicker on a CPU - on a GPU
	// convolutions have kernels of their own - and takes products in float32 whatever DType is.
	CPU bool
	// NewStats collects the updated running statistics, in the order of Stats.
	NewStats []*Node

	params, stats []*Node
}

// NewApply starts a pass over parameters and running statistics in layer order.
func NewApply(params, stats []*Node) *Apply {
	return &Apply{Groups: 1, DType: dtypes.Float32, params: params, stats: stats}
}

func (a *Apply) param() *Node { return pop(&a.params, 0, "parameter") }
func (a *Apply) stat() *Node  { return pop(&a.stats, 0, "running statistic") }

// product contracts the last axis of x with that of w. On a CPU bfloat16 gains nothing, and up to compute v0.1.3 the go
// backend with AVX2 leaves out half of the terms of its products (avx2SmallBFloat16Transposed).
func (a *Apply) product(x, w *Node) *Node {
	if a.CPU {
		x, w = ConvertDType(x, dtypes.Float32), ConvertDType(w, dtypes.Float32)
	}
	return ConvertDType(DotGeneral(x, []int{x.Rank() - 1}, nil, w, []int{1}, nil), a.DType)
}

// Apply implements Layer.
func (s Sequential) Apply(a *Apply, x *Node) *Node {
	for _, l := range s {
		x = l.Apply(a, x)
	}
	return x
}

// Apply implements Layer.
func (r Residual) Apply(a *Apply, x *Node) *Node {
	y, skip := r.Body.Apply(a, x), x
	if r.Shortcut != nil {
		skip = r.Shortcut.Apply(a, x)
	}
	return rectify(Add(y, skip))
}

// Apply implements Layer: from [batch, In] to [batch, Out].
func (l Linear) Apply(a *Apply, x *Node) *Node {
	w, bias := ConvertDType(a.param(), a.DType), ConvertDType(a.param(), a.DType)
	y := Add(a.product(x, w), Reshape(bias, 1, l.Out))
	if l.ReLU {
		y = rectify(y)
	}
	return y
}

// Apply implements Layer: from [batch, Size, Size, Channels] to [batch, Channels].
func (GlobalAveragePool) Apply(a *Apply, x *Node) *Node {
	return ConvertDType(ReduceMean(ConvertDType(x, dtypes.Float32), 1, 2), a.DType)
}

// Apply implements Layer.
func (c ConvNorm) Apply(a *Apply, x *Node) *Node {
	w, scale, shift := ConvertDType(a.param(), a.DType), a.param(), a.param()
	runMean, runVar := a.stat(), a.stat()
	y := ConvertDType(c.convolution(a, x, w), dtypes.Float32)
	d, groups := y.Shape().Dimensions, a.Groups
	y = Reshape(y, groups, d[0]/groups, d[1], d[2], d[3])
	row := func(x *Node) *Node { return Reshape(x, -1, 1, 1, 1, c.Out) }
	mean, inv := row(runMean), row(inverseDeviation(runVar))
	if a.Train {
		mean = ReduceAndKeep(y, ReduceMean, 1, 2, 3)
		centred := Sub(y, mean)
		variance := ReduceAndKeep(Mul(centred, centred), ReduceMean, 1, 2, 3)
		column := func(x *Node) *Node { return StopGradient(Reshape(x, groups, c.Out, 1)) }
		count := float64(d[0] / groups * d[1] * d[2])
		a.NewStats = append(a.NewStats, follow(runMean, column(mean), 1), follow(runVar, column(variance), count/(count-1)))
		inv = inverseDeviation(variance)
	}
	y = Add(Mul(Sub(y, mean), Mul(inv, row(scale))), row(shift))
	if c.ReLU {
		y = rectify(y)
	}
	return ConvertDType(Reshape(y, d...), a.DType)
}

// convolution maps x [batch, h, w, In] to [batch, h/Stride, w/Stride, Out] with weights as Params has them.
func (c ConvNorm) convolution(a *Apply, x, w *Node) *Node {
	switch {
	case a.CPU && c.Kernel == 1:
		return a.product(strided(x, c.Stride), w)
	case a.CPU && c.NoInputGrad && c.Kernel == 3:
		return a.product(c.neighbourhoods(x), w)
	}
	pad := (c.Kernel - 1) / 2
	kernel := TransposeAllAxes(Reshape(w, c.Out, c.Kernel, c.Kernel, c.In), 1, 2, 3, 0)
	return Convolve(x, kernel).Strides(c.Stride).PaddingPerDim([][2]int{{pad, pad}, {pad, pad}}).Done()
}

// neighbourhoods are what each place of the output reads, [batch, h/Stride, w/Stride, Kernel*Kernel*In]: where few
// channels come in, one product on them is quicker than a convolution.
func (c ConvNorm) neighbourhoods(x *Node) *Node {
	pad := (c.Kernel - 1) / 2
	border := PadAxis{Start: pad, End: pad}
	padded := Pad(x, ScalarZero(x.Graph(), x.DType()), PadAxis{}, border, border, PadAxis{})
	h, w := x.Shape().Dimensions[1], x.Shape().Dimensions[2]
	var taps []*Node
	for dy := range c.Kernel {
		for dx := range c.Kernel {
			seen := Slice(padded, AxisRange(), AxisRange(dy, dy+h), AxisRange(dx, dx+w), AxisRange())
			taps = append(taps, strided(seen, c.Stride))
		}
	}
	return Concatenate(taps, 3)
}

// strided takes every so many rows and columns of x [batch, h, w, channels].
func strided(x *Node, stride int) *Node {
	if stride == 1 {
		return x
	}
	return Slice(x, AxisRange(), AxisRange().Stride(stride), AxisRange().Stride(stride), AxisRange())
}

// rectify is ReLU, whose gradient at 0 is 0.
func rectify(x *Node) *Node {
	zero := ZerosLike(x)
	return Where(GreaterThan(x, zero), x, zero)
}

// StemPool is the max-pool of ResNet's stem: 3x3 windows, two pixels apart.
type StemPool struct{}

func (StemPool) Params() []Param { return nil }
func (StemPool) Stats() []Param  { return nil }

// Forward and Backward there are none: an encoder with this layer needs Apply.
func (StemPool) Forward(*Forward, *Node) *Node   { panic("nn: StemPool has only Apply") }
func (StemPool) Backward(*Backward, *Node) *Node { panic("nn: StemPool has only Apply") }

// Apply implements Layer: from [batch, h, w, channels] to [batch, h/2, w/2, channels].
func (StemPool) Apply(_ *Apply, x *Node) *Node {
	return MaxPool(x).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
}
