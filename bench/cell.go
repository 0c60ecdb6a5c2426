package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gomlx/compute"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
)

// checkpointEvent is the kind of the events from which a run resumes.
const checkpointEvent = "checkpoint"

// checkpoint is the data of such an event: all that a run needs to go on.
type checkpoint struct {
	Step  int                 `json:"step"`
	State registry.Descriptor `json:"state"`
	// Series holds the metrics of the steps before.
	Series registry.Descriptor `json:"series"`
	// Curve and Kept are the probes and the declared checkpoints so far.
	Curve []CurvePoint                   `json:"curve,omitempty"`
	Kept  map[string]registry.Descriptor `json:"kept,omitempty"`
	// WallSeconds and Joules are the time and energy spent so far, over all attempts; Resumed is the number
	// of resumptions.
	WallSeconds float64 `json:"wallSeconds"`
	Joules      float64 `json:"joules,omitempty"`
	Resumed     int     `json:"resumed"`
}

// run is a cell being computed.
type run struct {
	spec     Spec
	id       string
	reg      *registry.Registry
	data     *dataset.Dataset
	backend  compute.Backend
	protocol probe.Protocol
	threads  int
	progress func(step int)

	before checkpoint // what earlier attempts left
	start  time.Time
	energy *meter
	check  checkpoint
	series []method.Metrics
}

// compute trains and probes as the spec says, from the last checkpoint if there is one, and returns what
// goes into the manifest. A cancelled context leaves a checkpoint of the step reached.
func (r *run) compute(ctx context.Context) (Result, map[string]registry.Descriptor, error) {
	training := r.spec.Training
	switch training.Features {
	case Pixels:
		accuracy, err := r.probe(pixels)
		return Result{Accuracy: accuracy}, nil, err
	case Untrained:
		model, err := encoder.Untrained(r.backend, *training.Encoder, r.spec.Seed)
		if err != nil {
			return Result{}, nil, err
		}
		defer model.Close()
		accuracy, err := r.probe(model.Features)
		return Result{Accuracy: accuracy}, nil, err
	}
	trainer, err := training.Config.New(method.Start{Backend: r.backend, Rules: training.Rules, Data: r.data, Seed: r.spec.Seed, Threads: r.threads})
	if err != nil {
		return Result{}, nil, err
	}
	defer trainer.Close()
	if err := r.resume(ctx, trainer); err != nil {
		return Result{}, nil, err
	}
	for trainer.Step() < training.Steps() {
		next := trainer.Step() + 1
		m, err := trainer.Advance(ctx, next == 1 || next%training.BandEvery == 0)
		if ctx.Err() != nil {
			// Not cancelled: the state must still be written.
			return Result{}, nil, errors.Join(ctx.Err(), r.save(context.WithoutCancel(ctx), trainer))
		}
		if err != nil {
			return Result{}, nil, err
		}
		r.series = append(r.series, m)
		r.progress(next)
		if slices.Contains(training.Checkpoints, next) {
			if err := r.keep(ctx, trainer); err != nil {
				return Result{}, nil, err
			}
		}
	}
	result := Result{Curve: r.check.Curve, Progress: progressOf(r.series), Loss: finalLoss(r.series), Bands: lateBands(r.series)}
	result.Accuracy = result.Curve[len(result.Curve)-1].Accuracy
	artifacts := map[string]registry.Descriptor{SeriesArtifact: r.check.Series}
	for name, d := range r.check.Kept {
		artifacts[name] = d
	}
	return result, artifacts, nil
}

// resume restores the newest checkpoint that is whole; a damaged one is passed over for the one before.
func (r *run) resume(ctx context.Context, trainer method.Trainer) error {
	var checkpoints []checkpoint
	for event, err := range r.reg.Events(ctx, r.id) {
		if errors.Is(err, registry.ErrCorrupt) {
			continue
		} else if err != nil {
			return err
		}
		var c checkpoint
		if event.Kind == checkpointEvent && json.Unmarshal(event.Data, &c) == nil {
			checkpoints = append(checkpoints, c)
		}
	}
	slices.SortStableFunc(checkpoints, func(a, b checkpoint) int { return b.Step - a.Step })
	for _, c := range checkpoints {
		err := r.restore(ctx, trainer, c)
		if errors.Is(err, registry.ErrUnavailable) || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if err == nil {
			r.before, r.check = c, c
			r.check.Resumed++
			return nil
		}
	}
	return nil
}

