package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/cidbench/cidbench/bench/augment"
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
	saved  time.Time // when check was
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
		accuracy, err := r.probe(ctx, r.pixels, nil)
		return Result{Accuracy: accuracy}, nil, err
	case Untrained:
		model, err := encoder.Untrained(r.device, *training.Encoder, r.spec.Seed)
		if err != nil {
			return Result{}, nil, err
		}
		defer model.Close()
		accuracy, err := r.probe(ctx, model.Features, model.Embeddings)
		return Result{Accuracy: accuracy}, nil, err
	}
	trainer, err := r.begin(ctx)
	if err != nil {
		return Result{}, nil, err
	}
	defer trainer.Close()
	r.saved = time.Now()
	for trainer.Step() < training.Steps() || r.pending(trainer.Step()) {
		if r.pending(trainer.Step()) {
			if err := r.declare(ctx, trainer); err != nil {
				return Result{}, nil, err
			}
			continue
		}
		if ctx.Err() != nil {
			return Result{}, nil, errors.Join(ctx.Err(), r.save(ctx, trainer))
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
		if time.Since(r.saved) > cmp.Or(r.SaveEvery, time.Hour) && !r.pending(next) {
			if err := r.save(ctx, trainer); err != nil {
				return Result{}, nil, err
			}
		}
	}
	result := Result{Curve: r.check.Curve, Progress: progressOf(r.series), Loss: finalLoss(r.series), Bands: lateBands(r.series)}
	result.Accuracy = result.Curve[len(result.Curve)-1].Accuracy
	artifacts := map[string]registry.Descriptor{SeriesArtifact: r.check.Series}
	maps.Copy(artifacts, r.check.Kept)
	return result, artifacts, nil
}

// pending says that a step is a declared checkpoint that is still to be probed.
func (r *run) pending(step int) bool {
	_, kept := r.check.Kept[CheckpointName(step)]
	return !kept && slices.Contains(r.spec.Training.Checkpoints, step)
}

// declare probes a declared checkpoint, and stores it for good. Where that is interrupted, the state is stored to resume
// from.
func (r *run) declare(ctx context.Context, trainer method.Trainer) error {
	if r.Probe.SGD.Given() { // it takes its time, in which the machine may die
		if err := r.save(ctx, trainer); err != nil {
			return err
		}
	}
	accuracy, err := r.probe(ctx, trainer.Features, trainer.Embeddings)
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), r.save(ctx, trainer))
	}
	if err != nil {
		return err
	}
	r.check.Curve = append(r.check.Curve, CurvePoint{Step: trainer.Step(), Accuracy: accuracy})
	return r.store(ctx, trainer, true)
}

// save stores the state that a training has reached, to resume from.
func (r *run) save(ctx context.Context, trainer method.Trainer) error {
	if trainer.Step() == r.check.Step {
		return nil // nothing new
	}
	return r.store(ctx, trainer, false)
}

// store stores the state, whatever becomes of the context: what was reached must still be written. A declared one is kept
// for good. Blobs are stored before the event that refers to them.
func (r *run) store(ctx context.Context, trainer method.Trainer, declared bool) error {
	ctx = context.WithoutCancel(ctx)
	state, err := trainer.Save()
	if err != nil {
		return err
	}
	step := trainer.Step()
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
	r.check.Step, r.saved = step, time.Now()
	if r.check.Started = r.before.Started; r.check.Started.IsZero() {
		r.check.Started = r.start.UTC().Truncate(time.Millisecond)
	}
	r.check.WallSeconds = r.before.WallSeconds + time.Since(r.start).Seconds()
	r.check.Joules = r.before.Joules + r.energy.joules()
	_, err = r.Registry.Append(ctx, r.id, checkpointEvent, r.check)
	return err
}

func (r *run) probe(ctx context.Context, features func(dataset.Split) (probe.Set, error), embeddings func(dataset.Split) ([]float32, error)) (probe.Accuracy, error) {
	side := r.Data.Height
	switch training := r.spec.Training; {
	case training.Config != nil:
		side = training.Config.Scale().Encoder.Size
	case training.Encoder != nil:
		side = training.Encoder.Size
	}
	return r.Probe.Probe(ctx, r.device, probe.Subject{Features: features, Embeddings: embeddings, Data: r.Data, Side: side, Seed: r.spec.Seed, Threads: r.Threads})
}

// pixels are images as features: as means of 2x2 pixels, or for an Evaluation of squares that leave at most 32 x 32 of
// them, in the units of views, since its learning rate is no other for them.
func (r *run) pixels(split dataset.Split) (probe.Set, error) {
	if !r.Probe.SGD.Given() {
		return sums(split, 2)
	}
	square := max(2, (split.Height+31)/32)
	set, err := sums(split, square)
	for i, v := range set.Values {
		set.Values[i] = (v/float32(255*square*square) - augment.Mean) / augment.Std
	}
	return set, err
}

// sums are images as the sums of squares of so many by so many pixels.
func sums(split dataset.Split, square int) (probe.Set, error) {
	h, w := split.Height/square, split.Width/square
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
					for at := range square * square {
						sum += int(image[((square*y+at/square)*split.Width+square*x+at%square)*dataset.Channels+c])
					}
					set.Values = append(set.Values, float32(sum))
				}
			}
		}
	}
	return set, nil
}
