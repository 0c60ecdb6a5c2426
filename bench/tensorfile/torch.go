package tensorfile

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/cidbench/cidbench/bench/safetensors"
)

// checkpoint gathers what PyTorch's pickle refers to.
type checkpoint struct {
	// find says where the values of a storage of so many bytes lie.
	find     func(key string, size int64) (*storage, error)
	storages map[string]*storage
}

// stored is a storage with the type of its values.
type stored struct {
	*storage
	dtype string
}

// storageTypes are PyTorch's, by the types of their values.
var storageTypes = map[global]string{
	"torch.FloatStorage": "F32", "torch.DoubleStorage": "F64", "torch.HalfStorage": "F16", "torch.BFloat16Storage": "BF16",
	"torch.LongStorage": "I64", "torch.IntStorage": "I32", "torch.ShortStorage": "I16", "torch.CharStorage": "I8",
	"torch.ByteStorage": "U8", "torch.BoolStorage": "BOOL",
}

// load makes a storage of a persistent id: 'storage', its type, key, device and number of values, and in the legacy
// form None, or which part of another storage it is.
func (c *checkpoint) load(id any) (any, error) {
	parts, _ := id.(tuple)
	if len(parts) < 5 || len(parts) > 6 || parts[0] != "storage" {
		return nil, fmt.Errorf("%w: a persistent id is none of a storage: %.200v", ErrFormat, id)
	}
	if len(parts) == 6 && parts[5] != nil {
		return nil, fmt.Errorf("%w: a storage is a view of another, as before PyTorch 0.4: save it again with a newer one", ErrFormat)
	}
	class, _ := parts[1].(global)
	dtype, ok := storageTypes[class]
	if !ok {
		return nil, refused(class)
	}
	key, ok := parts[2].(string)
	count, also := parts[4].(int64)
	if !ok || !also || count < 0 || count > maxValues {
		return nil, fmt.Errorf("%w: storage %.200v", ErrFormat, parts[2:])
	}
	size := count * safetensors.ItemSize(dtype)
	s := c.storages[key]
	if s == nil {
		var err error
		if s, err = c.find(key, size); err != nil {
			return nil, err
		}
		c.storages[key] = s
	}
	if s.bytes != size {
		return nil, fmt.Errorf("%w: storage %q has %d bytes, not %d", ErrFormat, key, s.bytes, size)
	}
	return stored{s, dtype}, nil
}

func refused(function global) error {
	return fmt.Errorf("%w: its pickle asks for %s, and nothing but tensors, numbers, texts, lists and dictionaries of them is read: in Python, save those alone, such as torch.save(checkpoint['state_dict'], FILE)", ErrFormat, function)
}

// call makes what PyTorch's own functions would, of those that are known.
func (c *checkpoint) call(function global, args tuple) (any, error) {
	switch function {
	case "collections.OrderedDict":
		if len(args) == 0 {
			return &dict{}, nil
		}
	case "torch.Size":
		if len(args) == 1 {
			if sizes, ok := args[0].(tuple); ok {
				return sizes, nil
			}
		}
	case "torch._utils._rebuild_parameter": // a tensor, whether it has a gradient, hooks
		if len(args) == 3 {
			if t, ok := args[0].(*Tensor); ok {
				return t, nil
			}
		}
	case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2": // storage, offset, shape, strides; gradient, hooks, metadata
		if len(args) >= 4 && len(args) <= 7 {
			return rebuild(args)
		}
	default:
		return nil, refused(function)
	}
	return nil, fmt.Errorf("%w: %s has arguments that it does not take", ErrFormat, function)
}

func rebuild(args tuple) (any, error) {
	s, ok := args[0].(stored)
	offset, also := args[1].(int64)
	shape, err := sizes(args[2])
	stride, err2 := sizes(args[3])
	if !ok || !also || err != nil || err2 != nil {
		return nil, fmt.Errorf("%w: a tensor of %.200v", ErrFormat, args)
	}
	t := &Tensor{DType: s.dtype, storage: s.storage, offset: offset, stride: stride, item: safetensors.ItemSize(s.dtype), order: binary.LittleEndian}
	for _, d := range shape {
		t.Shape = append(t.Shape, int(d))
	}
	return t, t.check()
}

func sizes(v any) (all []int64, err error) {
	parts, ok := v.(tuple)
	for _, part := range parts {
		n, whole := part.(int64)
		ok = ok && whole && n >= 0
		all = append(all, n)
	}
	if !ok {
		err = fmt.Errorf("%w: %v are no sizes", ErrFormat, v)
	}
	return all, err
}

