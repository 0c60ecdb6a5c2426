package tensorfile

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/bench/safetensors"
)

// The format is NumPy's NEP 1, with versions 2 and 3 of the header.
const (
	npyMagic = "\x93NUMPY"
	textType = "TEXT"
	// maxNPYHeader is far above what an array needs without named fields.
	maxNPYHeader = 1 << 16
)

var npyHeader = regexp.MustCompile(`^\{'descr': ?'([^']*)', ?'fortran_order': ?(True|False), ?'shape': ?\(([0-9, ]*)\),? ?\} *\n?$`)

func openNPY(r io.ReaderAt, size int64) (*File, error) {
	t, start, err := readNPY(io.NewSectionReader(r, 0, size), size)
	if err != nil {
		return nil, err
	}
	t.storage = section(r, start, size-start)
	return &File{Format: "npy", Tensors: map[string]*Tensor{"": t}}, nil
}

// readNPY reads the header of an array of so many bytes, and says where its values start; all but their storage.
func readNPY(r io.Reader, size int64) (*Tensor, int64, error) {
	prefix := make([]byte, 10)
	if _, err := io.ReadFull(r, prefix); err != nil || string(prefix[:6]) != npyMagic {
		return nil, 0, fmt.Errorf("%w: it does not begin as an npy array of NumPy", ErrFormat)
	}
	length, start := int64(binary.LittleEndian.Uint16(prefix[8:])), int64(10)
	switch version := prefix[6]; version {
	case 1:
	case 2, 3:
		more := make([]byte, 2)
		if _, err := io.ReadFull(r, more); err != nil {
			return nil, 0, fmt.Errorf("%w: it ends in its header", ErrFormat)
		}
		length, start = length|int64(binary.LittleEndian.Uint16(more))<<16, 12
	default:
		return nil, 0, fmt.Errorf("%w: version %d of npy is not known", ErrFormat, version)
	}
	if length > maxNPYHeader || start+length > size {
		return nil, 0, fmt.Errorf("%w: a header of %d bytes in an npy array of %d", ErrFormat, length, size)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, 0, fmt.Errorf("%w: it ends in its header", ErrFormat)
	}
	start += length
	t, err := parseNPY(string(text))
	if err != nil {
		return nil, 0, err
	}
	if n, ok := product(t.Shape); !ok || int64(n) != (size-start)/t.item || (size-start)%t.item != 0 {
		return nil, 0, fmt.Errorf("%w: shape %v of %d bytes a value does not take the %d bytes that follow its header", ErrFormat, t.Shape, t.item, size-start)
	}
	return t, start, nil
}

func parseNPY(header string) (*Tensor, error) {
	parts := npyHeader.FindStringSubmatch(header)
	if parts == nil {
		return nil, fmt.Errorf("%w: its header is not that of a plain npy array: %.200q", ErrFormat, header)
	}
	t, err := npyType(parts[1])
	if err != nil {
		return nil, err
	}
	for d := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(parts[3]), ","), ",") {
		if parts[3] == "" {
			break // a scalar
		}
		n, err := strconv.Atoi(strings.TrimSpace(d))
		if err != nil {
			return nil, fmt.Errorf("%w: shape (%s)", ErrFormat, parts[3])
		}
		t.Shape = append(t.Shape, n)
	}
	t.stride = rowMajor(t.Shape)
	if parts[2] == "True" {
		t.stride = columnMajor(t.Shape)
	}
	return t, nil
}

var npyNumber = map[string]string{
	"b1": "BOOL", "u1": "U8", "i1": "I8", "u2": "U16", "i2": "I16", "u4": "U32", "i4": "I32", "u8": "U64", "i8": "I64",
	"f2": "F16", "f4": "F32", "f8": "F64",
}

// npyType reads a descr such as <f4: the order of bytes, a kind, and a size.
func npyType(descr string) (*Tensor, error) {
	refuse := func(why string) (*Tensor, error) {
		return nil, fmt.Errorf("%w: type %q of NumPy %s", ErrFormat, descr, why)
	}
	if len(descr) < 2 {
		return refuse("is not known")
	}
	t := &Tensor{order: binary.LittleEndian}
	switch descr[0] {
	case '<', '|':
	case '>':
		t.order = binary.BigEndian
	default:
		return refuse("does not say its order of bytes")
	}
	if t.DType = npyNumber[descr[1:]]; t.DType != "" {
		t.item = safetensors.ItemSize(t.DType)
		return t, nil
	}
	const longest = 1 << 12 // characters
	n, err := strconv.Atoi(descr[2:])
	switch kind := descr[1]; {
	case kind == 'O':
		return refuse("is Python objects, which are not read: save numbers or strings, as with astype('U')")
	case err != nil || n < 1 || n > longest || kind != 'U' && kind != 'S':
		return refuse("is not read")
	case kind == 'U':
		t.DType, t.item = textType, int64(4*n)
	default:
		t.DType, t.item, t.order = textType, int64(n), nil
	}
	return t, nil
}

// openNPZ reads a zip file of arrays.
func openNPZ(archive *zip.Reader, size int64) (*File, error) {
	f := &File{Format: "npz", Tensors: map[string]*Tensor{}}
	for _, entry := range archive.File {
		name, ok := strings.CutSuffix(entry.Name, ".npy")
		if !ok {
			return nil, fmt.Errorf("%w: a zip file with %q is neither npz of NumPy nor a checkpoint of PyTorch", ErrFormat, entry.Name)
		}
		if f.Tensors[name] != nil {
			return nil, fmt.Errorf("%w: two arrays are named %q", ErrFormat, name)
		}
		t, err := npzArray(entry, size)
		if err != nil {
			return nil, fmt.Errorf("array %q: %w", name, err)
		}
		f.Tensors[name] = t
	}
	return f, nil
}

func npzArray(entry *zip.File, size int64) (*Tensor, error) {
	whole, err := zipStorage(entry, size)
	if err != nil {
		return nil, err
	}
	r, err := whole.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	t, start, err := readNPY(r, whole.bytes)
	if err != nil {
		return nil, err
	}
	t.storage = &storage{bytes: whole.bytes - start, open: func() (io.ReadCloser, error) {
		r, err := whole.open()
		if err == nil {
			if _, err = io.CopyN(io.Discard, r, start); err != nil {
				r.Close()
			}
		}
		return r, err
	}}
	return t, nil
}

// zipStorage is the content of an entry of a zip file of so many bytes. One that claims more than numbers are ever
// compressed to is refused, before memory is taken for it.
func zipStorage(entry *zip.File, size int64) (*storage, error) {
	const plain, ratio = 8 << 20, 100
	packed, unpacked := entry.CompressedSize64, entry.UncompressedSize64
	if packed > uint64(size) || unpacked > plain && unpacked/ratio > packed || entry.Method == zip.Store && packed != unpacked {
		return nil, fmt.Errorf("%w: %q claims %d bytes that unpack to %d, in a file of %d", ErrFormat, entry.Name, packed, unpacked, size)
	}
	return &storage{bytes: int64(entry.UncompressedSize64), open: func() (io.ReadCloser, error) {
		r, err := entry.Open()
		if err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrFormat, entry.Name, err)
		}
		return r, nil
	}}, nil
}
