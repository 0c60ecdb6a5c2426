package encoderfile

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/safetensors"
	"github.com/cidbench/cidbench/bench/tensorfile"
)

// How the field normalises the images of its encoders: torchvision's reference training and MoCo v2 those of ImageNet,
// MoCo's notebook those of CIFAR-10.
var (
	ImageNet = augment.Normalisation{Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225}}
	CIFAR    = augment.Normalisation{Mean: [3]float32{0.4914, 0.4822, 0.4465}, Std: [3]float32{0.2023, 0.1994, 0.2010}}
)

// Head says what becomes of a checkpoint's fc.
type Head string

// The heads. AutoHead takes an MLP, and a linear layer of MoCo's encoders; that of another network is a classifier.
const (
	AutoHead Head = "auto"
	TakeHead Head = "fc"
	NoHead   Head = "none"
)

// Options say what of a checkpoint is wanted.
type Options struct {
	// Prefix is that of the encoder's names; empty: it is found. Momentum takes that of the keys, where there are two.
	Prefix   string
	Momentum bool
	Head     Head // empty: AutoHead
	// Size is that of the images of training, in pixels; 0: 224 for the stem of ImageNet, 32 for that of CIFAR.
	Size int
	// Input is how images are normalised; nil: as ImageNet's or CIFAR-10's, by the stem.
	Input *augment.Normalisation
}

// Report says what became of a checkpoint.
type Report struct {
	File         string `json:"file"`
	Digest       string `json:"digest"`
	Format       string `json:"format"`
	Prefix       string `json:"prefix"`
	Architecture string `json:"architecture"`
	Parameters   int    `json:"parameters"`
	Features     int    `json:"features"`
	Embedding    int    `json:"embedding"`
	// Negatives is the length of the queue that came along, 0 without one.
	Negatives int `json:"negatives"`
	// Taken are the tensors of the encoder. LeftOut are those beside them that have no place in it, by name.
	Taken   int      `json:"taken"`
	LeftOut []string `json:"leftOut"`
	// Assumed are sentences on what the file does not say.
	Assumed []string `json:"assumed"`
}

// Import reads a ResNet from a checkpoint: of PyTorch, safetensors or npz, with the names of torchvision behind any prefix,
// or those of a torch.nn.Sequential of its children. The architecture is that of names and shapes. Errors: ErrFormat,
// with the name of what does not fit; those of tensorfile.Open.
func Import(path string, o Options) (*Encoder, *Report, error) {
	f, err := tensorfile.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	e, r, err := importFrom(f, info.Size(), o)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.Digest, err = dataset.FileDigest(path); err != nil {
		return nil, nil, err
	}
	r.File = filepath.Base(path)
	e.Metadata = map[string]string{"from": r.File, "from_digest": r.Digest, "prefix": r.Prefix, "architecture": r.Architecture}
	return e, r, nil
}

// importFrom imports from a file of so many bytes.
func importFrom(f *tensorfile.File, size int64, o Options) (*Encoder, *Report, error) {
	if f.Metadata[configKey] != "" && f.Metadata[meanKey] != "" {
		return nil, nil, fmt.Errorf("%w: import-encoder or export-encoder wrote it: probe and analyze take it as it is", ErrFormat)
	}
	chosen, err := choose(f.Names(), o)
	if err != nil {
		return nil, nil, err
	}
	tensors := chosen.tensors(f)
	e := &Encoder{Beside: map[string]safetensors.Tensor{}}
	r := &Report{Format: f.Format, Prefix: chosen.prefix}
	if e.Config, err = infer(tensors, chosen, o, r); err != nil {
		return nil, nil, chosen.named(err)
	}
	if err := e.fits(tensors, chosen, size); err != nil {
		return nil, nil, err
	}
	if err := e.take(tensors); err != nil {
		return nil, nil, chosen.named(err)
	}
	queue := chosen.queue(f)
	if queue != "" {
		e.takeQueue(f.Tensors[queue], size)
	}
	r.Architecture, r.Parameters, r.Taken = Architecture(e.Config), e.Parameters(), len(e.Weights)
	r.Features, r.Embedding = e.Config.Features(), e.Config.Embedding()
	if q, ok := e.Beside[Queue]; ok {
		r.Negatives = q.Shape[0]
		r.Assumed = append(r.Assumed, "the queue is that of training: embeddings of augmented views by the momentum encoder, of no known class")
	} else {
		queue = ""
	}
	r.LeftOut = e.leftOut(f, chosen, queue)
	e.Input = ImageNet
	of := "ImageNet's"
	if e.Config.StemKind == encoder.CIFARStem {
		e.Input, of = CIFAR, "CIFAR-10's"
	}
	if o.Input != nil {
		if err := CheckInput(*o.Input); err != nil {
			return nil, nil, err
		}
		e.Input = *o.Input
	} else {
		r.Assumed = append(r.Assumed, fmt.Sprintf("images are normalised by %s mean %v and std %v", of, e.Input.Mean, e.Input.Std))
	}
	return e, r, nil
}

