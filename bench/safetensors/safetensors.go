// Package safetensors reads and writes named tensors in the safetensors format
// (github.com/huggingface/safetensors): eight bytes of header length, a JSON header, the raw values in
// little-endian order. Checkpoints are kept in it so that other tools can open them.
//
// A File holds what checkpoints need: float32 and int32 tensors, and string metadata. ReadHeader says what lies where
// in any file of the format.
package safetensors

import (
	"bytes"
	"cmp"
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

// Header says what a file holds.
type Header struct {
	Metadata map[string]string
	Tensors  map[string]Entry
	// Start is where the values begin in the file, in bytes.
	Start int64
}

// Entry is a tensor by its type, as the format names it (F32, BF16, I64), its shape, and the range [from, to) of
// its bytes, counted from Header.Start.
type Entry struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

const (
	metadataKey = "__metadata__"
	// maxHeader is the reference implementation's limit, in bytes.
	maxHeader = 100_000_000
)

// ErrFormat is wrapped by every error of Decode, and of ReadHeader unless reading fails.
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
		e := Entry{DType: "F32", Shape: t.Shape, Offsets: [2]int64{int64(data.Len())}}
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
		e.Offsets[1] = int64(data.Len())
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

// ItemSize is the number of bytes of a value, by the type's name; 0 for types that are not known.
func ItemSize(dtype string) int64 {
	switch dtype {
	case "BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2":
		return 1
	case "U16", "I16", "F16", "BF16":
		return 2
	case "U32", "I32", "F32":
		return 4
	case "U64", "I64", "F64":
		return 8
	}
	return 0
}

// ReadHeader reads the header of a file of so many bytes. The tensors must cover the values without a gap or an
// overlap.
func ReadHeader(r io.ReaderAt, size int64) (Header, error) {
	if size < 8 {
		return Header{}, fmt.Errorf("%w: %d bytes", ErrFormat, size)
	}
	prefix := make([]byte, 8)
	if _, err := r.ReadAt(prefix, 0); err != nil {
		return Header{}, err
	}
	length := binary.LittleEndian.Uint64(prefix)
	if length > uint64(size-8) || length > maxHeader {
		return Header{}, fmt.Errorf("%w: a header of %d bytes in a file of %d", ErrFormat, length, size)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(io.NewSectionReader(r, 8, int64(length)), text); err != nil {
		return Header{}, err
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return Header{}, fmt.Errorf("%w: header: %w", ErrFormat, err)
	}
	h := Header{Tensors: map[string]Entry{}, Start: 8 + int64(length)}
	for name, text := range raw {
		if name == metadataKey {
			if err := json.Unmarshal(text, &h.Metadata); err != nil {
				return Header{}, fmt.Errorf("%w: metadata: %w", ErrFormat, err)
			}
			continue
		}
		e, err := decodeEntry(text, size-h.Start)
		if err != nil {
			return Header{}, fmt.Errorf("%w: tensor %q: %w", ErrFormat, name, err)
		}
		h.Tensors[name] = e
	}
	return h, h.checkCover(size - h.Start)
}

func decodeEntry(text json.RawMessage, length int64) (Entry, error) {
	var e Entry
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, err
	}
	if _, err := d.Token(); err != io.EOF {
		return e, errors.New("more than one value")
	}
	item, count := ItemSize(e.DType), size(e.Shape)
	if item == 0 {
		return e, fmt.Errorf("dtype %q is not known", e.DType)
	}
	if from, to := e.Offsets[0], e.Offsets[1]; from < 0 || to < from || to > length || count < 0 || to-from != item*int64(count) {
		return e, fmt.Errorf("%s of shape %v at bytes %d to %d of %d", e.DType, e.Shape, from, to, length)
	}
	return e, nil
}

// checkCover wants each tensor to begin where the one before it ends.
func (h Header) checkCover(length int64) error {
	at := int64(0)
	for _, e := range slices.SortedFunc(maps.Values(h.Tensors), func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Offsets[0], b.Offsets[0]), cmp.Compare(a.Offsets[1], b.Offsets[1]))
	}) {
		if e.Offsets[0] != at {
			return fmt.Errorf("%w: tensors overlap or leave a gap at byte %d of the values", ErrFormat, min(at, e.Offsets[0]))
		}
		at = e.Offsets[1]
	}
	if at != length {
		return fmt.Errorf("%w: tensors take %d of %d bytes", ErrFormat, at, length)
	}
	return nil
}

// Decode reads a file of float32 and int32 tensors.
func Decode(b []byte) (File, error) {
	h, err := ReadHeader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return File{}, err
	}
	f := File{Metadata: h.Metadata, Tensors: map[string]Tensor{}}
	for name, e := range h.Tensors {
		t := Tensor{Shape: e.Shape}
		words := b[h.Start:][e.Offsets[0]:e.Offsets[1]]
		switch e.DType {
		case "F32":
			t.Float32 = make([]float32, size(e.Shape))
			_, err = binary.Decode(words, binary.LittleEndian, t.Float32)
		case "I32":
			t.Int32 = make([]int32, size(e.Shape))
			_, err = binary.Decode(words, binary.LittleEndian, t.Int32)
		default:
			err = fmt.Errorf("dtype %s is not F32 or I32", e.DType)
		}
		if err != nil {
			return File{}, fmt.Errorf("%w: tensor %q: %w", ErrFormat, name, err)
		}
		f.Tensors[name] = t
	}
	return f, nil
}
