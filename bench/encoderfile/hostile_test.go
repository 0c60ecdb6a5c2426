package encoderfile

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/safetensors"
	"github.com/cidbench/cidbench/bench/tensorfile"
)

// supervised are the tensors of testdata/supervised.safetensors.
func supervised(t *testing.T) map[string]safetensors.Tensor {
	t.Helper()
	f, err := tensorfile.Open("testdata/supervised.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string]safetensors.Tensor{}
	for name, x := range f.Tensors {
		if counter(name) {
			continue
		}
		values, err := x.Floats()
		if err != nil {
			t.Fatal(err)
		}
		all[name] = safetensors.Tensor{Shape: x.Shape, Float32: values}
	}
	return all
}

func zeros(shape ...int) safetensors.Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return safetensors.Tensor{Shape: shape, Float32: make([]float32, n)}
}

func opened(t testing.TB, f safetensors.File) (*tensorfile.File, int64) {
	t.Helper()
	data, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	file, err := tensorfile.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return file, int64(len(data))
}

func TestWhatDoesNotFitIsNamed(t *testing.T) {
	whole := supervised(t)
	prefixed := func(prefixes ...string) map[string]safetensors.Tensor {
		all := map[string]safetensors.Tensor{}
		for _, p := range prefixes {
			for name, x := range whole {
				all[p+name] = x
			}
		}
		return all
	}
	with := func(name string, x safetensors.Tensor) map[string]safetensors.Tensor {
		all := maps.Clone(whole)
		all[name] = x
		return all
	}
	without := func(names ...string) map[string]safetensors.Tensor {
		all := maps.Clone(whole)
		for _, name := range names {
			delete(all, name)
		}
		return all
	}
	spoiled := func(name string, v float32) map[string]safetensors.Tensor {
		x := whole[name]
		x.Float32 = slices.Clone(x.Float32)
		x.Float32[1] = v
		return with(name, x)
	}
	for name, tc := range map[string]struct {
		tensors map[string]safetensors.Tensor
		o       Options
		want    string
	}{
		"a shape":            {with("layer1.0.conv2.weight", zeros(6, 3, 3, 3)), Options{}, "layer1.0.conv2.weight has the shape [6 3 3 3], where a ResNet of [1 2] blocks with the stem for CIFAR has [6 6 3 3]"},
		"a stem":             {with("conv1.weight", zeros(6, 3, 5, 5)), Options{}, "conv1.weight has the shape [6 3 5 5]"},
		"a grey stem":        {with("conv1.weight", zeros(6, 1, 3, 3)), Options{}, "conv1.weight has the shape [6 1 3 3], where"},
		"no channels":        {with("layer2.0.conv1.weight", zeros(0, 6, 3, 3)), Options{}, "layer2.0.conv1.weight has the shape [0 6 3 3]"},
		"missing":            {without("bn1.running_mean", "layer2.1.bn2.weight"), Options{}, "2 of its tensors are missing: bn1.running_mean, layer2.1.bn2.weight"},
		"another network":    {with("layer1.0.se.fc1.weight", zeros(2, 2)), Options{}, "has no layer1.0.se.fc1.weight: it is another network"},
		"a convolution bias": {with("conv1.bias", zeros(6)), Options{}, "has no conv1.bias"},
		"NaN":                {spoiled("layer1.0.bn1.weight", float32(math.NaN())), Options{}, "layer1.0.bn1.weight: value 1 is NaN"},
		"infinite":           {spoiled("layer1.0.bn1.bias", float32(math.Inf(1))), Options{}, "layer1.0.bn1.bias: value 1 is +Inf"},
		"a variance":         {spoiled("bn1.running_var", -1), Options{}, "bn1.running_var: value 1 is -1"},
		"whole numbers":      {with("bn1.bias", safetensors.Tensor{Shape: []int{6}, Int32: make([]int32, 6)}), Options{}, "bn1.bias: cannot be read as numbers with fractions"},
		"none":               {map[string]safetensors.Tensor{"x": zeros(2)}, Options{}, "none of its 1 tensors are a ResNet's"},
		"two":                {prefixed("a.", "b."), Options{}, `it has several, of the prefixes ["a." "b."]: name one by --prefix`},
		"no such prefix":     {prefixed("a.", "b."), Options{Prefix: "c."}, `behind the prefix "c.": there are those of ["a." "b."]`},
		"no momentum":        {prefixed("encoder_q."), Options{Momentum: true}, `of the keys: there are those of the prefixes ["encoder_q."]`},
		"momentum alone":     {prefixed("module.momentum_encoder."), Options{}, "--momentum takes it"},
		"a prefix":           {map[string]safetensors.Tensor{"e.conv1.weight": zeros(2, 3, 3, 3), "e.layer1.0.conv1.weight": zeros(2, 2, 3, 3)}, Options{}, `behind the prefix "e.": no encoder can be read: there is no layer1.0.conv2.weight`},
	} {
		f, size := opened(t, safetensors.File{Tensors: tc.tensors})
		_, _, err := importFrom(f, size, tc.o)
		if !errors.Is(err, ErrFormat) || !strings.Contains(fmt.Sprint(err), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	f, _ := opened(t, safetensors.File{Tensors: whole})
	if _, _, err := importFrom(f, 1000, Options{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "share their values") {
		t.Errorf("more values than bytes: %v", err)
	}
	if _, r, err := importFrom(f, 1<<20, Options{}); err != nil || r.Taken == 0 {
		t.Errorf("the whole file: %v", err) // else nothing above proves anything
	}
}

// TestOthersNames: of the same network behind prefixes and with shortcuts.
func TestOthersNames(t *testing.T) {
	whole := supervised(t)
	for _, tc := range []struct {
		prefix, old, new string
		head             bool
	}{
		{"module.encoder_q.", "", "", true}, {"encoder_q.", "", "", true}, {"backbone.", "", "", false}, {"module.", "", "", false},
		{"student.backbone.", ".downsample.", ".shortcut.", false},
	} {
		named := map[string]safetensors.Tensor{}
		for name, x := range whole {
			named[tc.prefix+strings.Replace(name, tc.old, tc.new, 1)] = x
		}
		f, size := opened(t, safetensors.File{Tensors: named})
		e, r, err := importFrom(f, size, Options{})
		if err != nil {
			t.Errorf("%s: %v", tc.prefix, err)
			continue
		}
		if r.Prefix != tc.prefix || (e.Config.Dim == 10) != tc.head || !slices.Equal(e.Weights["layer2.0.downsample.0.weight"], whole["layer2.0.downsample.0.weight"].Float32) {
			t.Errorf("%s: prefix %q, %d dimensions", tc.prefix, r.Prefix, e.Config.Dim)
		}
	}
}

func TestFilesThatAreNoneAreRefused(t *testing.T) {
	e, _, err := Import("testdata/supervised.safetensors", Options{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	good, err := safetensors.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		spoil func(f *safetensors.File)
		want  string
	}{
		"no config": {func(f *safetensors.File) { delete(f.Metadata, "encoder") }, "import it first"},
		"no mean":   {func(f *safetensors.File) { delete(f.Metadata, "mean") }, "metadata mean"},
		"a std":     {func(f *safetensors.File) { f.Metadata["std"] = "[1,0,1]" }, "no std of 0"},
		"blocks": {func(f *safetensors.File) {
			f.Metadata["encoder"] = strings.Replace(f.Metadata["encoder"], `"blocks":2`, `"blocks":2000000000`, 1)
		}, "2000000000 blocks in a file of"},
		"a width": {func(f *safetensors.File) {
			f.Metadata["encoder"] = strings.Replace(f.Metadata["encoder"], `"stem":[6]`, `"stem":[600000000000]`, 1)
		}, "are missing: layer1.0.downsample.0.weight"},
		"a stage":  {func(f *safetensors.File) { f.Metadata["encoder"] = `{"size":32,"stem":[6]}` }, "must not be empty"},
		"a tensor": {func(f *safetensors.File) { delete(f.Tensors, "bn1.bias") }, "missing: bn1.bias"},
		"a queue":  {func(f *safetensors.File) { f.Tensors["queue"] = zeros(5, 5) }, "queue of shape [5 5]"},
	} {
		f := safetensors.File{Tensors: maps.Clone(good.Tensors), Metadata: maps.Clone(good.Metadata)}
		tc.spoil(&f)
		file, _ := opened(t, f)
		if _, err := read(file); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	file, _ := opened(t, good)
	if _, err := read(file); err != nil {
		t.Errorf("the whole file: %v", err)
	}
}

// FuzzImport imports from any bytes, and from files of any names and shapes: lines of a name and its sizes.
func FuzzImport(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if !strings.HasSuffix(name, ".py") && !strings.HasSuffix(name, ".json") {
			f.Add(data, "")
		}
	}
	const net = "%[1]sconv1.weight 2 3 %[2]d %[2]d\n%[1]sbn1.weight 2\n%[1]sbn1.bias 2\n%[1]sbn1.running_mean 2\n%[1]sbn1.running_var 2\n" +
		"%[1]slayer1.0.conv1.weight 2 2 3 3\n%[1]slayer1.0.bn1.weight 2\n%[1]slayer1.0.bn1.bias 2\n%[1]slayer1.0.bn1.running_mean 2\n%[1]slayer1.0.bn1.running_var 2\n" +
		"%[1]slayer1.0.conv2.weight 2 2 3 3\n%[1]slayer1.0.bn2.weight 2\n%[1]slayer1.0.bn2.bias 2\n%[1]slayer1.0.bn2.running_mean 2\n%[1]slayer1.0.bn2.running_var 2\n"
	f.Add([]byte{}, fmt.Sprintf(net, "encoder_q.", 3)+"queue 4 9\nencoder_q.fc.weight 4 2\nencoder_q.fc.bias 4\n")
	f.Add([]byte{}, fmt.Sprintf(net, "", 7)+"fc.0.weight 3 2\nfc.0.bias 3\nfc.2.weight 4 3\nfc.2.bias 4\nqueue 0 4\n")
	f.Add([]byte{}, "a.0.weight 2 3 3 3\na.3.0.conv1.weight 2 2 3 3\na.3.0.conv2.weight 2 2 3 3\n")
	f.Fuzz(func(t *testing.T, data []byte, lines string) {
		if lines != "" {
			data = shaped(t, lines)
		}
		file, err := tensorfile.New(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return // package tensorfile's own
		}
		for _, o := range []Options{{}, {Momentum: true}, {Head: TakeHead}} {
			e, r, err := importFrom(file, int64(len(data)), o)
			if err != nil {
				if !errors.Is(err, ErrFormat) {
					t.Fatalf("error without ErrFormat: %v", err)
				}
				continue
			}
			values := 0
			for _, w := range e.Weights {
				values += len(w)
			}
			if values > len(data) {
				t.Fatalf("%d values from %d bytes", values, len(data))
			}
			written, err := e.Encode()
			if err != nil {
				t.Fatalf("what was imported cannot be written: %v", err)
			}
			again, err := tensorfile.New(bytes.NewReader(written), int64(len(written)))
			if err == nil {
				_, err = read(again)
			}
			if err != nil {
				t.Fatalf("what was written cannot be read: %v\n%+v", err, r)
			}
		}
		if _, err := read(file); err != nil && !errors.Is(err, ErrFormat) {
			t.Fatalf("error without ErrFormat: %v", err)
		}
	})
}

// shaped is a file of zeros with tensors of names and sizes, as far as they are small.
func shaped(t *testing.T, lines string) []byte {
	t.Helper()
	f := safetensors.File{Tensors: map[string]safetensors.Tensor{}}
	total := 0
	for line := range strings.Lines(lines) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "__metadata__" || !strings.EqualFold(fields[0], strings.ToValidUTF8(fields[0], "")) {
			continue
		}
		shape, n := []int{}, 1
		for _, field := range fields[1:] {
			d, err := strconv.Atoi(field)
			if err != nil || d < 0 || d > 64 {
				return nil
			}
			shape, n = append(shape, d), n*d
			if n > 1<<12 {
				return nil
			}
		}
		if total += n; total > 1<<16 {
			return nil
		}
		f.Tensors[fields[0]] = zeros(shape...)
	}
	data, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}
