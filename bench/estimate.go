package bench

import (
	"context"
	"time"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/moco"
)

// Estimate measures how long a trained cell of a tier takes here, from a few steps and one probe.
func Estimate(ctx context.Context, t *Tier, data *dataset.Dataset, b Backend, threads int) (time.Duration, error) {
	backend, err := b.Open(threads)
	if err != nil {
		return 0, err
	}
	defer backend.Finalize()
	trainer, err := moco.New(backend, t.Train, nil, data, 0, threads)
	if err != nil {
		return 0, err
	}
	defer trainer.Close()
	const warm, steps = 3, 10
	var start time.Time
	for i := range warm + steps {
		if i == warm { // compilation is over
			start = time.Now()
		}
		if _, err := trainer.Advance(ctx, false); err != nil {
			return 0, err
		}
	}
	step := time.Since(start) / steps
	start = time.Now()
	r := &run{data: data, backend: backend, protocol: t.Probe}
	if _, err := r.probe(trainer); err != nil {
		return 0, err
	}
	return step*time.Duration(t.Train.Steps) + time.Since(start)*time.Duration(len(t.Checkpoints)), nil
}
