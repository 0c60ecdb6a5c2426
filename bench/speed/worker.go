package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// Job is the first line that a worker or peer.py reads: what it is to work at until its input ends.
type Job struct {
	Train   moco.Config `json:"train"`
	Threads int         `json:"threads"`
	// Backend is a worker's --backend.
	Backend string `json:"backend,omitempty"`
	// Device is the peer's: cpu or cuda. Compile says whether it compiles encoders and views, Pillow whether pictures are
	// Pillow's in place of tensors.
	Device  string `json:"device,omitempty"`
	Compile bool   `json:"compile"`
	Pillow  bool   `json:"pillow,omitempty"`
	// Work is what it begins with, and what is compared.
	Work Request `json:"work"`
}

// Hello is the answer to it.
type Hello struct {
	Name  string  `json:"name"`
	First float64 `json:"first_ms"` // milliseconds of the first sample of the work
}

// Request asks for n samples of some work; peer.py does stepWork, checkWork, decodeWork and viewsWork.
type Request struct {
	Work string `json:"work"`
	N    int    `json:"n"`
	// Arm is what the negatives of the work see.
	Arm
	// File is what checkWork writes, or reads; for Pictures it is a picture, or the folder of an imported set.
	File string `json:"file,omitempty"`
	Pictures
	// Look asks for an Answer's Look, too.
	Look bool `json:"look,omitempty"`
}

// Arm is what changes from arm to arm.
type Arm struct {
	Rules       []negatives.Rule `json:"rules,omitempty"`
	Temperature float64          `json:"temperature,omitempty"` // 0: the job's
}

// The kinds of work.
const (
	stepWork     = "step"     // a step of training
	checkWork    = "check"    // the losses of the first steps
	contrastWork = "contrast" // products with the queue and the contrast, in a graph
	productsWork = "products" // products with the queue alone, in a graph
	hostWork     = "host"     // the contrast on the host
	viewsWork    = "views"    // the views of a batch as pixels
	recipesWork  = "recipes"  // and as recipes for a graph
	decodeWork   = "decode"   // a picture file, decoded and brought to a size
	readWork     = "read"     // images of a set by index
)

// Answer holds the milliseconds of each sample, of each part of it where a step has parts, or losses; or says what is wrong.
type Answer struct {
	MS     []float64            `json:"ms,omitempty"`
	Parts  map[string][]float64 `json:"parts,omitempty"`
	Losses []float64            `json:"losses,omitempty"`
	// Look is what the samples look like, on average, in levels of 0 to 255: what has to be the same on all sides.
	Look  []float64 `json:"look,omitempty"`
	Error string    `json:"error,omitempty"`
}

// worker is the cidbench side, in a process of its own.
type worker struct {
	Job
	device nn.Device
	data   *dataset.Dataset
	tasks  map[string]task
}

// task is prepared work. A call of do does it once and gives the milliseconds that it took; look, of pictures alone, says
// what came of it.
type task struct {
	do    func() (float64, error)
	parts map[string][]float64
	look  func() []float64
}

// seed is that of all that is drawn.
const seed = 1

