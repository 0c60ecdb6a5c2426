package study

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/machine"
)

// ready opens the tier's data set, if it can be trained on. Errors: UsageError; fs.ErrNotExist, with what the tier needs.
func (s *Study) ready() (*dataset.Dataset, error) {
	data, err := s.data()
	if err != nil {
		return nil, s.needs(err)
	}
	if err := s.tier.Train.Scale().Check(data); err != nil {
		return nil, UsageError{fmt.Errorf("tier %s on data set %s: %w", s.tier.ID, data.Name, err)}
	}
	return data, nil
}

// needs says what the tier needs of its data set, where that is missing.
func (s *Study) needs(err error) error {
	source := s.catalogue.Dataset(s.tier.Dataset)
	if !errors.Is(err, fs.ErrNotExist) || source.Import == nil {
		return err
	}
	scale, pictures := s.tier.Train.Scale(), ""
	if x := source.Import.Extent; x.Train > 0 {
		pictures = fmt.Sprintf("; as published %d training and %d test images of %d classes", x.Train, x.Test, x.Classes)
	}
	size := ""
	if source.Import.Side > 0 {
		size = fmt.Sprintf(", which `data import` makes with a side of %d", source.Import.Side)
	}
	return fmt.Errorf("%w. Tier %s takes %s: at least %d square training images of %d pixels or more%s%s. `plan --step-time` prices the tier without them",
		err, s.tier.ID, source.From, scale.Batch, scale.Encoder.Size, size, pictures)
}

// enough says before the first step whether there is memory for the tier. Errors: UsageError.
func (s *Study) enough(ctx context.Context, data *dataset.Dataset) error {
	m, gpus, card := s.tier.Memory(data.Extent()), s.backend.OnGPU(), int64(0)
	if gpus {
		if card = backend.CardMemory(ctx); card == 0 {
			s.opts.Observer.Say(fmt.Sprintf("a cell takes about %s of a GPU's memory, which is an estimate from shapes; what the GPU has nothing says", bench.Gigabytes(bench.Bytes(m.Device))))
		}
	}
	if err := m.Check(s.tier.ID, s.opts.Parallel, gpus, machine.Now().Most(), card); err != nil {
		return UsageError{err}
	}
	return nil
}
