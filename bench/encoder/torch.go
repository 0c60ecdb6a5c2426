package encoder

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/nn"
)

// TorchTensor is a tensor of the encoder as PyTorch has it. Names are torchvision's, with MoCo's fc, so that those of
// ResNet18 and ResNet50 are those of MoCo's encoder_q; convolutions of a stem of several are conv1, conv2 and so on.
type TorchTensor struct {
	Name  string // such as layer1.0.conv1.weight
	Shape []int
	// Ours is the name among Encoder.Params or, for a Stat, Encoder.Stats.
	Ours string
	Stat bool

	taps int // of a convolution's kernel, which stand before the channels here and after them in PyTorch; else 1
}

// Torch lists the tensors of the encoder. PyTorch's batch norm also counts batches, which nothing here does.
func (c Config) Torch() (all []TorchTensor) {
	add := func(name, ours string, stat bool, shape ...int) {
		all = append(all, TorchTensor{Name: name, Shape: shape, Ours: ours, Stat: stat, taps: 1})
	}
	convNorm := func(conv, norm, ours string, l nn.ConvNorm) {
		add(conv+".weight", ours+".weight", false, l.Out, l.In, l.Kernel, l.Kernel)
		all[len(all)-1].taps = l.Kernel * l.Kernel
		add(norm+".weight", ours+".scale", false, l.Out)
		add(norm+".bias", ours+".shift", false, l.Out)
		add(norm+".running_mean", ours+".mean", true, l.Out)
		add(norm+".running_var", ours+".variance", true, l.Out)
	}
	stage, block, left := 0, 0, 0 // the next block of the network
	for i, layer := range c.backbone() {
		ours := fmt.Sprintf("0.%d", i)
		switch l := layer.(type) {
		case nn.ConvNorm:
			convNorm(fmt.Sprintf("conv%d", i+1), fmt.Sprintf("bn%d", i+1), ours, l)
		case nn.Residual:
			if left == 0 {
				stage, block, left = stage+1, 0, c.Stages[stage].Blocks
			}
			name := fmt.Sprintf("layer%d.%d", stage, block)
			block, left = block+1, left-1
			for j, conv := range l.Body.(nn.Sequential) {
				convNorm(fmt.Sprintf("%s.conv%d", name, j+1), fmt.Sprintf("%s.bn%d", name, j+1), fmt.Sprintf("%s.0.%d", ours, j), conv.(nn.ConvNorm))
			}
			if l.Shortcut != nil {
				convNorm(name+".downsample.0", name+".downsample.1", ours+".1", l.Shortcut.(nn.ConvNorm))
			}
		}
	}
	head := c.head()
	for i, layer := range head {
		l, name, ours := layer.(nn.Linear), "fc", fmt.Sprintf("1.%d", i)
		if len(head) > 1 {
			name = fmt.Sprintf("fc.%d", 2*i) // ReLU stands between
		}
		add(name+".weight", ours+".weight", false, l.Out, l.In)
		add(name+".bias", ours+".bias", false, l.Out)
	}
	return all
}

// Len is the number of values.
func (t TorchTensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// ToTorch lays values out as PyTorch does, and FromTorch as they are here.
func (t TorchTensor) ToTorch(values []float32) []float32 {
	return t.arrange(values, func(out []float32, ours, theirs int) { out[theirs] = values[ours] })
}

// FromTorch is the inverse of ToTorch.
func (t TorchTensor) FromTorch(values []float32) []float32 {
	return t.arrange(values, func(out []float32, ours, theirs int) { out[ours] = values[theirs] })
}

func (t TorchTensor) arrange(values []float32, move func(out []float32, ours, theirs int)) []float32 {
	out, channels := make([]float32, len(values)), 1
	if t.taps > 1 {
		channels = t.Shape[1]
	}
	for at := 0; at < len(values); at += t.taps * channels {
		for tap := range t.taps {
			for c := range channels {
				move(out, at+tap*channels+c, at+c*t.taps+tap)
			}
		}
	}
	return out
}

// Load takes weights by their names in PyTorch and in its layout, for images that are normalised so. Errors: a tensor is
// missing, or has not as many values as it should.
func (e *Encoder) Load(values map[string][]float32, input augment.Normalisation) (Model, error) {
	ours := map[string][]float32{}
	for _, t := range e.Torch() {
		if len(values[t.Name]) != t.Len() {
			return Model{}, fmt.Errorf("encoder: %s has %d values, not those of %v", t.Name, len(values[t.Name]), t.Shape)
		}
		ours[t.Ours] = t.FromTorch(values[t.Name])
	}
	load := func(params []nn.Param) (all []*tensors.Tensor) {
		for _, p := range params {
			all = append(all, tensors.FromFlatDataAndDimensions(ours[p.Name], p.Dims...))
		}
		return all
	}
	return Model{Encoder: e, Params: load(e.Params), Stats: load(e.Stats), Input: input}, nil
}
