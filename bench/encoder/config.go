package encoder

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"github.com/cidbench/cidbench/bench/nn"
)

// Config sizes the network: a stem, stages of residual blocks with batch norm, global average pooling, and a head. The
// features that are probed are the pooled ones, before the head. ResNet18 and ResNet50 are those of the field.
type Config struct {
	// Size is the height and width of the images in pixels.
	Size int `json:"size"`
	// Stem holds the channels of each stem convolution, 3x3 and two pixels apart.
	Stem []int `json:"stem"`
	// StemKind replaces these by one convolution of Stem[0] channels: CIFARStem or ImageNetStem.
	StemKind StemKind `json:"stem_kind,omitempty"`
	Stages   []Stage  `json:"stages"`
	// Hidden and Dim are the widths of the head's hidden layer - MoCo v2's; 0: there is none, as in MoCo v1 - and of
	// the embedding. With both 0 there is no head, as in an encoder that came without its own: the embedding is of the
	// features, and nothing is trained so.
	Hidden int `json:"hidden"`
	Dim    int `json:"dim"`
	// Init is how weights are drawn: ours, or TorchInit.
	Init Init `json:"init,omitempty"`
	// Precision is that of activations and products: float32, or BFloat16 with weights, statistics and embeddings in
	// float32.
	Precision Precision `json:"precision,omitempty"`
}

// StemKind is what comes before the stages.
type StemKind string

// The stems of ResNets: 3x3 at every pixel, as for CIFAR; and 7x7 two pixels apart with a max-pool, as for ImageNet.
const (
	CIFARStem    StemKind = "cifar"
	ImageNetStem StemKind = "imagenet"
)

// Init is how weights are drawn. The zero value is He initialisation by what a convolution reads.
type Init string

// TorchInit has the variances of torchvision's ResNets: of convolutions by what they write, of linear layers a third of
// one over what they read. All are normal here, and biases begin at 0.
const TorchInit Init = "torch"

// Precision is that of activations.
type Precision string

// BFloat16 is that of mixed precision.
const BFloat16 Precision = "bfloat16"

// Stage is a run of residual blocks; the first has the stride.
type Stage struct {
	Blocks int `json:"blocks"`
	// Width is that of the 3x3 convolution, Out that of the block's output (ResNet-50: four times Width).
	Width  int `json:"width"`
	Out    int `json:"out"`
	Stride int `json:"stride"`
	// Basic blocks are two 3x3 convolutions, as in ResNet-18, where others are 1x1, 3x3, 1x1 with the stride in the
	// 3x3. Their Width is their Out.
	Basic bool `json:"basic,omitempty"`
}

// ResNet18 with the stem for images of 32 or 64 pixels, and MoCo v1's linear head, as in MoCo's CIFAR-10 notebook:
// 11,168,832 parameters before the head (torchvision's 11,176,512 have a 7x7 stem).
func ResNet18(size, dim int) Config {
	return Config{
		Size: size, Stem: []int{64}, StemKind: CIFARStem, Stages: stages(true, 1, []int{2, 2, 2, 2}),
		Dim: dim, Init: TorchInit,
	}
}

// ResNet50 as in MoCo v2 (github.com/facebookresearch/moco), with its MLP head: 23,508,032 parameters before the head,
// 27,966,656 with it at 128 dimensions.
func ResNet50(size, dim int) Config {
	return Config{
		Size: size, Stem: []int{64}, StemKind: ImageNetStem, Stages: stages(false, 4, []int{3, 4, 6, 3}),
		Hidden: 2048, Dim: dim, Init: TorchInit,
	}
}

func stages(basic bool, expansion int, blocks []int) (all []Stage) {
	for i, n := range blocks {
		s := Stage{Blocks: n, Width: 64 << i, Out: 64 << i * expansion, Stride: 2, Basic: basic}
		if i == 0 {
			s.Stride = 1
		}
		all = append(all, s)
	}
	return all
}

