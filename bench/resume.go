package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/registry"
)

// checkpointEvent is the kind of the events from which a run resumes.
const checkpointEvent = "checkpoint"

// checkpoint is the data of such an event: all that a run needs to go on.
type checkpoint struct {
	Run   string              `json:"run,omitempty"` // its id; events of earlier versions lack it
	Step  int                 `json:"step"`
	State registry.Descriptor `json:"state"`
	// Series holds the metrics of the steps before.
	Series registry.Descriptor `json:"series"`
	// Curve and Kept are the probes and the declared checkpoints so far.
	Curve []CurvePoint                   `json:"curve,omitempty"`
	Kept  map[string]registry.Descriptor `json:"kept,omitempty"`
	// Started is when the first attempt began; WallSeconds and Joules are the time and energy spent so far, over all
	// attempts; Resumed is the number of resumptions.
	Started     time.Time `json:"started"`
	WallSeconds float64   `json:"wallSeconds"`
	Joules      float64   `json:"joules,omitempty"`
	Resumed     int       `json:"resumed"`
}

// begin returns the trainer at the newest checkpoint that is whole, or at the start if none is. A damaged one is
// passed over for the one before.
func (r *run) begin(ctx context.Context) (method.Trainer, error) {
	checkpoints, err := r.checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	for i := len(checkpoints) - 1; i >= 0; i-- {
		trainer, err := r.trainer(r.spec, r.device)
		if err != nil {
			return nil, err
		}
		series, err := r.restore(ctx, trainer, checkpoints[i], checkpoints[:i])
		if err == nil {
			r.before, r.check, r.series = checkpoints[i], checkpoints[i], series
			r.check.Resumed++
			return trainer, nil
		}
		trainer.Close() // it may have taken over what turned out to be wrong
		if errors.Is(err, registry.ErrUnavailable) || ctx.Err() != nil {
			return nil, errors.Join(err, ctx.Err())
		}
	}
	return r.trainer(r.spec, r.device)
}

// Begun are the probes of a run that is not finished, at the declared checkpoints that it has reached, in order.
func Begun(ctx context.Context, reg *registry.Registry, id string) ([]CurvePoint, error) {
	all, err := (&run{Runner: &Runner{Registry: reg}, id: id}).checkpoints(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[len(all)-1].Curve, nil
}

// checkpoints are those that the events of the run tell of, in the order of their steps.
func (r *run) checkpoints(ctx context.Context) (all []checkpoint, err error) {
	for event, err := range r.Registry.Events(ctx, r.id) {
		var c checkpoint
		switch {
		case errors.Is(err, registry.ErrCorrupt):
		case err != nil:
			return nil, err
		case event.Kind == checkpointEvent && json.Unmarshal(event.Data, &c) == nil && (c.Run == "" || c.Run == r.id):
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b checkpoint) int { return a.Step - b.Step })
	return all, nil
}

// restore puts the trainer where a checkpoint says it was, and returns the series so far. Nothing is believed: digests
// and lengths, what is kept of the declared checkpoints, a history that is that of the checkpoints before, and a state
// that is of this step and saves as the bytes that were loaded.
func (r *run) restore(ctx context.Context, trainer method.Trainer, c checkpoint, before []checkpoint) ([]method.Metrics, error) {
	text, err := r.Registry.Blob(ctx, c.Series)
	if err != nil {
		return nil, err
	}
	series, err := DecodeSeries(text)
	if err != nil {
		return nil, err
	}
	if len(series) != c.Step {
		return nil, fmt.Errorf("a series of %d steps at step %d", len(series), c.Step)
	}
	for _, b := range before {
		if b.Step == c.Step {
			continue
		}
		earlier, err := r.Registry.Blob(ctx, b.Series)
		if errors.Is(err, registry.ErrUnavailable) || ctx.Err() != nil {
			return nil, errors.Join(err, ctx.Err())
		}
		if err == nil && !bytes.HasPrefix(text, earlier) {
			return nil, fmt.Errorf("the series at step %d is not how that at step %d goes on", c.Step, b.Step)
		}
	}
	if err := r.restoreKept(ctx, trainer, c); err != nil {
		return nil, err
	}
	return series, r.restoreState(ctx, trainer, c.State, c.Step)
}

// restoreState puts the trainer into a stored state, if it is one of this training after a step.
func (r *Runner) restoreState(ctx context.Context, trainer method.Trainer, d registry.Descriptor, step int) error {
	state, err := r.Registry.Blob(ctx, d)
	if err != nil {
		return err
	}
	if err := trainer.Restore(state); err != nil {
		return fmt.Errorf("%w: the state of step %d: %w", registry.ErrCorrupt, step, err)
	}
	if trainer.Step() != step {
		return fmt.Errorf("%w: the state of step %d is one of step %d", registry.ErrCorrupt, step, trainer.Step())
	}
	again, err := trainer.Save()
	if err == nil && !bytes.Equal(again, state) {
		err = fmt.Errorf("%w: the state of step %d holds more than a training of this spec", registry.ErrCorrupt, step)
	}
	return err
}

// restoreKept checks that each declared checkpoint up to c was probed, and is there for good; the one at c itself may be
// still to be probed.
func (r *run) restoreKept(ctx context.Context, trainer method.Trainer, c checkpoint) error {
	declared := 0
	for _, step := range r.spec.Training.Checkpoints {
		if step > c.Step {
			continue
		}
		kept, ok := c.Kept[CheckpointName(step)]
		if !ok && step == c.Step {
			continue
		}
		if !ok || declared >= len(c.Curve) || c.Curve[declared].Step != step || step == c.Step && kept.Digest != c.State.Digest {
			return fmt.Errorf("the declared checkpoint of step %d is not kept", step)
		}
		declared++
		if err := r.restoreState(ctx, trainer, kept, step); err != nil {
			return err
		}
	}
	if declared != len(c.Kept) || declared != len(c.Curve) {
		return fmt.Errorf("%d checkpoints and %d probes are kept, want %d", len(c.Kept), len(c.Curve), declared)
	}
	return nil
}
