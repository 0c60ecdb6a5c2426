package encoder

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/bench/rng"
)

// Version is that of the numbers of an untrained encoder: it rises when a seed gives other weights, or weights
// other features.
const Version = 1

// Model is an encoder with its weights: what is probed and analysed.
type Model struct {
	*Encoder
	Params, Stats []*tensors.Tensor
	// Input is how images are normalised before they are mapped.
	Input augment.Normalisation
}

// Initial draws the weights from the seed: all methods start from the same.
func (e *Encoder) Initial(seed uint64) Model {
	random := rng.Stream(seed, rng.Init)
	draw := func(params []nn.Param) (values []*tensors.Tensor) {
		for _, p := range params {
			values = append(values, tensors.FromFlatDataAndDimensions(p.Init(random), p.Dims...))
		}
		return values
	}
	return Model{Encoder: e, Params: draw(e.Params), Stats: draw(e.Stats), Input: augment.Own}
}

// Untrained is the encoder as initialised, the floor under all that is trained.
func Untrained(device nn.Device, c Config, seed uint64) (Model, error) {
	if err := c.Validate(); err != nil {
		return Model{}, err
	}
	return New(device, c).Initial(seed), nil
}

// Close releases the weights.
func (m Model) Close() { nn.Release(m.Params, m.Stats) }

// mapBatch is the number of images that are mapped at once: few enough for the caches.
const mapBatch = 50

// Features maps a split through the backbone, with the running statistics, to pooled features, in the order of
// the images. Of images that are larger than the encoder's input it sees the centre.
func (m Model) Features(split dataset.Split) (probe.Set, error) {
	dim := m.Config.Features()
	values, err := m.mapped(split, "features", dim, m.backbone(), func(x *Node) *Node { return x })
	return probe.Set{Dim: dim, Values: values, Labels: split.Labels}, err
}

// Embeddings maps a split through the whole encoder, with the running statistics, to the space in which
// negatives are ranked: rows of unit length, [Len, Embedding()], in the order of the images.
func (m Model) Embeddings(split dataset.Split) ([]float32, error) {
	return m.mapped(split, "embeddings", m.Embedding(), m.layers, func(x *Node) *Node {
		unit, _ := normalise(x)
		return unit
	})
}

// mapped is what layers and then finish, a map of [batch, dim], make of a split, [Len, dim].
func (m Model) mapped(split dataset.Split, what string, dim int, layers nn.Layer, finish func(*Node) *Node) ([]float32, error) {
	e := m.Encoder
	program, err := e.device.Program(func(in []*Node) []*Node {
		images, params := nn.Take(&in, 1)[0], nn.Take(&in, len(e.Params))
		if e.Applied() {
			a := e.apply(params, in)
			images = Reshape(TransposeAllAxes(images, 0, 2, 3, 4, 1), -1, e.Size, e.Size, dataset.Channels)
			return []*Node{finish(float32s(layers.Apply(a, ConvertDType(images, a.DType))))}
		}
		return []*Node{finish(Transpose(layers.Forward(nn.NewForward(params, in), images), 0, 1))}
	}, what, e.Config, e.Applied())
	if err != nil {
		return nil, err
	}
	all := make([]float32, split.Len()*dim)
	viewer, batch, image := augment.NewViewer(augment.Config{}, split.Height, m.Size), augment.NewBatch(1, mapBatch, m.Size), split.Buffer()
	for start := 0; start < split.Len(); start += mapBatch {
		n := min(mapBatch, split.Len()-start)
		for i := range n {
			if err := split.Read(start+i, image); err != nil {
				return nil, err
			}
			viewer.Centre(batch, i, image, m.Input)
		}
		x := batch.Tensors()
		out, err := program.Run(x, m.Params, m.Stats)
		if err != nil {
			return nil, fmt.Errorf("mapping images: %w", err)
		}
		copy(all[start*dim:], nn.Values(out[0])[:n*dim])
		nn.Release(out, x)
	}
	return all, nil
}
