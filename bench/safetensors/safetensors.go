// Package safetensors reads and writes named tensors in the safetensors format
// (github.com/huggingface/safetensors): eight bytes of header length, a JSON header, the raw values in
// little-endian order. Checkpoints are kept in it so that other tools can open them.
//
// Only what checkpoints need is here: float32 and int32 tensors, and string metadata.
package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
)

// Tensor is a named array; exactly one of Float32 and Int32 holds its values, row-major.
type Tensor struct {
	Shape   []int
	Float32 []float32
	Int32   []int32
}

// File is the content of a safetensors file.
type File struct {
	Metadata map[string]string
	Tensors  map[string]Tensor
}

type entry struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

const metadataKey = "__metadata__"

// ErrFormat is wrapped by every error of Decode.
var ErrFormat = errors.New("not a valid safetensors file")

// Encode returns the file's bytes, the same for equal content: tensors stand in the order of their names.
func (f File) Encode() ([]byte, error) {
	header := map[string]any{}
	if len(f.Metadata) > 0 {
		header[metadataKey] = f.Metadata
	}
	var data bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(f.Tensors)) {
		t := f.Tensors[name]
		e := entry{DType: "F32", Shape: t.Shape, Offsets: [2]int{data.Len()}}
		if e.Shape == nil {
			e.Shape = []int{} // a scalar
		}
		var values any = t.Float32
		count := len(t.Float32)
		if t.Int32 != nil {
			e.DType, values, count = "I32", t.Int32, len(t.Int32)
		}
		if name == metadataKey || t.Int32 != nil && t.Float32 != nil || count != size(t.Shape) {
			return nil, fmt.Errorf("safetensors: tensor %q of shape %v has %d values", name, t.Shape, count)
		}
		if err := binary.Write(&data, binary.LittleEndian, values); err != nil {
			return nil, fmt.Errorf("safetensors: tensor %q: %w", name, err)
		}
		e.Offsets[1] = data.Len()
		header[name] = e
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	text = append(text, bytes.Repeat([]byte(" "), (8-len(text)%8)%8)...) // values start aligned
	out := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(text)+data.Len()), uint64(len(text)))
	return append(append(out, text...), data.Bytes()...), nil
}

// size is the number of values of a shape, or -1 if it is none.
func size(shape []int) int {
	n := 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > math.MaxInt32/d {
			return -1
		}
		n *= d
	}
	return n
}

// Decode reads a file. The tensors must cover the values without a gap or an overlap.
func Decode(b []byte) (File, error) {
	if len(b) < 8 {
		return File{}, fmt.Errorf("%w: %d bytes", ErrFormat, len(b))
	}
	length := binary.LittleEndian.Uint64(b)
	if length > uint64(len(b)-8) {
		return File{}, fmt.Errorf("%w: a header of %d bytes in a file of %d", ErrFormat, length, len(b))
	}
	text, data := b[8:8+length], b[8+length:]
	var header map[string]json.RawMessage
	if err := json.Unmarshal(text, &header); err != nil {
		return File{}, fmt.Errorf("%w: header: %w", ErrFormat, err)
	}
	f := File{Tensors: map[string]Tensor{}}
	covered := 0
	for name, raw := range header {
		if name == metadataKey {
			if err := json.Unmarshal(raw, &f.Metadata); err != nil {
				return File{}, fmt.Errorf("%w: metadata: %w", ErrFormat, err)
			}
			continue
		}
		t, used, err := decodeTensor(raw, data)
		if err != nil {
			return File{}, fmt.Errorf("%w: tensor %q: %w", ErrFormat, name, err)
		}
		f.Tensors[name] = t
		covered += used
	}
	if covered != len(data) {
		return File{}, fmt.Errorf("%w: tensors take %d of %d bytes", ErrFormat, covered, len(data))
	}
	return f, nil
}

func decodeTensor(raw json.RawMessage, data []byte) (Tensor, int, error) {
	var e entry
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(&e)
	if err != nil {
		return Tensor{}, 0, err
	}
	if _, err := d.Token(); err != io.EOF {
		return Tensor{}, 0, errors.New("more than one value")
	}
	from, to := e.Offsets[0], e.Offsets[1]
	count := size(e.Shape)
	if from < 0 || to < from || to > len(data) || count < 0 || to-from != 4*count {
		return Tensor{}, 0, fmt.Errorf("shape %v at bytes %d to %d of %d", e.Shape, from, to, len(data))
	}
	t := Tensor{Shape: e.Shape}
	words := data[from:to]
	switch e.DType {
	case "F32":
		t.Float32 = make([]float32, count)
		_, err = binary.Decode(words, binary.LittleEndian, t.Float32)
	case "I32":
		t.Int32 = make([]int32, count)
		_, err = binary.Decode(words, binary.LittleEndian, t.Int32)
	default:
		err = fmt.Errorf("dtype %q is not F32 or I32", e.DType)
	}
	return t, to - from, err
}
