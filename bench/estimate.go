package bench

import (
	"context"
	"time"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/method"
)

// Cost is what one trained cell takes.
type Cost struct {
	Wall time.Duration
	Disk int64 // bytes that the registry keeps, nearly all of them checkpoints
}

// Estimate measures what a trained cell of a tier costs here, from a few steps, one probe and one checkpoint.
func Estimate(ctx context.Context, t *Tier, data *dataset.Dataset, b Backend, threads int) (Cost, error) {
	backend, err := b.Open(threads)
	if err != nil {
		return Cost{}, err
	}
	defer backend.Finalize()
	trainer, err := t.Train.New(method.Start{Backend: backend, Data: data, Threads: threads})
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
	r := &run{data: data, backend: backend, protocol: t.Probe}
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
