package study

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/embeddings"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/encoderfile"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// Trial says with what an encoder is tried.
type Trial struct {
	Encoder string // a file that encoderfile.Open reads
	// Set is a data set by its name, or a path, which is imported at the encoder's size unless a set of its name is there.
	Set string
	// Images are taken of each split at most, spread over the classes; 0: all.
	Images  int
	Backend string // as backend.Choose takes it
	Threads int    // 0: one for each processor
	ImportOptions
}

// Probed is how good an encoder's features are.
type Probed struct {
	Encoder      string         `json:"encoder"`
	Digest       string         `json:"digest"` // of its file
	Architecture string         `json:"architecture"`
	Dataset      string         `json:"dataset"`
	Data         string         `json:"datasetDigest"`
	Size         int            `json:"size"` // pixels
	Features     int            `json:"features"`
	Train        int            `json:"train"` // images
	Classes      int            `json:"classes"`
	Protocol     string         `json:"protocol"`
	Backend      string         `json:"backend"`
	Accuracy     probe.Accuracy `json:"accuracy"`
}

// Probe measures the accuracy of a linear classifier and of nearest neighbours on the encoder's features. Errors:
// UsageError; those of encoderfile.Open, of Data.Import and of reading the set.
func (d Data) Probe(ctx context.Context, t Trial, p probe.Protocol) (*Probed, error) {
	var out *Probed
	err := d.try(ctx, t, func(s subject) error {
		train, test := s.data.Train.Sample(t.Images), s.data.Test.Sample(t.Images)
		t.say("mapping %d training and %d test images", train.Len(), test.Len())
		sample := *s.data
		sample.Train, sample.Test = train, test
		out = &Probed{
			Encoder: filepath.Base(t.Encoder), Digest: s.digest, Architecture: encoderfile.Architecture(s.model.Config), Dataset: s.data.Name, Data: s.identity,
			Size: s.data.Height, Features: s.model.Config.Features(), Train: train.Len(), Classes: len(s.data.Classes), Protocol: p.ID(), Backend: s.backend.String(),
		}
		var err error
		out.Accuracy, err = p.Probe(ctx, s.model.Device(), probe.Subject{
			Features: s.model.Features, Embeddings: s.model.Embeddings, Data: &sample, Side: s.data.Height, Threads: t.threads(),
		})
		return err
	})
	return out, err
}

// AnalyzeEncoder is embeddings.Analyze of what the encoder makes of the training images, with the set's own class tree.
// Errors: as of Probe; embeddings.InputError.
func (d Data) AnalyzeEncoder(ctx context.Context, t Trial, r embeddings.Request) (*embeddings.Result, error) {
	var out *embeddings.Result
	err := d.try(ctx, t, func(s subject) error {
		images := s.data.Train.Sample(t.Images)
		if images.Len() > embeddings.MostRows {
			images = images.Sample(embeddings.MostRows)
		}
		t.say("mapping %d training images", images.Len())
		values, err := s.model.Embeddings(images.Until(ctx))
		if err != nil {
			return err
		}
		r.Threads = t.threads()
		r.Rows = &embeddings.Rows{
			From: []embeddings.File{
				{Role: "encoder", Name: filepath.Base(t.Encoder), Digest: s.digest},
				{Role: "images", Name: s.data.Name, Digest: s.identity, Shape: []int{images.Len(), images.Height, images.Width, dataset.Channels}},
			},
			Dim: s.model.Embedding(), Values: values, Labels: images.Labels, Classes: s.data.Classes,
		}
		if hasMeaning(s.data.Tree, len(s.data.Classes)) {
			r.Rows.Tree = s.data.Tree
		}
		out, err = embeddings.Analyze(ctx, r)
		return err
	})
	return out, err
}

// subject is an encoder on a device with the images that it is tried on.
type subject struct {
	model            encoder.Model
	data             *dataset.Dataset
	backend          backend.Backend
	digest, identity string // of the encoder's file, and of the images
}

func (t Trial) threads() int {
	if t.Threads > 0 {
		return t.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// try opens what a trial needs, has it used, and closes it.
func (d Data) try(ctx context.Context, t Trial, use func(subject) error) (err error) {
	if t.Images < 0 {
		return UsageError{errors.New("--images cannot be negative")}
	}
	if err := CheckWorkers("--threads", t.Threads); err != nil {
		return err
	}
	e, err := encoderfile.Open(t.Encoder)
	if err != nil {
		return err
	}
	var s subject
	if s.digest, err = dataset.FileDigest(t.Encoder); err != nil {
		return err
	}
	if t.Side == 0 {
		t.Side = e.Config.Size
	}
	source, err := d.source(ctx, t.Set, t.ImportOptions)
	if err != nil {
		return err
	}
	if s.data, err = source.Open(d.Dir); err != nil {
		return err
	}
	s.identity = source.Digest
	if s.data.Height != s.data.Width {
		return UsageError{fmt.Errorf("--data %s: images of %dx%d pixels, where square ones are wanted", t.Set, s.data.Width, s.data.Height)}
	}
	if s.data.Height != e.Config.Size {
		t.say("the encoder was trained on images of %d pixels, and these have %d", e.Config.Size, s.data.Height)
	}
	t.say("images are normalised by mean %v and std %v", e.Input.Mean, e.Input.Std)
	if s.backend, err = backend.Choose(ctx, t.Backend); err != nil {
		return UsageError{err}
	}
	if s.backend.Note != "" {
		t.say("%s", s.backend.Note)
	}
	devices, err := s.backend.Open(1, t.threads())
	if err != nil {
		return fmt.Errorf("backend %s: %w", s.backend, err)
	}
	device, err := devices.Take()
	if err != nil {
		return fmt.Errorf("backend %s: %w", s.backend, err)
	}
	defer devices.Give(device)
	if s.model, err = e.On(device, s.data.Height); err != nil {
		return UsageError{fmt.Errorf("--encoder %s, --data %s: %w", t.Encoder, t.Set, err)}
	}
	defer s.model.Close()
	return use(s)
}

// source is a set that the program draws, or one that is imported.
func (d Data) source(ctx context.Context, data string, o ImportOptions) (*dataset.Source, error) {
	if s := d.Catalogue.Dataset(data); s != nil && s.Import == nil {
		return s, nil
	}
	x, err := d.imported(ctx, data, o)
	if err != nil {
		return nil, err
	}
	return x.Source(), nil
}

// hasMeaning says whether a tree has more than its root above the classes.
func hasMeaning(tree taxonomy.Tree, classes int) bool {
	for label := range classes {
		if taxonomy.Superclass(tree, label) != 0 {
			return true
		}
	}
	return false
}
