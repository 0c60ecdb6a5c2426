package tensorfile

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Tensor is an array in a file.
type Tensor struct {
	// DType is that of safetensors - BOOL, U8, I64, F16, BF16, F32 - or TEXT for NumPy's strings.
	DType string
	Shape []int

	storage *storage
	offset  int64   // of the first value in the storage, in values
	stride  []int64 // from value to value in each dimension, in values
	item    int64   // bytes of a value
	order   binary.ByteOrder
}

// storage is where values lie: so many bytes.
type storage struct {
	bytes int64
	open  func() (io.ReadCloser, error)
}

// section is a storage within a file.
func section(r io.ReaderAt, from, length int64) *storage {
	return &storage{bytes: length, open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(r, from, length)), nil
	}}
}

const (
	maxDims   = 32 // NumPy's limit
	maxValues = 1 << 40
)

// Len is the number of values.
func (t *Tensor) Len() int {
	n, _ := product(t.Shape)
	return n
}

// product is the number of values of a shape, and whether it is one and fits into memory at all.
func product(shape []int) (n int, ok bool) {
	n = 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > maxValues/d {
			return 0, false
		}
		n *= d
	}
	return n, len(shape) <= maxDims
}

// rowMajor are the strides of a shape without gaps, the last dimension nearest; columnMajor those with the first.
func rowMajor(shape []int) []int64 {
	stride, step := make([]int64, len(shape)), int64(1)
	for i := len(shape) - 1; i >= 0; i-- {
		stride[i] = step
		step *= int64(shape[i])
	}
	return stride
}

func columnMajor(shape []int) []int64 {
	stride, step := make([]int64, len(shape)), int64(1)
	for i, d := range shape {
		stride[i] = step
		step *= int64(d)
	}
	return stride
}

// check says that all values lie within the storage, and that there are no more of them than it holds: one that is
// repeated may claim any size.
func (t *Tensor) check() error {
	n, ok := product(t.Shape)
	held := t.storage.bytes / t.item
	if !ok || len(t.stride) != len(t.Shape) || t.offset < 0 {
		return fmt.Errorf("%w: shape %v with strides %v from value %d", ErrFormat, t.Shape, t.stride, t.offset)
	}
	if n == 0 {
		return nil
	}
	last := t.offset
	for i, d := range t.Shape {
		s := t.stride[i]
		if s < 0 || d > 1 && s > (held-last)/int64(d-1) {
			return fmt.Errorf("%w: shape %v with strides %v from value %d leaves its storage of %d values", ErrFormat, t.Shape, t.stride, t.offset, held)
		}
		last += s * int64(d-1)
	}
	if last >= held {
		return fmt.Errorf("%w: shape %v from value %d leaves its storage of %d values", ErrFormat, t.Shape, t.offset, held)
	}
	if int64(n) > held {
		return fmt.Errorf("%w: shape %v repeats the %d values that are stored", ErrFormat, t.Shape, held)
	}
	return nil
}

// each visits the bytes of all values, row-major; they are valid until the next.
func (t *Tensor) each(visit func(i int, value []byte) error) error {
	n := t.Len()
	if n == 0 {
		return nil
	}
	r, err := t.storage.open()
	if err != nil {
		return err
	}
	defer r.Close()
	if err := t.visit(r, n, visit); err != nil {
		return fmt.Errorf("values of shape %v: %w", t.Shape, err)
	}
	return nil
}

func (t *Tensor) visit(r io.Reader, n int, visit func(i int, value []byte) error) error {
	if _, err := io.CopyN(io.Discard, r, t.offset*t.item); err != nil {
		return err
	}
	if t.contiguous() {
		buffered, value := bufio.NewReaderSize(r, 1<<16), make([]byte, t.item)
		for i := range n {
			if _, err := io.ReadFull(buffered, value); err != nil {
				return err
			}
			if err := visit(i, value); err != nil {
				return err
			}
		}
		return nil
	}
	last := int64(0)
	for i, d := range t.Shape {
		last += t.stride[i] * int64(d-1)
	}
	span := make([]byte, (last+1)*t.item)
	if _, err := io.ReadFull(r, span); err != nil {
		return err
	}
	at, index := int64(0), make([]int, len(t.Shape))
	for i := range n {
		if err := visit(i, span[at*t.item:][:t.item]); err != nil {
			return err
		}
		for d := len(index) - 1; d >= 0; d-- {
			index[d]++
			at += t.stride[d]
			if index[d] < t.Shape[d] {
				break
			}
			at -= t.stride[d] * int64(t.Shape[d])
			index[d] = 0
		}
	}
	return nil
}

