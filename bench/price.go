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

// Estimate measures what a trained cell of a tier costs here, from a few steps and one probe, or of an Evaluation the
// features of some images.
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
