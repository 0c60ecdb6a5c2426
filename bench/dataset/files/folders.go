package files

import (
	"encoding/csv"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/dataset/pictures"
)

// What folders of a split are called.
var (
	trainFolders = []string{"train", "training"}
	testFolders  = []string{"test", "testing", "val", "valid", "validation"}
)

// valTar and its labels are how ImageNet's validation images come: a flat tar, and a list beside it. The first list is
// Kaggle's, the second has a synset a line, in the order of the images.
const (
	valTar     = "ilsvrc2012_img_val" // in lower case
	valCSV     = "LOC_val_solution.csv"
	valSynsets = "imagenet_2012_validation_synset_labels.txt"
)

// classFolders reads class folders of pictures, or folders of a split with class folders in them.
func (p *pile) classFolders() (*Set, error) {
	s := &Set{Reader: fmt.Sprintf("folders-v1+pictures-v%d", pictures.Version)}
	tops := map[string]bool{}
	for name := range p.files {
		if top, _, ok := strings.Cut(name, "/"); ok {
			tops[canonical(top)] = true
		}
	}
	oneOf := func(names []string) string {
		i := slices.IndexFunc(names, func(name string) bool { return tops[name] })
		if i < 0 {
			return ""
		}
		return names[i]
	}
	train, test := oneOf(trainFolders), oneOf(testFolders)
	if test == valTar || train != "" && test == "" && tops[valTar] {
		test = valTar
	}
	s.HasTest = train != "" && test != ""
	val, err := p.valLabels(tops[valTar])
	if err != nil {
		return nil, err
	}
	type found struct{ name, class string }
	var images [2][]found // training, test
	classes := map[string]bool{}
	for _, name := range p.names() {
		class, rest, inFolder := strings.Cut(name, "/")
		part := 0
		if s.HasTest && inFolder {
			switch canonical(class) {
			case train:
				class, _, inFolder = strings.Cut(rest, "/")
			case test:
				part = 1
				if class, _, inFolder = strings.Cut(rest, "/"); test == valTar {
					class, inFolder = val[strings.TrimSuffix(path.Base(name), path.Ext(name))]
				}
			default: // a third folder, such as val beside test
				inFolder = false
			}
		}
		if !inFolder || hidden(name) || hidden(class) {
			s.Others = append(s.Others, name)
			continue
		}
		images[part] = append(images[part], found{name, class})
		classes[class] = true
	}
	for class := range classes {
		s.Classes = append(s.Classes, class)
	}
	slices.Sort(s.Classes)
	for part, list := range images {
		for _, f := range list {
			label, _ := slices.BinarySearch(s.Classes, f.class)
			s.Images = append(s.Images, Image{Name: f.name, Label: int32(label), Test: part == 1})
		}
	}
	s.sort()
	return s, nil
}

// canonical is the name of a folder in lower case; that of ImageNet's training images is train.
func canonical(folder string) string {
	folder = strings.ToLower(folder)
	if folder == "ilsvrc2012_img_train" {
		return "train"
	}
	return folder
}

// valLabels gives the synsets of ImageNet's validation images, by the name of the image.
func (p *pile) valLabels(wanted bool) (map[string]string, error) {
	if !wanted {
		return nil, nil
	}
	labels := map[string]string{}
	if text, err := p.read(valCSV); err == nil {
		rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", p.path, valCSV, err)
		}
		for i, row := range rows {
			synset, _, _ := strings.Cut(row[len(row)-1], " ")
			if i == 0 { // the heads
				continue
			}
			labels[row[0]] = synset
		}
		return labels, nil
	}
	lines, err := p.lines(valSynsets)
	if err != nil {
		return nil, fmt.Errorf("%s: the labels of %s.tar are missing: put %s or %s beside it, or unpack it into class folders", p.path, valTar, valCSV, valSynsets)
	}
	for i, synset := range lines {
		labels[fmt.Sprintf("ILSVRC2012_val_%08d", i+1)] = synset
	}
	return labels, nil
}

// tinyImageNet reads Tiny-ImageNet: train has class folders, val a list of labels, and test no labels at all.
func (p *pile) tinyImageNet() (*Set, error) {
	s := &Set{Reader: fmt.Sprintf("tiny-imagenet-v1+pictures-v%d", pictures.Version), HasTest: true}
	var err error
	if s.Classes, err = p.lines("wnids.txt"); err != nil {
		return nil, err
	}
	slices.Sort(s.Classes)
	const list = "val/val_annotations.txt"
	lines, err := p.lines(list)
	if err != nil {
		return nil, err
	}
	val := map[string]string{}
	for i, line := range lines {
		fields := strings.Split(line, "\t")
		if len(fields) < 2 {
			return nil, fmt.Errorf("%s: %s:%d: want a file's name, a tab and a synset", p.path, list, i+1)
		}
		val[fields[0]] = fields[1]
	}
	for _, name := range p.names() {
		parts := strings.Split(name, "/")
		class, test := "", false
		switch {
		case !pictures.Named(name):
		case len(parts) == 4 && parts[0] == "train" && parts[2] == "images":
			class = parts[1]
		case len(parts) == 3 && parts[0] == "val" && parts[1] == "images":
			class, test = val[parts[2]], true
		}
		if class == "" {
			s.Others = append(s.Others, name)
			continue
		}
		label, ok := slices.BinarySearch(s.Classes, class)
		if !ok {
			return nil, fmt.Errorf("%s: %s: synset %q is not in wnids.txt", p.path, name, class)
		}
		s.Images = append(s.Images, Image{Name: name, Label: int32(label), Test: test})
	}
	s.sort()
	return s, nil
}