// infer finds the network that has tensors of these names and shapes.
func infer(tensors map[string]*tensorfile.Tensor, chosen candidate, o Options, r *Report) (encoder.Config, error) {
	c := encoder.Config{Init: encoder.TorchInit}
	// out is the number of channels that a convolution gives.
	out := func(name string, kernels ...int) (int, int, error) {
		t := tensors[name]
		if t == nil {
			return 0, 0, fmt.Errorf("%w: there is no %s", ErrFormat, name)
		}
		if len(t.Shape) != 4 || t.Shape[0] < 1 || t.Shape[2] != t.Shape[3] || !slices.Contains(kernels, t.Shape[2]) {
			return 0, 0, fmt.Errorf("%w: %s has the shape %v, where a convolution of %v pixels is wanted: no ResNet", ErrFormat, name, t.Shape, kernels)
		}
		return t.Shape[0], t.Shape[2], nil
	}
	stem, kernel, err := out("conv1.weight", 3, 7)
	if err != nil {
		return c, err
	}
	c.Stem, c.StemKind, c.Size = []int{stem}, encoder.ImageNetStem, cmp.Or(o.Size, 224)
	switch {
	case kernel == 7 && chosen.style == withoutPool:
		return c, fmt.Errorf("%w: its stem is 7x7 without a max-pool", ErrFormat)
	case kernel == 3 && chosen.style == withPool:
		return c, fmt.Errorf("%w: its stem is 3x3 with a max-pool", ErrFormat)
	case kernel == 3:
		c.StemKind, c.Size = encoder.CIFARStem, cmp.Or(o.Size, 32)
		r.Assumed = append(r.Assumed, "the 3x3 stem has a stride of 1 and no max-pool, as in networks for CIFAR")
	}
	for {
		stage := fmt.Sprintf("layer%d.", len(c.Stages)+1)
		if tensors[stage+"0.conv1.weight"] == nil {
			break
		}
		s := encoder.Stage{Stride: min(len(c.Stages)+1, 2), Basic: tensors[stage+"0.conv3.weight"] == nil}
		for tensors[stage+strconv.Itoa(s.Blocks)+".conv1.weight"] != nil {
			s.Blocks++
		}
		last, narrow := "conv3.weight", 1
		if s.Basic {
			last, narrow = "conv2.weight", 3
		}
		var errs [2]error
		s.Width, _, errs[0] = out(stage+"0.conv1.weight", narrow)
		s.Out, _, errs[1] = out(stage+"0."+last, narrow)
		if err := errors.Join(errs[:]...); err != nil {
			return c, err
		}
		c.Stages = append(c.Stages, s)
	}
	c.Hidden, c.Dim = head(tensors, chosen, o, c.Features(), r)
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return c, nil
}

// head finds the widths of the head's hidden layer and of the embedding, 0 where there is none.
func head(tensors map[string]*tensorfile.Tensor, chosen candidate, o Options, features int, r *Report) (hidden, dim int) {
	wide := func(name string, in int) int {
		t := tensors[name]
		if t == nil || len(t.Shape) != 2 || in > 0 && t.Shape[1] != in {
			return 0
		}
		return t.Shape[0]
	}
	first, second := wide("fc.0.weight", features), wide("fc.2.weight", 0)
	linear := wide("fc.weight", features)
	classifier := linear > 0 && o.Head != TakeHead && !chosen.moco()
	switch {
	case o.Head == NoHead:
	case first > 0 && second > 0:
		return first, second
	case linear > 0 && !classifier:
		return 0, linear
	case classifier:
		r.Assumed = append(r.Assumed, fmt.Sprintf("fc, from %d to %d, is a classifier and no projection head (--head fc takes it)", features, linear))
	}
	r.Assumed = append(r.Assumed, fmt.Sprintf("there is no projection head: embeddings are the %d features, scaled to unit length", features))
	return 0, 0
}

