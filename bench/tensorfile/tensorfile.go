// Package tensorfile reads named tensors from the files of others: NumPy's npy and npz, safetensors, and checkpoints
// of PyTorch, in the zip form and in that from before version 1.6. What a file is, its first bytes say, not its
// name.
//
// Files are not trusted. A pickle is read as data: nothing in it is executed, and a type that is not on a short list is
// an error that names it. Sizes are held against the length of the file before memory is taken for them.
package tensorfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// ErrFormat is wrapped by every error that says that a file, or a part of it, is not what it should be.
var ErrFormat = errors.New("cannot be read")

// File is an open file.
type File struct {
	// Format is npy, npz, safetensors, PyTorch or PyTorch legacy.
	Format string
	// Metadata are the texts and numbers beside the tensors: those of a safetensors header, and what a PyTorch
	// checkpoint holds in its dictionaries, such as epoch and arch.
	Metadata map[string]string
	// Tensors by name. That of an npy file is empty. In a PyTorch checkpoint it is the way through its dictionaries
	// and lists, joined by slashes: state_dict/module.encoder_q.conv1.weight.
	Tensors map[string]*Tensor

	close func() error
}

// Open reads what a file holds. The values of tensors are read when they are asked for, until Close.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: it is no regular file", ErrFormat)
	}
	var f *File
	if err == nil {
		f, err = New(file, info.Size())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, errors.Join(err, file.Close()))
	}
	f.close = file.Close
	return f, nil
}

// New is Open of a file of so many bytes that is open already, and stays so.
func New(r io.ReaderAt, size int64) (*File, error) {
	start := make([]byte, min(16, size))
	if _, err := r.ReadAt(start, 0); err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte(npyMagic)):
		return openNPY(r, size)
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return openZip(r, size)
	case len(start) > 8 && start[8] == '{':
		return openSafetensors(r, size)
	case len(start) > 0 && start[0] == opProto:
		return openLegacy(r, size)
	}
	return nil, fmt.Errorf("%w: it begins with %q, as no npy, npz, safetensors or PyTorch file does", ErrFormat, start)
}

// Close ends reading.
func (f *File) Close() error { return f.close() }

// Names lists the tensors in alphabetical order.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.Tensors)) }

// Tensor finds one by name; an empty name is the only one that there is.
func (f *File) Tensor(name string) (*Tensor, error) {
	if t, ok := f.Tensors[name]; ok {
		return t, nil
	}
	names := f.Names()
	if name == "" && len(names) == 1 {
		return f.Tensors[names[0]], nil
	}
	const shown = 8
	held := strings.Join(names[:min(shown, len(names))], ", ")
	if len(names) > shown {
		held += ", ..."
	}
	return nil, fmt.Errorf("%w: no tensor is named %q; of its %d tensors, name one as FILE:NAME: %s", ErrFormat, name, len(names), cmp.Or(held, "none"))
}