func (t *Tensor) contiguous() bool {
	for i, step := range rowMajor(t.Shape) {
		if t.Shape[i] > 1 && t.stride[i] != step {
			return false
		}
	}
	return true
}

// Transposed is the tensor with its dimensions in reverse order: columns for rows.
func (t *Tensor) Transposed() *Tensor {
	out := *t
	out.Shape, out.stride = slices.Clone(t.Shape), slices.Clone(t.stride)
	slices.Reverse(out.Shape)
	slices.Reverse(out.stride)
	return &out
}

// Floats reads the values of a tensor of floating-point numbers, row-major, rounded to 32 bits.
func (t *Tensor) Floats() ([]float32, error) {
	var number func(b []byte) float32
	switch t.DType {
	case "F16":
		number = func(b []byte) float32 { return half(t.order.Uint16(b)) }
	case "BF16":
		number = func(b []byte) float32 { return math.Float32frombits(uint32(t.order.Uint16(b)) << 16) }
	case "F32":
		number = func(b []byte) float32 { return math.Float32frombits(t.order.Uint32(b)) }
	case "F64":
		number = func(b []byte) float32 { return float32(math.Float64frombits(t.order.Uint64(b))) }
	default:
		return nil, fmt.Errorf("%w as numbers with fractions: its type is %s", ErrFormat, t.DType)
	}
	values := make([]float32, t.Len())
	err := t.each(func(i int, b []byte) error {
		values[i] = number(b)
		return nil
	})
	return values, err
}

// half is the value of IEEE 754 binary16.
func half(bits uint16) float32 {
	sign, exponent, fraction := uint32(bits>>15)<<31, uint32(bits>>10)&31, uint32(bits)&1023
	switch exponent {
	case 0:
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// Ints reads the values of a tensor of whole numbers, row-major.
func (t *Tensor) Ints() ([]int64, error) {
	var number func(b []byte) int64
	switch t.DType {
	case "BOOL", "U8":
		number = func(b []byte) int64 { return int64(b[0]) }
	case "I8":
		number = func(b []byte) int64 { return int64(int8(b[0])) }
	case "U16":
		number = func(b []byte) int64 { return int64(t.order.Uint16(b)) }
	case "I16":
		number = func(b []byte) int64 { return int64(int16(t.order.Uint16(b))) }
	case "U32":
		number = func(b []byte) int64 { return int64(t.order.Uint32(b)) }
	case "I32":
		number = func(b []byte) int64 { return int64(int32(t.order.Uint32(b))) }
	case "U64", "I64":
		number = func(b []byte) int64 { return int64(t.order.Uint64(b)) }
	default:
		return nil, fmt.Errorf("%w as whole numbers: its type is %s", ErrFormat, t.DType)
	}
	values := make([]int64, t.Len())
	err := t.each(func(i int, b []byte) error {
		values[i] = number(b)
		if values[i] < 0 && t.DType == "U64" {
			return fmt.Errorf("%w: value %d is above %d", ErrFormat, i, int64(math.MaxInt64))
		}
		return nil
	})
	return values, err
}

// Texts reads the values of a tensor of texts, row-major.
func (t *Tensor) Texts() ([]string, error) {
	if t.DType != textType {
		return nil, fmt.Errorf("%w as texts: its type is %s", ErrFormat, t.DType)
	}
	values := make([]string, t.Len())
	err := t.each(func(i int, b []byte) error {
		if t.order == nil { // bytes
			values[i] = strings.TrimRight(string(b), "\x00")
		} else {
			var text strings.Builder
			for ; len(b) > 0; b = b[4:] {
				text.WriteRune(rune(t.order.Uint32(b)))
			}
			values[i] = strings.TrimRight(text.String(), "\x00")
		}
		if !utf8.ValidString(values[i]) || strings.ContainsRune(values[i], utf8.RuneError) {
			return fmt.Errorf("%w: text %d is no Unicode", ErrFormat, i)
		}
		return nil
	})
	return values, err
}