// Validate reports the first size that cannot be built.
func (c Config) Validate() error {
	if len(c.Stem) == 0 || len(c.Stages) == 0 {
		return errors.New("encoder: stem and stages must not be empty")
	}
	size := c.Size
	switch c.StemKind {
	case "":
		for range c.Stem {
			if size%2 != 0 {
				return fmt.Errorf("encoder: a stem convolution halves %d pixels", size)
			}
			size /= 2
		}
	case CIFARStem, ImageNetStem:
		if len(c.Stem) != 1 {
			return fmt.Errorf("encoder: stem_kind %s has one convolution, not %d", c.StemKind, len(c.Stem))
		}
		if c.StemKind == ImageNetStem {
			if size%4 != 0 {
				return fmt.Errorf("encoder: stem_kind %s quarters %d pixels", c.StemKind, size)
			}
			size /= 4
		}
	default:
		return fmt.Errorf("encoder: stem_kind %q is not %s or %s", c.StemKind, CIFARStem, ImageNetStem)
	}
	for i, s := range c.Stages {
		if s.Blocks < 1 || s.Width < 1 || s.Out < 1 || s.Stride != 1 && s.Stride != 2 {
			return fmt.Errorf("encoder: stage %d: blocks, width and out must be positive and stride 1 or 2", i)
		}
		if s.Basic && s.Width != s.Out {
			return fmt.Errorf("encoder: stage %d: the width of basic blocks is their out", i)
		}
		if size%s.Stride != 0 {
			return fmt.Errorf("encoder: stage %d halves %d pixels", i, size)
		}
		size /= s.Stride
	}
	switch {
	case size < 2:
		return fmt.Errorf("encoder: the last stage works on %dx%d pixels; 2x2 is the least", size, size)
	case c.Hidden < 0 || c.Dim < 0 || c.Hidden > 0 && c.Dim == 0:
		return errors.New("encoder: hidden and dim must not be negative, and a hidden layer needs a dim")
	case c.Init != "" && c.Init != TorchInit:
		return fmt.Errorf("encoder: init %q is not %s", c.Init, TorchInit)
	case c.Precision != "" && c.Precision != BFloat16:
		return fmt.Errorf("encoder: precision %q is not %s", c.Precision, BFloat16)
	}
	return nil
}

// Features is the width of the pooled features.
func (c Config) Features() int { return c.Stages[len(c.Stages)-1].Out }

// Embedding is the width of the embedding.
func (c Config) Embedding() int { return cmp.Or(c.Dim, c.Features()) }

// compiled says whether only nn.Layer.Apply can run the network.
func (c Config) compiled() bool { return c.StemKind == ImageNetStem || c.Precision != "" }

// conv is a convolution with its initialisation.
func (c Config) conv(in, out, kernel, stride int, relu bool) nn.ConvNorm {
	layer := nn.ConvNorm{In: in, Out: out, Kernel: kernel, Stride: stride, ReLU: relu}
	if c.Init == TorchInit {
		layer.Std = math.Sqrt(2 / float64(kernel*kernel*out))
	}
	return layer
}

func (c Config) linear(in, out int, relu bool) nn.Linear {
	layer := nn.Linear{In: in, Out: out, ReLU: relu}
	if c.Init == TorchInit {
		layer.Std = math.Sqrt(1 / (3 * float64(in)))
	}
	return layer
}

// stem is what sees the images, with the size of what it gives.
func (c Config) stem() (net nn.Sequential, size int) {
	first := func(kernel, stride int) nn.ConvNorm {
		layer := c.conv(3, c.Stem[0], kernel, stride, true)
		layer.NoInputGrad = true
		return layer
	}
	switch c.StemKind {
	case CIFARStem:
		return nn.Sequential{first(3, 1)}, c.Size
	case ImageNetStem:
		return nn.Sequential{first(7, 2), nn.StemPool{}}, c.Size / 4
	}
	net, size = nn.Sequential{first(3, 2)}, c.Size/2
	for i, out := range c.Stem[1:] {
		net, size = append(net, c.conv(c.Stem[i], out, 3, 2, true)), size/2
	}
	return net, size
}

// backbone maps images to pooled features.
func (c Config) backbone() nn.Sequential {
	net, size := c.stem()
	in := c.Stem[len(c.Stem)-1]
	for _, s := range c.Stages {
		for i := range s.Blocks {
			stride := 1
			if i == 0 {
				stride = s.Stride
			}
			net = append(net, c.block(s, in, stride))
			in, size = s.Out, size/stride
		}
	}
	return append(net, nn.GlobalAveragePool{Channels: in, Size: size})
}

// head maps pooled features to the embedding, not yet normalised.
func (c Config) head() nn.Sequential {
	switch {
	case c.Dim == 0:
		return nil
	case c.Hidden == 0:
		return nn.Sequential{c.linear(c.Features(), c.Dim, false)}
	}
	return nn.Sequential{c.linear(c.Features(), c.Hidden, true), c.linear(c.Hidden, c.Dim, false)}
}

func (c Config) block(s Stage, in, stride int) nn.Layer {
	body := nn.Sequential{
		c.conv(in, s.Width, 1, 1, true),
		c.conv(s.Width, s.Width, 3, stride, true),
		c.conv(s.Width, s.Out, 1, 1, false),
	}
	if s.Basic {
		body = nn.Sequential{c.conv(in, s.Width, 3, stride, true), c.conv(s.Width, s.Out, 3, 1, false)}
	}
	block := nn.Residual{Body: body}
	if in != s.Out || stride != 1 {
		block.Shortcut = c.conv(in, s.Out, 1, stride, false)
	}
	return block
}
