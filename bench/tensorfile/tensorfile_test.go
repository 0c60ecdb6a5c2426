package tensorfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// content is what testdata/make.py says of a tensor.
type content struct {
	DType  string `json:"dtype"`
	Shape  []int  `json:"shape"`
	Values []any  `json:"values"`
}

// read is the content of a tensor, as JSON would say it.
func read(t *Tensor) (content, error) {
	c := content{DType: t.DType, Shape: append([]int{}, t.Shape...), Values: []any{}}
	switch {
	case t.DType == textType:
		values, err := t.Texts()
		for _, v := range values {
			c.Values = append(c.Values, v)
		}
		return c, err
	case strings.Contains(t.DType, "F"):
		values, err := t.Floats()
		for _, v := range values {
			c.Values = append(c.Values, float64(v))
		}
		return c, err
	}
	values, err := t.Ints()
	for _, v := range values {
		c.Values = append(c.Values, float64(v))
	}
	return c, err
}

func TestFilesHoldWhatNumPyAndPyTorchSay(t *testing.T) {
	text, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]map[string]content
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	for file, want := range expected {
		f, err := Open(filepath.Join("testdata", file))
		if err != nil {
			t.Error(err)
			continue
		}
		got := map[string]content{}
		for name, x := range f.Tensors {
			if got[name], err = read(x); err != nil {
				t.Errorf("%s: %s: %v", file, name, err)
			}
		}
		for _, c := range want {
			for i, v := range c.Values { // NumPy's and PyTorch's numbers have 64 bits
				if v, ok := v.(float64); ok {
					c.Values[i] = v
					if strings.Contains(c.DType, "F") {
						c.Values[i] = float64(float32(v))
					}
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
		if err := f.Close(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if len(expected) < 20 {
		t.Errorf("only %d files are expected", len(expected))
	}
}

func TestMetadataIsKept(t *testing.T) {
	for file, want := range map[string]map[string]string{
		"moco.zip.pt":       {"epoch": "200", "arch": "resnet50"},
		"moco.legacy.pt":    {"epoch": "200", "arch": "resnet50"},
		"protocol4.zip.pt":  {"n": "1099511627776"},
		"model.safetensors": {"step": "7"},
	} {
		f, err := Open("testdata/" + file)
		if err != nil {
			t.Error(err)
			continue
		}
		for key, text := range want {
			if f.Metadata[key] != text {
				t.Errorf("%s: %s is %q, want %q", file, key, f.Metadata[key], text)
			}
		}
		f.Close()
	}
}

func TestTensorsAreFoundByName(t *testing.T) {
	f, err := Open("testdata/moco.legacy.pt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if x, err := f.Tensor("state_dict/module.queue"); err != nil || !slices.Equal(x.Shape, []int{4, 6}) {
		t.Errorf("queue: %+v, %v", x, err)
	}
	if _, err := f.Tensor(""); err == nil || !strings.Contains(err.Error(), "name one as FILE:NAME: optimizer/state/0/momentum_buffer, ") {
		t.Errorf("no name: %v", err)
	}
	one, err := Open("testdata/f4.npy")
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if _, err := one.Tensor(""); err != nil {
		t.Error(err)
	}
	if _, err := one.Tensor("queue"); !errors.Is(err, ErrFormat) {
		t.Errorf("a name in an npy file: %v", err)
	}
}

func TestTypesAreNotMixedUp(t *testing.T) {
	f, err := Open("testdata/stored.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Tensors["text"].Floats(); !errors.Is(err, ErrFormat) {
		t.Errorf("text as numbers: %v", err)
	}
	if _, err := f.Tensors["f4"].Ints(); !errors.Is(err, ErrFormat) {
		t.Errorf("fractions as whole numbers: %v", err)
	}
	if _, err := f.Tensors["i8"].Texts(); !errors.Is(err, ErrFormat) {
		t.Errorf("numbers as text: %v", err)
	}
}

// TestUnknownNumbersAreListed opens what holds a type that is not read: the others in the file may be.
func TestUnknownNumbersAreListed(t *testing.T) {
	header := `{"x":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}`
	data := []byte(string(rune(len(header))) + "\x00\x00\x00\x00\x00\x00\x00" + header + "1234")
	f, err := New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Tensors["x"].Floats(); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "F8_E4M3") {
		t.Errorf("error %v", err)
	}
}

func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float64{
		0: 0, 1: 0x1p-24, 0x03ff: 1023 * 0x1p-24, 0x0400: 0x1p-14, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x3555: 0x1.554p-2,
		0x7c00: math.Inf(1), 0xfc00: math.Inf(-1),
	} {
		if got := float64(half(bits)); got != want {
			t.Errorf("%#x is %g, want %g", bits, got, want)
		}
	}
	if got := half(0x7e00); got == got {
		t.Errorf("NaN is %g", got)
	}
	if got := half(0x8000); got != 0 || !math.Signbit(float64(got)) {
		t.Errorf("-0 is %g", got)
	}
}

func TestUnreadableFilesSayWhy(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	array := func(header string, values int) string {
		return npyMagic + "\x01\x00" + string(rune(len(header))) + "\x00" + header + strings.Repeat("x", values)
	}
	for path, want := range map[string]string{
		"testdata/object.zip.pt":   "its pickle asks for os.stat_result",
		"testdata/expanded.zip.pt": "repeats the 1 values",
		"testdata/objects.npy":     "Python objects",
		"testdata":                 "no regular file",
		write("empty", ""):         `begins with ""`,
		write("lfs", "version https://git-lfs.github.com/spec/v1"): `begins with "version https://"`,
		write("html.pt", "<html>"):                                 `begins with "<html>"`,
		write("zip", "PK\x03\x04"):                                 "zip: not a valid zip file",
		write("pickle", "\x80\x02K\x01."):                          "no checkpoint of PyTorch",
		write("v9.npy", npyMagic+"\x09\x00\x00\x00"):               "version 9",
		write("long.npy", npyMagic+"\x01\x00\xff\xff"):             "a header of 65535 bytes",
		write("fields.npy", array("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4)):              "not that of a plain npy array",
		write("huge.npy", array("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }", 4)):             "does not take the 4 bytes",
		write("overflow.npy", array("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967297), }", 4)): "does not take the 4 bytes",
		write("digits.npy", array("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 4)):    "shape (9999",
		write("complex.npy", array("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8)):                      `"<c8"`,
		write("native.npy", array("{'descr': '=f4', 'fortran_order': False, 'shape': (1,), }", 4)):                       "order of bytes",
		write("cut.npy", array("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 7)):                          "does not take the 7 bytes",
		write("eval.npy", array("{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),), }", 4)):          "not that of a plain npy array",
	} {
		f, err := Open(path)
		if err == nil {
			f.Close()
		}
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
	if _, err := Open(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// FuzzOpen reads all tensors of whatever is opened: no panic, no endless work, and no memory beyond the file's.
func FuzzOpen(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) < 20 {
		f.Fatalf("%d files: %v", len(files), err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".py") {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := New(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("error without ErrFormat: %v", err)
			}
			return
		}
		for _, name := range file.Names() {
			x := file.Tensors[name]
			if int64(x.Len()) > 8<<20+100*int64(len(data)) {
				t.Fatalf("%d values in a file of %d bytes", x.Len(), len(data))
			}
			if c, err := read(x); err == nil && len(c.Values) != x.Len() {
				t.Fatalf("%d values of shape %v", len(c.Values), x.Shape)
			}
		}
	})
}