// fits refuses networks with parts that a ResNet has not, and tensors that share so much of the file that they would take
// more memory than it has bytes.
func (e *Encoder) fits(tensors map[string]*tensorfile.Tensor, chosen candidate, size int64) error {
	want, total := map[string]bool{}, int64(0)
	for _, t := range e.Config.Torch() {
		want[t.Name] = true
		if given := tensors[t.Name]; given != nil {
			total += int64(given.Len())
		}
	}
	if total > size {
		return fmt.Errorf("%w: its tensors share their values: %d in %d bytes", ErrFormat, total, size)
	}
	var strange []string
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		part, _, _ := strings.Cut(name, ".")
		trunk := part == "conv1" || part == "bn1" || strings.HasPrefix(part, "layer")
		if trunk && !want[name] && !counter(name) {
			strange = append(strange, chosen.keys[name])
		}
	}
	if len(strange) > 0 {
		return fmt.Errorf("%w: %s has no %s: it is another network", ErrFormat, Architecture(e.Config), list(strange))
	}
	return nil
}

// counter says that a tensor is PyTorch's count of batches, which nothing here uses.
func counter(name string) bool { return strings.HasSuffix(name, ".num_batches_tracked") }

func variance(t encoder.TorchTensor) bool { return strings.HasSuffix(t.Name, ".running_var") }

// takeQueue takes a queue along, if it is one of the encoder's embeddings: MoCo keeps a negative a column.
func (e *Encoder) takeQueue(t *tensorfile.Tensor, size int64) {
	dim := e.Config.Embedding()
	if len(t.Shape) != 2 || int64(t.Len()) > size || t.Len() == 0 || !slices.Contains(t.Shape, dim) {
		return
	}
	if t.Shape[0] == dim {
		t = t.Transposed()
	}
	if values, err := t.Floats(); err == nil {
		e.Beside[Queue] = safetensors.Tensor{Shape: t.Shape, Float32: values}
	}
}

// leftOut names the tensors that were not taken. Those of another encoder and of an optimiser are one each.
func (e *Encoder) leftOut(f *tensorfile.File, chosen candidate, queue string) []string {
	taken := map[string]bool{queue: true}
	for name := range e.Weights {
		taken[chosen.keys[name]] = true
	}
	groups, names := map[string]int{}, []string{}
	own, _, nested := strings.Cut(chosen.prefix, "/")
	for _, key := range f.Names() {
		if taken[key] || counter(key) {
			continue
		}
		group := ""
		for _, other := range chosen.others {
			if strings.HasPrefix(key, other) && !strings.HasPrefix(chosen.prefix, other) && len(other) > len(group) {
				group = other
			}
		}
		if top, _, ok := strings.Cut(key, "/"); ok && group == "" && !(nested && top == own) {
			group = top + "/"
		}
		if group == "" {
			names = append(names, key)
		} else {
			groups[group]++
		}
	}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		names = append(names, fmt.Sprintf("%s* (%d tensors)", group, groups[group]))
	}
	return names
}

// Architecture is what the field calls a network.
func Architecture(c encoder.Config) string {
	layers, blocks := 2, []int{}
	bottlenecks := false
	for _, s := range c.Stages {
		each := 2
		if !s.Basic {
			each, bottlenecks = 3, true
		}
		layers += each * s.Blocks
		blocks = append(blocks, s.Blocks)
	}
	name := fmt.Sprintf("a ResNet of %v blocks", blocks)
	if at := slices.IndexFunc(named, func(n known) bool { return n.bottlenecks == bottlenecks && slices.Equal(n.blocks, blocks) }); at >= 0 {
		name = "ResNet-" + strconv.Itoa(layers)
	}
	switch c.StemKind {
	case encoder.CIFARStem:
		return name + " with the stem for CIFAR"
	case encoder.ImageNetStem:
		return name + " with the stem for ImageNet"
	}
	return name
}

type known struct {
	bottlenecks bool
	blocks      []int
}

var named = []known{{false, []int{2, 2, 2, 2}}, {false, []int{3, 4, 6, 3}}, {true, []int{3, 4, 6, 3}}, {true, []int{3, 4, 23, 3}}, {true, []int{3, 8, 36, 3}}}
