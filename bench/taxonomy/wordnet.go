package taxonomy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// wordNetSource says in errors what to get, and where.
const wordNetSource = "ImageNet needs WordNet 3.0, which Debian's package wordnet-base puts into /usr/share/wordnet"

// OpenWordNet reads the tree of the named synsets from the files of WordNet 3.0 in dir. A synset is named as by
// ImageNet, by n and the eight digits of its offset - n02084071 is the dog - or by a noun, which stands for its first
// sense. They become the classes, in this order, and with their ancestors, by hypernym and instance hypernym, the
// nodes; a node has the name of the synset's first lemma. The format is described in the manual page wndb(5WN).
func OpenWordNet(dir string, names []string) (Tree, error) {
	path := filepath.Join(dir, "data.noun")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, wordNetSource)
	}
	synsets, err := firstSenses(filepath.Join(dir, "index.noun"), names)
	if err != nil {
		return nil, err
	}
	return parseNouns(path, string(text), synsets)
}

// IsSynset says whether a name is that of a synset: n and eight digits.
func IsSynset(name string) bool {
	offset, ok := strings.CutPrefix(name, "n")
	return ok && isOffset(offset)
}

// firstSenses puts synsets in the place of nouns. Blanks and dashes between words may be underscores, as in WordNet,
// and capitals do not count.
func firstSenses(path string, names []string) ([]string, error) {
	if !slices.ContainsFunc(names, func(name string) bool { return !IsSynset(name) }) {
		return names, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, wordNetSource)
	}
	return parseSenses(path, string(text), names)
}

func parseSenses(path, text string, names []string) ([]string, error) {
	lines := map[string]synsetLine{} // by lemma
	number := 0
	for line := range strings.Lines(text) {
		number++
		if lemma, _, ok := strings.Cut(line, " "); ok && lemma != "" {
			lines[lemma] = synsetLine{number, line}
		}
	}
	synsets := slices.Clone(names)
	for class, name := range names {
		if IsSynset(name) {
			continue
		}
		lemma := strings.ReplaceAll(strings.ToLower(name), " ", "_")
		line, ok := lines[lemma]
		if !ok {
			lemma = strings.ReplaceAll(lemma, "-", "_")
			line, ok = lines[lemma]
		}
		if !ok {
			return nil, fmt.Errorf("%s: class %d: %q is no noun in WordNet, and no synset such as n02084071", path, class, name)
		}
		offset, err := parseSense(line.text)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, line.number, err)
		}
		synsets[class] = "n" + offset
	}
	return synsets, nil
}

// parseSense gives the offset of the first sense in a line of the index: lemma, n, number of synsets, number of pointer
// symbols, these, number of senses, number of those that are tagged, and the offsets, the most frequent first.
func parseSense(line string) (string, error) {
	f := strings.Fields(line)
	if len(f) < 4 || f[1] != "n" {
		return "", fmt.Errorf("want a noun with the number of its synsets")
	}
	pointers, err := strconv.Atoi(f[3])
	if err != nil || pointers < 0 || pointers > len(f)-7 || !isOffset(f[6+pointers]) {
		return "", fmt.Errorf("want the offset of a synset after the pointer symbols")
	}
	return f[6+pointers], nil
}

// nouns is the file data.noun, with the place of each synset.
type nouns struct {
	path  string                // for errors
	lines map[string]synsetLine // by offset
}

type synsetLine struct {
	number int // from 1
	text   string
}

// A synset is what a line says, as far as it is needed.
type synset struct {
	name      string
	hypernyms []string // offsets, each once
}

func parseNouns(path, text string, ids []string) (Tree, error) {
	file, err := indexNouns(path, text)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%s: no synsets are asked for", path)
	}
	classes := make([]string, len(ids))
	for label, id := range ids {
		offset, ok := strings.CutPrefix(id, "n")
		if !ok || !isOffset(offset) {
			return nil, fmt.Errorf("class %d: %q is no synset of a noun: want n and eight digits, like n02084071", label, id)
		}
		if _, ok := file.lines[offset]; !ok {
			return nil, fmt.Errorf("%s: no synset %s, of class %d: is it of a version other than 3.0?", path, id, label)
		}
		classes[label] = offset
	}
	return file.tree(classes)
}

