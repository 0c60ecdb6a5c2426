package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/probe"
)

// Memory is what one cell takes, an estimate from the shapes of its tensors.
type Memory struct {
	// Device is what the training takes where it runs; on a CPU that is the machine's memory too.
	Device []Part `json:"device"`
	// Host is what each cell takes of the machine's memory, Shared what all cells of a process take together.
	Host   []Part `json:"host"`
	Shared []Part `json:"shared"`
}

// Part is one thing that takes memory.
type Part struct {
	What  string `json:"what"`
	Bytes int64  `json:"bytes"`
}

// Bytes is the sum of parts.
func Bytes(parts []Part) (sum int64) {
	for _, p := range parts {
		sum += p.Bytes
	}
	return sum
}

// program is what a process takes that trains nothing: code, and what a compiler of graphs leaves.
const program = 200 << 20

// Memory estimates what a cell of the tier takes on images of an extent.
func (t *Tier) Memory(x dataset.Extent) Memory {
	s := t.Train.Scale()
	f, side, view := s.Encoder.Footprint(), int64(x.Side), int64(s.Encoder.Size)
	batch, queries, source, pixels := int64(s.Batch), int64(s.Queries), dataset.Channels*side*side, dataset.Channels*view*view
	number := int64(4) // bytes
	if s.Encoder.Precision == encoder.BFloat16 {
		number = 2
	}
	state := t.state()
	return Memory{
		Device: []Part{
			{"weights, velocities and queue, before a step and after", 2 * state},
			{"gradients", 4 * int64(f.Params)},
			{"activations", queries * int64(f.Activations) * number},
			{"the widest layer on its way back, and of the keys", 2 * queries * int64(f.Widest) * number},
			{"views", 2*batch*(source+4*pixels) + 4*batch*dataset.Channels*side*(side+view)},
			{"similarities and their ranking", 4 * 4 * queries * int64(s.Negatives)},
		},
		Host: []Part{
			{"batches of two steps", 4 * batch * max(source, 4*pixels)},
			{"a checkpoint and its file", 2 * state},
			{"the probe", t.probing(x)},
			{"embeddings to analyse", 2 * 4 * int64(x.Train) * int64(s.Encoder.Dim)},
			{"the series", 2 * t.series()},
		},
		Shared: slices.Concat([]Part{{"the program", program}}, resident(x)),
	}
}

// compiler is what a process of XLA's CPU plugin takes for the compiler and its code.
const compiler = 350 << 20

// CompiledForCPU adds what XLA takes on a CPU beside the tensors: its compiler, and patches for the gradients of
// convolutions. Measured (make bench): 2,102 MB of a process that trains ResNet-18 with batches of 64 and a queue of 65,536,
// where shapes give 1,060; 554 MB in the default tier, where they give 230.
func (m Memory) CompiledForCPU() Memory {
	m.Device = append(slices.Clone(m.Device), Part{"what XLA's code for a CPU takes beside", Bytes(m.Device)})
	m.Shared = append(slices.Clone(m.Shared), Part{"XLA's compiler", compiler})
	return m
}

// resident are images that are held in memory; imported ones are read through the page cache.
func resident(x dataset.Extent) []Part {
	if !x.Resident {
		return nil
	}
	return []Part{{"the images", dataset.Channels * int64(x.Side) * int64(x.Side) * int64(x.Train+x.Test)}}
}

// state is the length of a checkpoint, but for its header.
func (t *Tier) state() int64 {
	s := t.Train.Scale()
	f := s.Encoder.Footprint()
	return 4 * int64(s.Copies*f.Params+f.Stats+s.Beside)
}

// probing is what the probe holds at most: features in single and double precision with the scores of all classes, or of
// an Evaluation the test features and the views of two chunks; or afterwards embeddings in both, and as rows of unit
// length, with the cosines of some to all.
func (t *Tier) probing(x dataset.Extent) int64 {
	s := t.Train.Scale()
	features, view := int64(s.Encoder.Features()), int64(s.Encoder.Size)
	after := int64(0)
	if t.Probe.Weighted.Given() {
		after = 16*int64(s.Encoder.Embedding())*int64(x.Train+x.Test) + 4*probe.Chunk*int64(x.Train)
	}
	if e := t.Probe.SGD; e.Given() {
		return max(after, 4*features*int64(x.Test)+2*int64(e.Chunk())*(dataset.Channels*view*view+4*features))
	}
	return max(after, 12*features*int64(x.Train+x.Test)+4*int64(x.Train)*(features+2*int64(x.Classes)))
}

// The length of a step in a series, and of the bands that are measured at some; TestPriceIsWhatARunTakes holds them
// to runs.
const (
	seriesLine  = 115
	seriesBands = 680
)

// series is the length of the series of a training.
func (t *Tier) series() int64 {
	steps := int64(t.Train.Scale().Steps)
	return steps*seriesLine + (1+steps/int64(t.BandEvery))*seriesBands
}

// MemoryError says that there is too little memory for a tier.
type MemoryError struct {
	Tier, Where string // "the machine", "a GPU"
	Needs, Has  int64  // bytes
	Parts       []Part // of what one cell needs
	Advice      string
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("tier %s needs about %s of memory, and %s has %s: %s (an estimate from the shapes of its tensors; a cell's largest parts: %s)",
		e.Tier, Gigabytes(e.Needs), e.Where, Gigabytes(e.Has), e.Advice, Largest(e.Parts))
}

// Check says whether so many cells of a tier at a time fit into the memory of the machine, and each on a GPU, if it runs
// on one, into that GPU's; in bytes, 0 if that is not known. Errors: *MemoryError.
func (m Memory) Check(tier string, cells int, gpus bool, machine, gpu int64) error {
	cell := m.Host
	if gpus {
		if device := Bytes(m.Device); gpu > 0 && device > gpu {
			return &MemoryError{tier, "a GPU", device, gpu, m.Device, "take a larger one, or write a tier with a smaller batch or precision: bfloat16 (tier show)"}
		}
	} else {
		cell = slices.Concat(m.Device, m.Host)
	}
	shared, each := Bytes(m.Shared), Bytes(cell)
	needs := shared + int64(cells)*each
	if machine == 0 || needs <= machine {
		return nil
	}
	advice := "it fits on a larger one, or write a tier with a smaller batch (tier show)"
	if fit := (machine - shared) / each; fit > 0 {
		advice = fmt.Sprintf("give --parallel %d, for fewer cells at a time than %d", fit, cells)
	}
	return &MemoryError{tier, "the machine", needs, machine, cell, advice}
}

// Largest names the parts of more than a tenth of the whole, the largest first.
func Largest(parts []Part) string {
	parts, sum := slices.Clone(parts), Bytes(parts)
	slices.SortStableFunc(parts, func(a, b Part) int { return int(min(max(b.Bytes-a.Bytes, -1), 1)) })
	var named []string
	for _, p := range parts {
		if 10*p.Bytes >= sum {
			named = append(named, p.What+" "+Gigabytes(p.Bytes))
		}
	}
	return strings.Join(named, ", ")
}

// Gigabytes reads like "1.5 GB".
func Gigabytes(n int64) string { return fmt.Sprintf("%.3g GB", float64(n)/1e9) }