// work reads a job and requests, and answers them, until the input ends.
func work(ctx context.Context, in io.Reader, out io.Writer) error {
	lines, answers := bufio.NewScanner(in), json.NewEncoder(out)
	w := worker{tasks: map[string]task{}}
	if !lines.Scan() {
		return errors.Join(errors.New("no job"), lines.Err())
	}
	if err := json.Unmarshal(lines.Bytes(), &w.Job); err != nil {
		return fmt.Errorf("job: %w", err)
	}
	hello, err := w.begin(ctx)
	if err != nil {
		return err
	}
	if err := answers.Encode(hello); err != nil {
		return err
	}
	for lines.Scan() {
		var request Request
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			return fmt.Errorf("request: %w", err)
		}
		answer, err := w.answer(ctx, request)
		if err != nil {
			answer.Error = err.Error()
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

// begin takes a device and does the first work.
func (w *worker) begin(ctx context.Context) (Hello, error) {
	w.Train.Steps = 1 << 20 // never at the end of the schedule
	chosen, err := backend.Choose(ctx, w.Backend)
	if err != nil {
		return Hello{}, err
	}
	devices, err := chosen.Open(1, w.Threads)
	if err != nil {
		return Hello{}, err
	}
	if w.device, err = devices.Take(); err != nil {
		return Hello{}, err
	}
	if w.data, err = images(max(1024, w.Train.Batch), w.Train.Encoder.Size); err != nil {
		return Hello{}, err
	}
	first, err := w.answer(ctx, w.Work.times(1))
	if err != nil {
		return Hello{}, err
	}
	_, err = w.answer(ctx, w.Work.times(4))
	return Hello{Name: "cidbench, " + chosen.String(), First: first.MS[0]}, err
}

// images are n glyphs of size pixels, a multiple of their own 32.
func images(n, size int) (*dataset.Dataset, error) {
	all, err := dataset.Glyphs(n, 0)("")
	if err != nil {
		return nil, err
	}
	if size < all.Height || size%all.Height != 0 {
		return nil, fmt.Errorf("images of %d pixels: glyphs can be made any multiple of %d", size, all.Height)
	}
	if factor := size / all.Height; factor > 1 {
		small, large := all.Train.Buffer(), make(dataset.Memory, 0, n*size*size*dataset.Channels)
		for i := range n {
			if err := all.Train.Read(i, small); err != nil {
				return nil, err
			}
			for y := range size {
				for x := range size {
					at := (y/factor*all.Width + x/factor) * dataset.Channels
					large = append(large, small[at:at+dataset.Channels]...)
				}
			}
		}
		all.Height, all.Width = size, size
		all.Train = dataset.Split{Reader: large, Labels: all.Train.Labels, Height: size, Width: size}
	}
	tree := dataset.GlyphTree()
	return &dataset.Dataset{Name: "glyphs", Images: all, Tree: tree, Classes: taxonomy.Classes(tree)}, nil
}

func (w *worker) answer(ctx context.Context, r Request) (a Answer, err error) {
	if r.Work == checkWork {
		a.Losses, err = w.check(ctx, r)
		return a, err
	}
	kind, n := r.times(0), float64(r.N)
	kind.Look = false
	key, err := json.Marshal(kind)
	if err != nil {
		return a, err
	}
	t, ok := w.tasks[string(key)]
	if !ok {
		if t, err = w.prepare(ctx, r); err != nil {
			return a, err
		}
		w.tasks[string(key)] = t
	}
	clear(t.parts)
	for range r.N {
		ms, err := t.do()
		if err != nil {
			return a, err
		}
		a.MS = append(a.MS, ms)
		if r.Look {
			for i, level := range t.look() {
				if i == len(a.Look) {
					a.Look = append(a.Look, 0)
				}
				a.Look[i] += level / n
			}
		}
	}
	a.Parts = t.parts
	return a, nil
}

func (w *worker) prepare(ctx context.Context, r Request) (task, error) {
	switch r.Work {
	case stepWork:
		return w.step(ctx, r.Arm)
	case contrastWork, productsWork:
		return w.graphContrast(r.Arm, r.Work == contrastWork)
	case hostWork:
		return w.hostContrast(r.Arm), nil
	case viewsWork, recipesWork:
		return w.views(r)
	case decodeWork:
		return decode(r)
	case readWork:
		return read(r)
	}
	return task{}, fmt.Errorf("unknown work %q", r.Work)
}

// trainer is a new training of an arm.
func (w *worker) trainer(arm Arm) (*moco.Trainer, error) {
	config := w.Train
	if arm.Temperature != 0 {
		config.Temperature = arm.Temperature
	}
	return moco.New(config, method.Start{Device: w.device, Rules: arm.Rules, Data: w.data, Seed: seed, Threads: w.Threads})
}

func (w *worker) step(ctx context.Context, arm Arm) (task, error) {
	trainer, err := w.trainer(arm)
	if err != nil {
		return task{}, err
	}
	t := task{parts: map[string][]float64{}}
	t.do = func() (float64, error) {
		last := time.Now()
		trainer.Clock = func(part string) {
			t.parts[part] = append(t.parts[part], since(last))
			last = time.Now()
		}
		start := last
		_, err := trainer.Advance(ctx, false)
		return since(start), err
	}
	return t, nil
}

func since(start time.Time) float64 { return time.Since(start).Seconds() * 1e3 }
