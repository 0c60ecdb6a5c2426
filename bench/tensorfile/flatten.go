package tensorfile

import (
	"fmt"
	"strconv"
)

// flattening names all tensors of a checkpoint by their way from its root.
type flattening struct {
	*File
	// left is how many bytes of names there may be. A pickle can hold the same list many times, or within itself.
	left int64
}

var errEndless = fmt.Errorf("%w: its lists and dictionaries hold each other without end", ErrFormat)

// maxDepth of dictionaries and lists within each other.
const maxDepth = 32

// flatten lists what a pickle of so many bytes holds.
func flatten(format string, root any, size int64) (*File, error) {
	const namesPerByte, least = 64, 1 << 16
	f := flattening{&File{Format: format, Metadata: map[string]string{}, Tensors: map[string]*Tensor{}}, namesPerByte*size + least}
	switch root.(type) {
	case *dict, *list, tuple, *Tensor:
	default:
		return nil, fmt.Errorf("%w: it holds no tensors", ErrFormat)
	}
	return f.File, f.add("", root, maxDepth)
}

func (f *flattening) add(name string, v any, depth int) error {
	if depth == 0 {
		return errEndless
	}
	switch v := v.(type) {
	case *Tensor:
		if f.Tensors[name] != nil {
			return fmt.Errorf("%w: two tensors are named %q", ErrFormat, name)
		}
		f.Tensors[name] = v
	case *dict:
		for _, x := range v.items {
			key, ok := scalar(x.key)
			if !ok {
				return fmt.Errorf("%w: a dictionary has a key that is neither text nor number", ErrFormat)
			}
			if err := f.spend(len(name) + len(key)); err != nil {
				return err
			}
			if text, ok := scalar(x.value); ok {
				f.Metadata[join(name, key)] = text
			} else if err := f.add(join(name, key), x.value, depth-1); err != nil {
				return err
			}
		}
	case *list:
		return f.addAll(name, v.items, depth)
	case tuple:
		return f.addAll(name, v, depth)
	}
	return nil
}

func join(name, key string) string {
	if name == "" {
		return key
	}
	return name + "/" + key
}

// spend counts a name.
func (f *flattening) spend(length int) error {
	if f.left -= int64(length) + 1; f.left < 0 {
		return errEndless
	}
	return nil
}

// addAll adds the elements of a list; numbers and texts in lists are no metadata.
func (f *flattening) addAll(name string, elements []any, depth int) error {
	for i, x := range elements {
		if err := f.spend(len(name)); err != nil {
			return err
		}
		if _, ok := scalar(x); ok {
			continue
		}
		if err := f.add(join(name, strconv.Itoa(i)), x, depth-1); err != nil {
			return err
		}
	}
	return nil
}

// scalar is a text or number, as text.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	}
	return "", false
}