// openZip tells npz from a checkpoint, which has a folder with data.pkl and in data/KEY its storages.
func openZip(r io.ReaderAt, size int64) (*File, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	entries, folder := map[string]*zip.File{}, ""
	for _, entry := range archive.File {
		if entries[entry.Name] != nil {
			return nil, fmt.Errorf("%w: two entries are named %q", ErrFormat, entry.Name)
		}
		entries[entry.Name] = entry
		if path.Base(entry.Name) == "data.pkl" && folder == "" {
			folder = path.Dir(entry.Name)
		}
	}
	if folder == "" {
		return openNPZ(archive, size)
	}
	if entries[folder+"/constants.pkl"] != nil {
		return nil, fmt.Errorf("%w: it is a program of TorchScript: save its state_dict instead", ErrFormat)
	}
	find := func(name string) (*storage, error) {
		entry := entries[folder+"/"+name]
		if entry == nil {
			return nil, fmt.Errorf("%w: there is no %s/%s in it", ErrFormat, folder, name)
		}
		return zipStorage(entry, size)
	}
	if err := checkByteOrder(find, entries[folder+"/byteorder"] != nil); err != nil {
		return nil, err
	}
	pickle, err := find("data.pkl")
	if err != nil {
		return nil, err
	}
	data, err := pickle.open()
	if err != nil {
		return nil, err
	}
	defer data.Close()
	c := checkpoint{storages: map[string]*storage{}, find: func(key string, _ int64) (*storage, error) { return find("data/" + key) }}
	u := newUnpickler(data, pickle.bytes)
	u.call, u.load = c.call, c.load
	root, err := u.next()
	if err != nil {
		return nil, err
	}
	return flatten("PyTorch", root, pickle.bytes)
}

// checkByteOrder wants little-endian storages; before version 2 PyTorch did not say, and they were.
func checkByteOrder(find func(string) (*storage, error), said bool) error {
	if !said {
		return nil
	}
	s, err := find("byteorder")
	if err != nil {
		return err
	}
	r, err := s.open()
	if err != nil {
		return err
	}
	defer r.Close()
	if order, err := io.ReadAll(io.LimitReader(r, 16)); err != nil || string(order) != "little" {
		return fmt.Errorf("%w: its order of bytes is %q, not little", ErrFormat, order)
	}
	return nil
}

// legacyMagic is the number that begins a legacy file.
const legacyMagic = long("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")

// openLegacy reads the form from before PyTorch 1.6: five pickles - a magic number, a version, the machine, the
// checkpoint and the keys of its storages - and then for each key the number of values, in eight bytes, and the values.
func openLegacy(r io.ReaderAt, size int64) (*File, error) {
	c := checkpoint{storages: map[string]*storage{}, find: func(key string, want int64) (*storage, error) {
		if want > size {
			return nil, fmt.Errorf("%w: storage %q claims %d bytes in a file of %d", ErrFormat, key, want, size)
		}
		return &storage{bytes: want}, nil // where, the end of the file says
	}}
	var parts [5]any
	u := newUnpickler(io.NewSectionReader(r, 0, size), size)
	refuseCall, refuseLoad := u.call, u.load
	length := int64(0)
	for i := range parts {
		u.call, u.load = refuseCall, refuseLoad
		if i == 3 {
			u.call, u.load, length = c.call, c.load, u.left
		}
		var err error
		if parts[i], err = u.next(); err != nil {
			return nil, err
		}
		machine, _ := parts[2].(*dict)
		switch {
		case i == 0 && parts[0] != legacyMagic:
			err = fmt.Errorf("%w: it is a pickle, but no checkpoint of PyTorch", ErrFormat)
		case i == 1 && parts[1] != int64(1001):
			err = fmt.Errorf("%w: version %v of PyTorch's legacy form", ErrFormat, parts[1])
		case i == 3:
			length -= u.left
		case i == 2 && (machine == nil || !slices.Contains(machine.items, item{"little_endian", true})):
			err = fmt.Errorf("%w: it is not of a little-endian machine", ErrFormat)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := c.locate(r, size, size-u.left, parts[4]); err != nil {
		return nil, err
	}
	return flatten("PyTorch legacy", parts[3], length)
}

// locate finds the storages, which follow the list of their keys at a place of the file.
func (c *checkpoint) locate(r io.ReaderAt, size, at int64, keys any) error {
	order, ok := keys.(*list)
	if !ok || len(order.items) != len(c.storages) {
		return fmt.Errorf("%w: its list of storages is not that of its pickle", ErrFormat)
	}
	for _, item := range order.items {
		key, _ := item.(string)
		s := c.storages[key]
		if s == nil || s.open != nil {
			return fmt.Errorf("%w: storage %.200v is none of its pickle, or stands twice", ErrFormat, item)
		}
		var number [8]byte
		if _, err := r.ReadAt(number[:], at); err != nil {
			return fmt.Errorf("%w: it ends before storage %q", ErrFormat, key)
		}
		at += int64(len(number))
		n := int64(binary.LittleEndian.Uint64(number[:]))
		if n < 0 || n == 0 && s.bytes != 0 || n > 0 && (s.bytes%n != 0 || s.bytes/n > 8) || s.bytes > size-at {
			return fmt.Errorf("%w: at byte %d storage %q claims %d values, where %d bytes are wanted and %d are left", ErrFormat, at, key, n, s.bytes, size-at)
		}
		*s = *section(r, at, s.bytes)
		at += s.bytes
	}
	if at != size {
		return fmt.Errorf("%w: %d bytes follow its last storage", ErrFormat, size-at)
	}
	return nil
}
