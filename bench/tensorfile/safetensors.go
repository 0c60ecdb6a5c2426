package tensorfile

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/cidbench/cidbench/bench/safetensors"
)

func openSafetensors(r io.ReaderAt, size int64) (*File, error) {
	h, err := safetensors.ReadHeader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	f := &File{Format: "safetensors", Metadata: h.Metadata, Tensors: map[string]*Tensor{}}
	for name, e := range h.Tensors {
		t := &Tensor{
			DType: e.DType, Shape: e.Shape, stride: rowMajor(e.Shape), item: safetensors.ItemSize(e.DType), order: binary.LittleEndian,
			storage: section(r, h.Start+e.Offsets[0], e.Offsets[1]-e.Offsets[0]),
		}
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		f.Tensors[name] = t
	}
	return f, nil
}
