package encoderfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/tensorfile"
)

// style is how the parts of a ResNet are named.
type style int

const (
	byName style = iota // conv1, bn1, layer1 and so on, fc
	// Those of a Sequential of the children are numbers, with the max-pool among them or without: MoCo's notebook leaves
	// it out.
	withPool
	withoutPool
)

// children are the numbers of the parts that have tensors.
var children = map[style]map[string]string{
	withPool:    {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"},
	withoutPool: {"0": "conv1", "1": "bn1", "3": "layer1", "4": "layer2", "5": "layer3", "6": "layer4", "9": "fc"},
}

// candidate is a ResNet among the names of a file.
type candidate struct {
	prefix string
	style  style
	others []string          // prefixes of other encoders
	keys   map[string]string // in the file, by name in torchvision
}

// candidates finds all ResNets.
func candidates(names []string) (all []candidate) {
	held := map[string]bool{}
	for _, name := range names {
		held[name] = true
	}
	for _, name := range names {
		if prefix, ok := strings.CutSuffix(name, "conv1.weight"); ok && held[prefix+"layer1.0.conv1.weight"] {
			all = append(all, candidate{prefix: prefix})
		} else if prefix, ok := strings.CutSuffix(name, "0.weight"); ok && held[prefix+"3.0.conv1.weight"] {
			all = append(all, candidate{prefix: prefix, style: withoutPool})
		} else if ok && held[prefix+"4.0.conv1.weight"] {
			all = append(all, candidate{prefix: prefix, style: withPool})
		}
	}
	return all
}

// choose finds the ResNet that is wanted.
func choose(names []string, o Options) (candidate, error) {
	all := candidates(names)
	var prefixes []string
	for _, c := range all {
		prefixes = append(prefixes, c.prefix)
	}
	if len(all) == 0 {
		return candidate{}, fmt.Errorf("%w: none of its %d tensors are a ResNet's conv1.weight and layer1.0.conv1.weight behind one prefix; it has %s", ErrFormat, len(names), list(names))
	}
	wanted := slices.DeleteFunc(slices.Clone(all), func(c candidate) bool {
		if o.Prefix != "" {
			return c.prefix != o.Prefix
		}
		return c.momentum() != o.Momentum
	})
	switch {
	case len(wanted) == 0 && o.Prefix != "":
		return candidate{}, fmt.Errorf("%w behind the prefix %q: there are those of %q", ErrFormat, o.Prefix, prefixes)
	case len(wanted) == 0 && o.Momentum:
		return candidate{}, fmt.Errorf("%w of the keys: there are those of the prefixes %q", ErrFormat, prefixes)
	case len(wanted) == 0:
		return candidate{}, fmt.Errorf("%w: it has momentum encoders alone, of the prefixes %q: --momentum takes it", ErrFormat, prefixes)
	case len(wanted) > 1:
		return candidate{}, fmt.Errorf("%w: it has several, of the prefixes %q: name one by --prefix", ErrFormat, prefixes)
	}
	chosen := wanted[0]
	for _, p := range prefixes {
		if p != chosen.prefix && p != "" {
			chosen.others = append(chosen.others, p)
		}
	}
	return chosen, nil
}

// words are the parts of the prefix.
func (c candidate) words() []string {
	return strings.FieldsFunc(strings.ToLower(c.prefix), func(r rune) bool { return strings.ContainsRune("/._", r) })
}

// momentum says that the prefix is that of an encoder of the keys, or of a mean teacher.
func (c candidate) momentum() bool {
	return slices.ContainsFunc(c.words(), func(w string) bool {
		return slices.Contains([]string{"k", "key", "momentum", "teacher", "target", "ema"}, w)
	})
}

// moco says that the prefix is that of MoCo's encoder of queries or of keys.
func (c candidate) moco() bool {
	w := c.words()
	return slices.Contains(w, "encoder") && (slices.Contains(w, "q") || slices.Contains(w, "k"))
}

// tensors are those behind the prefix by their names in torchvision, and keys what they are called in the file.
func (c *candidate) tensors(f *tensorfile.File) map[string]*tensorfile.Tensor {
	all := map[string]*tensorfile.Tensor{}
	c.keys = map[string]string{}
	for key, t := range f.Tensors {
		name, ok := strings.CutPrefix(key, c.prefix)
		if !ok {
			continue
		}
		part, rest, _ := strings.Cut(name, ".")
		if c.style != byName {
			if part, ok = children[c.style][part]; !ok {
				continue
			}
			name = part + "." + rest
		}
		// Networks for CIFAR often call a block's downsample its shortcut.
		name = strings.Replace(name, ".shortcut.", ".downsample.", 1)
		all[name], c.keys[name] = t, key
	}
	return all
}

// named is an error of names in torchvision with the key of the file that they stand for.
func (c candidate) named(err error) error {
	if c.prefix == "" && c.style == byName {
		return err
	}
	if c.style == byName {
		return fmt.Errorf("behind the prefix %q: %w", c.prefix, err)
	}
	return fmt.Errorf("behind the prefix %q, whose parts are numbered as the children of a ResNet: %w", c.prefix, err)
}

// queue is the key of the queue that stands beside the encoder or above it, empty if there is none.
func (c candidate) queue(f *tensorfile.File) string {
	for at := c.prefix; ; {
		if f.Tensors[at+Queue] != nil {
			return at + Queue
		}
		if at == "" {
			return ""
		}
		at = at[:strings.LastIndexAny(at[:len(at)-1], "./")+1]
	}
}

// list are the first names of many.
func list(names []string) string {
	const shown = 8
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return strings.Join(names, ", ")
}
