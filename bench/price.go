package bench

import (
	"context"
	"time"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/method"
)

// Cost is what one trained cell takes.
type Cost struct {
	// Wall is the time of training and all probes, Probing that of one, which is what a floor takes; 0 if it is not known.
	Wall, Probing time.Duration
	Disk          int64 // bytes that the registry keeps: checkpoints, and the series
}

// patience bounds what is measured of steps: where they are slow, fewer tell enough.
const patience = 5 * time.Second

// Estimate measures what a trained cell of a tier costs here, from a few steps and one probe, or of an Evaluation the
// features of some images. Of steps that take seconds one is measured, and the probe is reckoned from it.
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
	advance := func() error {
		_, err := trainer.Advance(ctx, false)
		return err
	}
	if _, err := average(3, advance); err != nil { // with compilation
		return Cost{}, err
	}
	step, err := average(10, advance)
	if err != nil {
		return Cost{}, err
	}
	if step > patience/10 {
		return t.Stated(step, data.Extent()), nil
	}
	start := time.Now()
	if !t.Probe.SGD.Given() {
		r := &run{Runner: &Runner{Data: data, Probe: t.Probe}, attempt: attempt{device: device}}
		if _, err := r.probe(ctx, trainer.Features, trainer.Embeddings); err != nil {
			return Cost{}, err
		}
		return t.cost(step, time.Since(start)), nil
	}
	some := data.Test
	some.Labels = some.Labels[:min(len(some.Labels), 200)]
	if _, err := trainer.Features(some); err != nil {
		return Cost{}, err
	}
	image := time.Since(start) / time.Duration(len(some.Labels))
	return t.cost(step, image*time.Duration(t.Probe.Passes(data.Extent()))), nil
}

// average is the time of a step of so many, or of those that patience allows.
func average(most int, advance func() error) (step time.Duration, err error) {
	start := time.Now()
	for steps := 1; ; steps++ {
		if err := advance(); err != nil {
			return 0, err
		}
		if taken := time.Since(start); steps == most || taken > patience {
			return taken / time.Duration(steps), nil
		}
	}
}

// Stated is what a trained cell of a tier costs if a step takes so long. A probe is reckoned by the images that pass
// through the encoder: a step takes an image through it twice forwards and once back, which is twice as much.
func (t *Tier) Stated(step time.Duration, x dataset.Extent) Cost {
	image := float64(step) / float64(4*t.Train.Scale().Batch)
	return t.cost(step, time.Duration(image*float64(t.Probe.Passes(x))))
}

func (t *Tier) cost(step, probing time.Duration) Cost {
	kept := len(t.Checkpoints)
	return Cost{
		Wall:    step*time.Duration(t.Train.Scale().Steps) + probing*time.Duration(kept),
		Probing: probing, Disk: t.state()*int64(kept) + t.series(),
	}
}