// indexNouns finds the lines of the synsets. The licence above them, on lines that begin with blanks, names the
// version.
func indexNouns(path, text string) (*nouns, error) {
	file := &nouns{path: path, lines: map[string]synsetLine{}}
	version, number := "", 0
	for line := range strings.Lines(text) {
		number++
		if strings.HasPrefix(line, "  ") {
			if _, after, ok := strings.Cut(line, " WordNet "); ok && version == "" {
				version, _, _ = strings.Cut(after, " Copyright")
			}
			continue
		}
		offset, _, _ := strings.Cut(line, " ")
		if !isOffset(offset) {
			return nil, file.errorf(number, "want the eight digits of a synset's offset, or two blanks before the licence")
		}
		if first, ok := file.lines[offset]; ok {
			return nil, file.errorf(number, "synset %s is on line %d already", offset, first.number)
		}
		file.lines[offset] = synsetLine{number, line}
	}
	switch version {
	case "3.0":
		return file, nil
	case "":
		return nil, fmt.Errorf("%s: the licence of WordNet, which names its version, is missing: %s", path, wordNetSource)
	default:
		return nil, fmt.Errorf("%s: this is WordNet %q, whose synsets have other offsets: %s", path, version, wordNetSource)
	}
}

// tree hangs the synsets of the classes, by offset, and all above them, each after its hypernyms.
func (n *nouns) tree(classes []string) (Tree, error) {
	const open = -1 // its hypernyms are being added
	t, nodes, root := &Memory{}, map[string]int{}, ""
	var add func(offset string) error
	add = func(offset string) error {
		line := n.lines[offset]
		s, err := parseSynset(line.text)
		if err != nil {
			return n.errorf(line.number, "%w", err)
		}
		nodes[offset] = open
		var parents []int
		for _, h := range s.hypernyms {
			if _, ok := n.lines[h]; !ok {
				return n.errorf(line.number, "hypernym %q of synset %s is not in the file", h, offset)
			}
			if _, ok := nodes[h]; !ok {
				if err := add(h); err != nil {
					return err
				}
			}
			if nodes[h] == open {
				return n.errorf(line.number, "the hypernyms of synset %s lead round in a circle", offset)
			}
			parents = append(parents, nodes[h])
		}
		if len(parents) == 0 && root != "" {
			first, second := min(root, offset), max(root, offset)
			return n.errorf(n.lines[second].number, "synset %s has no hypernym, and neither has %s: want one root", second, first)
		}
		if len(parents) == 0 {
			root = offset
		}
		nodes[offset] = t.Add(s.name, parents...)
		return nil
	}
	for _, offset := range classes {
		if _, ok := nodes[offset]; !ok {
			if err := add(offset); err != nil {
				return nil, err
			}
		}
		t.Label(nodes[offset])
	}
	return t, nil
}

// parseSynset reads a line: offset, lexicographer file, n, number of words (two hexadecimal digits), for each a
// lemma and an id, number of pointers (three decimal digits), for each a symbol, an offset, a part of speech and
// the words it joins, and after a bar the gloss.
func parseSynset(line string) (synset, error) {
	text, _, _ := strings.Cut(line, "|")
	f := strings.Fields(text)
	if len(f) < 4 || f[2] != "n" {
		return synset{}, fmt.Errorf("no synset of a noun")
	}
	words, err := strconv.ParseUint(f[3], 16, 8)
	if f = f[4:]; err != nil || words == 0 || uint64(len(f)) <= 2*words {
		return synset{}, fmt.Errorf("the number of words does not fit the line")
	}
	s := synset{name: f[0]}
	f = f[2*words:]
	pointers, err := strconv.ParseUint(f[0], 10, 10)
	if f = f[1:]; err != nil || uint64(len(f)) != 4*pointers {
		return synset{}, fmt.Errorf("the number of pointers does not fit the line")
	}
	for p := range slices.Chunk(f, 4) {
		symbol, offset, partOfSpeech := p[0], p[1], p[2]
		hypernym := (symbol == "@" || symbol == "@i") && partOfSpeech == "n"
		if hypernym && !slices.Contains(s.hypernyms, offset) {
			s.hypernyms = append(s.hypernyms, offset)
		}
	}
	return s, nil
}

func isOffset(s string) bool {
	return len(s) == 8 && strings.Trim(s, "0123456789") == ""
}

// errorf names the file and a line of it.
func (n *nouns) errorf(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", n.path, line, fmt.Errorf(format, args...))
}
