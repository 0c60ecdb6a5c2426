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

// ready opens the tier's data set, if so many cells at a time can be trained on it here. Errors: UsageError; fs.ErrNotExist,
// with what the tier needs.
func (s *Study) ready(ctx context.Context, cells int) (*dataset.Dataset, error) {
	data, err := s.data()
	if err != nil {
		return nil, s.needs(err)
	}
	if err := s.tier.Train.Scale().Check(data); err != nil {
		return nil, UsageError{fmt.Errorf("tier %s on data set %s: %w", s.tier.ID, data.Name, err)}
	}
	return data, s.enough(ctx, data, cells)
}

// needs says what the tier needs of its data set, where that is missing.
func (s *Study) needs(err error) error {
	source := s.catalogue.Dataset(s.tier.Dataset)
	if !errors.Is(err, fs.ErrNotExist) || source.Import == nil {
		return err
	}
	scale, size, published := s.tier.Train.Scale(), "", ""
	if source.Import.Side > 0 {
		size = fmt.Sprintf(" (`data import` makes them %d)", source.Import.Side)
	}
	if x := source.Extent; x.Train > 0 {
		published = fmt.Sprintf("; as published it has %d training and %d test images of %d classes (%s)", x.Train, x.Test, x.Classes, source.From)
	}
	return fmt.Errorf("%w; tier %s needs of it at least %d training images, squares of %d pixels or more%s%s; `plan --step-time` prices the tier without the data",
		err, s.tier.ID, scale.Batch, scale.Encoder.Size, size, published)
}

// memory is what a cell takes on the study's backend.
func (s *Study) memory(x dataset.Extent) bench.Memory {
	m := s.tier.Memory(x)
	if s.backend.Plugin != nil && !s.backend.GPU() {
		m = m.CompiledForCPU()
	}
	return m
}

// enough says before the first step whether there is memory for the tier. Errors: UsageError.
func (s *Study) enough(ctx context.Context, data *dataset.Dataset, cells int) error {
	m, gpus, card := s.memory(data.Extent()), s.backend.GPU(), int64(0)
	if gpus {
		if card = backend.CardMemory(ctx); card == 0 {
			s.opts.Observer.Say(fmt.Sprintf("a cell takes about %s of a GPU's memory, which is an estimate from shapes; what the GPU has nothing says", bench.Gigabytes(bench.Bytes(m.Device))))
		}
	}
	if err := m.Check(s.tier.ID, cells, gpus, machine.Now().Most(), card); err != nil {
		return UsageError{err}
	}
	return nil
}