func (r *run) restore(ctx context.Context, trainer method.Trainer, c checkpoint) error {
	text, err := r.reg.Blob(ctx, c.Series)
	if err != nil {
		return err
	}
	series, err := DecodeSeries(text)
	if err != nil {
		return err
	}
	if len(series) != c.Step {
		return fmt.Errorf("a series of %d steps at step %d", len(series), c.Step)
	}
	for _, kept := range c.Kept {
		if ok, err := r.reg.HasBlob(ctx, kept); err != nil || !ok {
			return errors.Join(err, fmt.Errorf("checkpoint %s is gone", kept.Digest))
		}
	}
	state, err := r.reg.Blob(ctx, c.State)
	if err != nil {
		return err
	}
	r.series = series
	return trainer.Restore(state)
}

// keep probes the state at a declared checkpoint and stores both.
func (r *run) keep(ctx context.Context, trainer method.Trainer) error {
	accuracy, err := r.probe(trainer.Features)
	if err != nil {
		return err
	}
	r.check.Curve = append(r.check.Curve, CurvePoint{Step: trainer.Step(), Accuracy: accuracy})
	state, err := r.put(ctx, trainer)
	if err != nil {
		return err
	}
	kept := map[string]registry.Descriptor{CheckpointName(trainer.Step()): state}
	for name, d := range r.check.Kept {
		kept[name] = d
	}
	r.check.Kept = kept
	return r.record(ctx, trainer.Step(), state)
}

// save stores the state wherever it is, to resume from.
func (r *run) save(ctx context.Context, trainer method.Trainer) error {
	if trainer.Step() == r.check.Step {
		return nil // nothing new
	}
	state, err := r.put(ctx, trainer)
	if err != nil {
		return err
	}
	return r.record(ctx, trainer.Step(), state)
}

func (r *run) put(ctx context.Context, trainer method.Trainer) (registry.Descriptor, error) {
	state, err := trainer.Save()
	if err != nil {
		return registry.Descriptor{}, err
	}
	return r.reg.PutBlob(ctx, CheckpointType, state)
}

// record appends the event; blobs are stored before what refers to them.
func (r *run) record(ctx context.Context, step int, state registry.Descriptor) error {
	series, err := r.reg.PutBlob(ctx, SeriesType, encodeSeries(r.series))
	if err != nil {
		return err
	}
	r.check.Step, r.check.State, r.check.Series = step, state, series
	r.check.WallSeconds, r.check.Joules = r.wall().Seconds(), r.joules()
	_, err = r.reg.Append(ctx, r.id, checkpointEvent, r.check)
	return err
}

func (r *run) wall() time.Duration {
	return time.Duration(r.before.WallSeconds*float64(time.Second)) + time.Since(r.start)
}

func (r *run) joules() float64 { return r.before.Joules + r.energy.joules() }

func (r *run) probe(features func(dataset.Split) (probe.Set, error)) (probe.Accuracy, error) {
	train, err := features(r.data.Train)
	if err != nil {
		return probe.Accuracy{}, err
	}
	test, err := features(r.data.Test)
	if err != nil {
		return probe.Accuracy{}, err
	}
	return r.protocol.Run(r.backend, train, test, len(r.data.Classes))
}

// pixels are images at half resolution (means of 2x2 pixels), as features.
func pixels(split dataset.Split) (probe.Set, error) {
	h, w := split.Height/2, split.Width/2
	set := probe.Set{Dim: h * w * dataset.Channels, Labels: split.Labels}
	image := split.Buffer()
	for i := range split.Len() {
		if err := split.Read(i, image); err != nil {
			return set, err
		}
		for y := range h {
			for x := range w {
				for c := range dataset.Channels {
					sum := 0
					for _, at := range [4][2]int{{0, 0}, {0, 1}, {1, 0}, {1, 1}} {
						sum += int(image[((2*y+at[0])*split.Width+2*x+at[1])*dataset.Channels+c])
					}
					set.Values = append(set.Values, float32(sum))
				}
			}
		}
	}
	return set, nil
}
