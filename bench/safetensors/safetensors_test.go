package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sample() File {
	return File{
		Metadata: map[string]string{"step": "7"},
		Tensors: map[string]Tensor{
			"b/weight": {Shape: []int{2, 3}, Float32: []float32{1, -2, 3.5, 0, float32(math.Inf(1)), 6}},
			"a":        {Shape: []int{2}, Int32: []int32{-1, 1 << 30}},
			"scalar":   {Shape: []int{}, Float32: []float32{0.25}},
			"empty":    {Shape: []int{0, 4}, Float32: []float32{}},
		},
	}
}

// TestBytes pins the format: what the reference implementation writes for one small tensor.
func TestBytes(t *testing.T) {
	got, err := File{Tensors: map[string]Tensor{"x": {Shape: []int{1}, Float32: []float32{1}}}}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	header := `{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  `
	want := append([]byte{56, 0, 0, 0, 0, 0, 0, 0}, header...)
	want = append(want, 0, 0, 0x80, 0x3f)
	if !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	b, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := sample().Encode()
	if !bytes.Equal(b, again) {
		t.Error("two encodings differ")
	}
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Error(diff)
	}
}

func TestEncodeRefusesWrongShapes(t *testing.T) {
	for _, bad := range []Tensor{
		{Shape: []int{3}, Float32: []float32{1}},
		{Shape: []int{-1}, Float32: []float32{1}},
		{Shape: []int{1}, Float32: []float32{1}, Int32: []int32{1}},
	} {
		if _, err := (File{Tensors: map[string]Tensor{"x": bad}}).Encode(); err == nil {
			t.Errorf("%+v is encoded", bad)
		}
	}
}

func TestDecodeRefusesDamage(t *testing.T) {
	good, _ := sample().Encode()
	for name, bad := range map[string][]byte{
		"empty":     nil,
		"truncated": good[:len(good)-1],
		"longer":    append(bytes.Clone(good), 0),
		"header":    append([]byte{255, 255, 255, 255, 255, 255, 255, 255}, good[8:]...),
		"not json":  append([]byte{4, 0, 0, 0, 0, 0, 0, 0}, "{{{{"...),
		"overlap":   bytes.Replace(good, []byte("[0,8]"), []byte("[8,0]"), 1),
		"dtype":     bytes.Replace(good, []byte(`"I32"`), []byte(`"I64"`), 1),
	} {
		if _, err := Decode(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHeaderWantsEveryByteOnce(t *testing.T) {
	for header, want := range map[string]string{
		`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`:                                                     "",
		`{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}`:                                                   "",
		`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`: "at byte 0",
		`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`: "at byte 1",
		`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`:                                                     "take 2 of 4 bytes",
		`{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}`:                                                     "bytes 0 to 5 of 4",
		`{"a":{"dtype":"C64","shape":[2],"data_offsets":[0,4]}}`:                                                    `dtype "C64" is not known`,
		`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"strides":[1]}}`:                                       "strides",
	} {
		file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+"1234"...)
		_, err := ReadHeader(bytes.NewReader(file), int64(len(file)))
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", header, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, _ := sample().Encode()
	f.Add(good)
	f.Add([]byte{2, 0, 0, 0, 0, 0, 0, 0, '{', '}'})
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("error without ErrFormat: %v", err)
			}
			return
		}
		encoded, err := file.Encode()
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		again, err := Decode(encoded)
		if err != nil {
			t.Fatalf("what was encoded cannot be decoded: %v", err)
		}
		reencoded, err := again.Encode()
		if err != nil || !bytes.Equal(encoded, reencoded) {
			t.Fatalf("encoding is not stable: %v", err)
		}
	})
}
