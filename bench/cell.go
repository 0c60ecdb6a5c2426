package bench

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
)

// run is a cell being computed.
type run struct {
	*Runner
	attempt
	spec Spec
	id   string

	before checkpoint // what earlier attempts left
	check  checkpoint
	series []method.Metrics
}

// compute returns the manifest of a cell. A training that diverges is a failed run, and no error.
func (r *run) compute(ctx context.Context) (registry.Manifest, error) {
	result, artifacts, err := r.measure(ctx)
	m := registry.Manifest{Status: registry.Complete, Key: r.spec.Key(), Artifacts: artifacts}
	m.Provenance.WallSeconds, m.Provenance.Joules, m.Provenance.Resumed = r.before.WallSeconds, r.before.Joules, r.check.Resumed
	m.Provenance.Started = r.before.Started
	var diverged *method.DivergedError
	if errors.As(err, &diverged) || errors.Is(err, probe.ErrNotFinite) {
		m.Status, m.Reason = registry.Failed, err.Error()
		return m, nil
	} else if err != nil {
		return m, err
	}
	m.Result, err = json.Marshal(result)
	return m, err
}

// measure trains and probes as the spec says, from the last checkpoint if there is one, and returns what
// goes into the manifest. A cancelled context leaves a checkpoint of the step reached.
func (r *run) measure(ctx context.Context) (Result, map[string]registry.Descriptor, error) {
	training := r.spec.Training
	switch training.Features {
	case Pixels:
		accuracy, err := r.probe(pixels)
		return Result{Accuracy: accuracy}, nil, err
	case Untrained:
		model, err := encoder.Untrained(r.device, *training.Encoder, r.spec.Seed)
		if err != nil {
			return Result{}, nil, err
		}
		defer model.Close()
		accuracy, err := r.probe(model.Features)
		return Result{Accuracy: accuracy}, nil, err
	}
	trainer, err := r.begin(ctx)
	if err != nil {
		return Result{}, nil, err
	}
	defer trainer.Close()
	store := context.WithoutCancel(ctx) // what was reached must still be written
	saved := time.Now()
	for trainer.Step() < training.Steps() {
		if ctx.Err() != nil {
			return Result{}, nil, errors.Join(ctx.Err(), r.save(store, trainer, false))
		}
		next := trainer.Step() + 1
		m, err := trainer.Advance(ctx, next == 1 || next%training.BandEvery == 0)
		if err != nil && ctx.Err() != nil {
			continue // cancelled before the step
		}
		if err != nil {
			return Result{}, nil, err
		}
		r.series = append(r.series, m)
		r.observe(Event{Step: next, Loss: m.Loss})
		if slices.Contains(training.Checkpoints, next) {
			if err := r.save(store, trainer, true); err != nil {
				return Result{}, nil, err
			}
			saved = time.Now()
		} else if r.CheckpointEvery > 0 && time.Since(saved) >= r.CheckpointEvery {
			if err := r.save(store, trainer, false); err != nil {
				return Result{}, nil, err
			}
			saved = time.Now()
		}
	}
	result := Result{Curve: r.check.Curve, Progress: progressOf(r.series), Loss: finalLoss(r.series), Bands: lateBands(r.series)}
	result.Accuracy = result.Curve[len(result.Curve)-1].Accuracy
	artifacts := map[string]registry.Descriptor{SeriesArtifact: r.check.Series}
	maps.Copy(artifacts, r.check.Kept)
	return result, artifacts, nil
}

// save stores the state that a training has reached, to resume from; at a declared checkpoint it is probed too, and
// kept. Blobs are stored before the event that refers to them.
func (r *run) save(ctx context.Context, trainer method.Trainer, declared bool) error {
	step := trainer.Step()
	if step == r.check.Step {
		return nil // nothing new
	}
	if declared {
		accuracy, err := r.probe(trainer.Features)
		if err != nil {
			return err
		}
		r.check.Curve = append(r.check.Curve, CurvePoint{Step: step, Accuracy: accuracy})
	}
	state, err := trainer.Save()
	if err != nil {
		return err
	}
	r.check.Run = r.id
	if r.check.State, err = r.Registry.PutBlob(ctx, CheckpointType, state); err != nil {
		return err
	}
	if declared {
		kept := map[string]registry.Descriptor{CheckpointName(step): r.check.State}
		maps.Copy(kept, r.check.Kept)
		r.check.Kept = kept
	}
	if r.check.Series, err = r.Registry.PutBlob(ctx, SeriesType, encodeSeries(r.series)); err != nil {
		return err
	}
	r.check.Step = step
	if r.check.Started = r.before.Started; r.check.Started.IsZero() {
		r.check.Started = r.start.UTC().Truncate(time.Millisecond)
	}
	r.check.WallSeconds = r.before.WallSeconds + time.Since(r.start).Seconds()
	r.check.Joules = r.before.Joules + r.energy.joules()
	_, err = r.Registry.Append(ctx, r.id, checkpointEvent, r.check)
	return err
}

func (r *run) probe(features func(dataset.Split) (probe.Set, error)) (probe.Accuracy, error) {
	train, err := features(r.Data.Train)
	if err != nil {
		return probe.Accuracy{}, err
	}
	test, err := features(r.Data.Test)
	if err != nil {
		return probe.Accuracy{}, err
	}
	return r.Probe.Run(r.device, train, test, len(r.Data.Classes))
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

// Cost is what one trained cell takes.
type Cost struct {
	Wall time.Duration
	Disk int64 // bytes that the registry keeps, nearly all of them checkpoints
}

// Estimate measures what a trained cell of a tier costs here, from a few steps, one probe and one checkpoint.
func Estimate(ctx context.Context, t *Tier, data *dataset.Dataset, b backend.Backend, threads int) (Cost, error) {
	devices, err := b.Open(1, threads)
	if err != nil {
		return Cost{}, err
	}
	device, err := devices.Take()
	if err != nil {
		return Cost{}, err
	}
	defer devices.Give(device)
	trainer, err := t.Train.New(method.Start{Device: device, Data: data, Threads: threads})
	if err != nil {
		return Cost{}, err
	}
	defer trainer.Close()
	const warm, steps = 3, 10
	var start time.Time
	for i := range warm + steps {
		if i == warm { // compilation is over
			start = time.Now()
		}
		if _, err := trainer.Advance(ctx, false); err != nil {
			return Cost{}, err
		}
	}
	step := time.Since(start) / steps
	start = time.Now()
	r := &run{Runner: &Runner{Data: data, Probe: t.Probe}, attempt: attempt{device: device}}
	if _, err := r.probe(trainer.Features); err != nil {
		return Cost{}, err
	}
	probing := time.Since(start)
	state, err := trainer.Save()
	if err != nil {
		return Cost{}, err
	}
	kept := len(t.Checkpoints)
	return Cost{step*time.Duration(t.Train.Scale().Steps) + probing*time.Duration(kept), int64(len(state) * kept)}, nil
}
