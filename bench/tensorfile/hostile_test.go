package tensorfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// Parts of pickles, in the text that pickletools would show as opcodes.
const (
	storageID = "(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ" // of four values
	rebuildV2 = "ctorch._utils\n_rebuild_tensor_v2\n"
)

// tensor is the pickle of one on the storage.
func tensor(offset, shape, stride string) string {
	return "\x80\x02" + rebuildV2 + "(" + storageID + offset + "(" + shape + "t(" + stride + "t\x89}tR."
}

// zipped is a checkpoint in the zip form with a storage of four values.
func zipped(t testing.TB, pickle string) []byte {
	t.Helper()
	var file bytes.Buffer
	w := zip.NewWriter(&file)
	for _, entry := range []struct{ name, text string }{{"m/data.pkl", pickle}, {"m/data/0", strings.Repeat("\x00", 16)}} {
		e, err := w.CreateHeader(&zip.FileHeader{Name: entry.name, Method: zip.Store})
		if err == nil {
			_, err = e.Write([]byte(entry.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// legacy is a checkpoint in the legacy form, with what follows its pickle.
func legacy(pickle, after string) []byte {
	return []byte("\x80\x02\x8a\x0a" + string(legacyMagic) + ".\x80\x02M\xe9\x03.\x80\x02}X\x0d\x00\x00\x00little_endian\x88s." + pickle + after)
}

const (
	legacyKeys = "\x80\x02]X\x01\x00\x00\x000a."
	fourValues = "\x04\x00\x00\x00\x00\x00\x00\x00" + "0123456789abcdef"
)

func TestHandMadeCheckpointsAreRead(t *testing.T) { // else what is refused below proves nothing
	good := tensor("K\x00", "K\x02K\x02", "K\x02K\x01")
	for name, file := range map[string][]byte{"zip": zipped(t, good), "legacy": legacy(good, legacyKeys+fourValues)} {
		f, err := New(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		x, err := f.Tensor("")
		if err == nil {
			_, err = x.Floats()
		}
		if err != nil || x.Len() != 4 {
			t.Errorf("%s: %+v, %v", name, x, err)
		}
	}
}

func TestHostilePicklesAreRefused(t *testing.T) {
	const long = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f" // 1<<63 - 1
	for name, tc := range map[string]struct{ pickle, want string }{
		"a command":             {"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR.", "asks for os.system"},
		"by stack":              {"\x80\x04\x8c\x08builtins\x8c\x04eval\x93)R.", "asks for builtins.eval"},
		"a new object":          {"\x80\x02cargparse\nNamespace\n)\x81.", "asks for argparse.Namespace"},
		"a state":               {"\x80\x02carray\narray\n}b.", "attributes"},
		"a call of a list":      {"\x80\x02]]R.", "no function"},
		"arguments":             {"\x80\x02ccollections\nOrderedDict\n(K\x01tR.", "arguments"},
		"unknown opcode":        {"\x80\x02i.", `opcode 'i'`},
		"version":               {"\x80\x09.", "version 9"},
		"no stop":               {"\x80\x02]", "0 are left"},
		"empty":                 {"", "0 are left"},
		"nothing left":          {"\x80\x02.", "ends with 0 values"},
		"too much left":         {"\x80\x02]].", "ends with 2 values"},
		"an open mark":          {"\x80\x02](.", "ends with"},
		"underflow":             {"\x80\x02\x86.", "2 values are wanted"},
		"below a mark":          {"\x80\x02](\x85.", "1 values are wanted"},
		"no mark":               {"\x80\x02]e.", "no mark"},
		"append to a number":    {"\x80\x02K\x01]a.", "cannot hold"},
		"odd items":             {"\x80\x02}(K\x01u.", "cannot hold"},
		"memo":                  {"\x80\x02h\x07.", "no value 7"},
		"a long text":           {"\x80\x02X\xff\xff\xff\x7fabc.", "2147483647 bytes are wanted"},
		"no text":               {"\x80\x02X\x01\x00\x00\x00\xff.", "no UTF-8"},
		"a long name":           {"\x80\x02c" + strings.Repeat("a", 5000) + "\nb\n.", "a name of more than"},
		"a list of itself":      {"\x80\x02]q\x00h\x00a.", "without end"},
		"a dict of itself":      {"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.", "without end"},
		"deep":                  {"\x80\x02" + strings.Repeat("]", 1000) + strings.Repeat("a", 999) + ".", "without end"},
		"a key of a list":       {"\x80\x02}]K\x01s.", "neither text nor number"},
		"a number":              {"\x80\x02K\x01.", "no tensors"},
		"persistent":            {"\x80\x02K\x01Q.", "persistent id"},
		"a storage of a view":   {strings.Replace(tensor("K\x00", "K\x04", "K\x01"), "K\x04tQ", "K\x04(tK\x00tQ", 1), "persistent id"},
		"another size":          {strings.Replace(tensor("K\x00", "K\x04", "K\x01"), "K\x04tQ", "K\x05tQ", 1), "16 bytes, not 20"},
		"huge storage":          {strings.Replace(tensor("K\x00", "K\x04", "K\x01"), "K\x04tQ", long+"tQ", 1), "storage"},
		"negative storage":      {strings.Replace(tensor("K\x00", "K\x04", "K\x01"), "K\x04tQ", "J\xff\xff\xff\xfftQ", 1), "storage"},
		"another storage":       {strings.Replace(tensor("K\x00", "K\x04", "K\x01"), "\x000X", "\x001X", 1), "no m/data/1"},
		"a type of storage":     {strings.Replace(tensor("K\x00", "K\x04", "K\x01"), "FloatStorage", "QInt8Storage", 1), "torch.QInt8Storage"},
		"beyond its storage":    {tensor("K\x01", "K\x04", "K\x01"), "leaves its storage"},
		"a stride beyond":       {tensor("K\x00", "K\x02K\x02", "K\x03K\x01"), "leaves its storage"},
		"a stride that wraps":   {tensor("K\x00", "K\x02K\x02", long+long), "leaves its storage"},
		"an offset that wraps":  {tensor(long, "K\x02", "K\x01"), "leaves its storage"},
		"a negative offset":     {tensor("J\xff\xff\xff\xff", "K\x02", "K\x01"), "from value -1"},
		"a negative stride":     {tensor("K\x03", "K\x02", "J\xff\xff\xff\xff"), "a tensor of"},
		"strides missing":       {tensor("K\x00", "K\x02K\x02", "K\x02"), "with strides"},
		"a shape that wraps":    {tensor("K\x00", long+"K\x02", "K\x00K\x00"), "shape"},
		"values again":          {tensor("K\x00", "K\x05", "K\x00"), "repeats the 4 values"},
		"many dimensions":       {tensor("K\x00", strings.Repeat("K\x01", 40), strings.Repeat("K\x01", 40)), "shape"},
		"a tensor of no tensor": {"\x80\x02" + rebuildV2 + "(K\x01K\x01K\x01K\x01tR.", "a tensor of"},
	} {
		file := zipped(t, tc.pickle)
		_, err := New(bytes.NewReader(file), int64(len(file)))
		if !errors.Is(err, ErrFormat) || !strings.Contains(fmt.Sprint(err), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}

func TestHostileStoragesAreRefused(t *testing.T) {
	good := tensor("K\x00", "K\x04", "K\x01")
	for name, tc := range map[string]struct{ after, want string }{
		"no values":         {legacyKeys, "ends before storage"},
		"fewer":             {legacyKeys + fourValues[:20], "12 are left"},
		"more":              {legacyKeys + fourValues + "x", "1 bytes follow"},
		"another count":     {legacyKeys + "\x05" + fourValues[1:], "claims 5 values"},
		"no count":          {legacyKeys + "\x00" + fourValues[1:], "claims 0 values"},
		"a negative count":  {legacyKeys + strings.Repeat("\xff", 8) + fourValues[8:], "claims -1 values"},
		"no keys":           {"\x80\x02]." + fourValues, "list of storages"},
		"another key":       {strings.Replace(legacyKeys, "0a", "1a", 1) + fourValues, "none of its pickle"},
		"keys are no list":  {"\x80\x02}." + fourValues, "list of storages"},
		"calls in the keys": {"\x80\x02" + rebuildV2 + ")R." + fourValues, "a pickle asks for torch._utils._rebuild_tensor_v2"},
	} {
		file := legacy(good, tc.after)
		_, err := New(bytes.NewReader(file), int64(len(file)))
		if !errors.Is(err, ErrFormat) || !strings.Contains(fmt.Sprint(err), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
	claimed := legacy(strings.Replace(good, "K\x04tQ", "J\xff\xff\xff\x7ftQ", 1), legacyKeys+fourValues)
	if _, err := New(bytes.NewReader(claimed), int64(len(claimed))); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "claims 8589934588 bytes") {
		t.Errorf("a storage larger than the file: %v", err)
	}
}

// TestSharedListsAreNamedInBoundedWork holds a list ten times in a list that is held ten times, and so on.
func TestSharedListsAreNamedInBoundedWork(t *testing.T) {
	pickle := "\x80\x02]q\x00"
	for i := range 30 {
		pickle += "0](" + strings.Repeat(fmt.Sprintf("h%c", i), 10) + fmt.Sprintf("eq%c", i+1)
	}
	file := zipped(t, pickle+".")
	if _, err := New(bytes.NewReader(file), int64(len(file))); !errors.Is(err, errEndless) {
		t.Errorf("error %v", err)
	}
}

// TestBombsTakeNoMemory opens files that claim far more than they hold.
func TestBombsTakeNoMemory(t *testing.T) {
	header := "{'descr': '<f4', 'fortran_order': False, 'shape': (33554432,), }" // 128 MiB
	var bomb bytes.Buffer
	w := zip.NewWriter(&bomb)
	e, err := w.Create("x.npy")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Write([]byte(npyMagic + "\x01\x00" + string(rune(len(header))) + "\x00" + header)); err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 1 << 7 {
		if _, err := e.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	lying := bytes.Clone(bomb.Bytes()) // says that its entry is as large in the file as unpacked
	central := bytes.LastIndex(lying, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(lying[central+20:], 1<<27)
	for name, file := range map[string][]byte{"bomb": bomb.Bytes(), "lying bomb": lying} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := New(bytes.NewReader(file), int64(len(file)))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "that unpack to") {
			t.Errorf("%s: error %v", name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<22 {
			t.Errorf("%s: took %d bytes", name, took)
		}
	}
}

// FuzzPickle is FuzzOpen of what lies within both forms of checkpoints, where checksums and magic numbers would stop it.
func FuzzPickle(f *testing.F) {
	f.Add([]byte(tensor("K\x00", "K\x02K\x02", "K\x02K\x01")))
	f.Add([]byte("\x80\x02}q\x00(X\x01\x00\x00\x00a](K\x01\x8a\x02\xff\xffG?\xf0\x00\x00\x00\x00\x00\x00eX\x01\x00\x00\x00bh\x00u."))
	f.Add([]byte("\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00ccollections\nOrderedDict\n)R\x94}b."))
	f.Fuzz(func(t *testing.T, pickle []byte) {
		for _, file := range [][]byte{zipped(t, string(pickle)), legacy(string(pickle), legacyKeys+fourValues)} {
			opened, err := New(bytes.NewReader(file), int64(len(file)))
			if err != nil {
				if !errors.Is(err, ErrFormat) {
					t.Fatalf("error without ErrFormat: %v", err)
				}
				continue
			}
			for name, x := range opened.Tensors {
				if x.Len() > 4 {
					t.Fatalf("tensor %q has %d values of 4", name, x.Len())
				}
				if _, err := read(x); err != nil {
					t.Fatalf("tensor %q was accepted, and cannot be read: %v", name, err)
				}
			}
		}
	})
}
