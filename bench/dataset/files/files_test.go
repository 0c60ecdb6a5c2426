package files

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/dataset"
)

// folder writes files into a new folder.
func folder(t testing.TB, content map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range content {
		at := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func tarOf(t testing.TB, content map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(content)) {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content[name])), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write([]byte(content[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func gz(t testing.TB, content string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func zipOf(t testing.TB, content map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(content)) {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(content[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// records are CIFAR's, with these labels (two each if coarse is not negative), and planes of 1, 2 and 3.
func records(coarse int, labels ...int) string {
	var out strings.Builder
	for i, label := range labels {
		if coarse >= 0 {
			out.WriteByte(byte(coarse))
		}
		out.WriteByte(byte(label))
		for plane := 1; plane <= 3; plane++ {
			out.WriteString(strings.Repeat(string(rune(plane+10*i)), cifarPixels/3))
		}
	}
	return out.String()
}

func cifar10Files() map[string]string {
	content := map[string]string{
		"cifar-10-batches-bin/batches.meta.txt": "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n",
		"cifar-10-batches-bin/test_batch.bin":   records(-1, 9, 0),
		"cifar-10-batches-bin/readme.html":      "hello",
	}
	for i := 1; i <= 5; i++ {
		content[fmt.Sprintf("cifar-10-batches-bin/data_batch_%d.bin", i)] = records(-1, i, i+1)
	}
	return content
}

func cifar100Files() map[string]string {
	names := ""
	for i := range 100 {
		names += fmt.Sprintf("class%02d\n", i)
	}
	return map[string]string{"fine_label_names.txt": names, "train.bin": records(19, 99, 3), "test.bin": records(0, 5)}
}

// idxOf is an idx file of bytes.
func idxOf(values string, shape ...uint32) string {
	out := binary.BigEndian.AppendUint32(nil, 0x800+uint32(len(shape)))
	for _, n := range shape {
		out = binary.BigEndian.AppendUint32(out, n)
	}
	return string(out) + values
}

func idxFiles() map[string]string {
	return map[string]string{
		"train-images-idx3-ubyte": idxOf("abcdefghijkl", 3, 2, 2), "train-labels-idx1-ubyte": idxOf("\x02\x00\x01", 3),
		"t10k-images-idx3-ubyte": idxOf("mnop", 1, 2, 2), "t10k-labels-idx1-ubyte": idxOf("\x01", 1), "README": "of clothes",
	}
}

func tinyFiles() map[string]string {
	return map[string]string{
		"tiny-imagenet-200/wnids.txt":                   "n02\nn01\n",
		"tiny-imagenet-200/words.txt":                   "n01\ta\n",
		"tiny-imagenet-200/train/n01/images/n01_0.JPEG": "a",
		"tiny-imagenet-200/train/n01/n01_boxes.txt":     "0",
		"tiny-imagenet-200/train/n02/images/n02_0.JPEG": "b",
		"tiny-imagenet-200/val/images/val_0.JPEG":       "c",
		"tiny-imagenet-200/val/val_annotations.txt":     "val_0.JPEG\tn02\t0\t32\t44\t62\n",
		"tiny-imagenet-200/test/images/test_0.JPEG":     "d",
	}
}

// What ImageNet's validation images show, by both lists.
const (
	synsetList = "n02\nn01\n"
	kaggleList = "ImageId,PredictionString\nILSVRC2012_val_00000002,n01 1 2 3 4 n01 5 6 7 8\nILSVRC2012_val_00000001,n02 1 2 3 4\n"
)

// imageNetFiles are ImageNet's tars, and both lists beside them.
func imageNetFiles(t testing.TB) map[string]string {
	return map[string]string{
		"ILSVRC2012_img_train.tar": tarOf(t, map[string]string{
			"n02.tar": tarOf(t, map[string]string{"n02_1.JPEG": "dog"}), "n01.tar": tarOf(t, map[string]string{"n01_1.JPEG": "cat", "n01_2.JPEG": "kitten"}),
		}),
		"ILSVRC2012_img_val.tar": tarOf(t, map[string]string{"ILSVRC2012_val_00000001.JPEG": "puppy", "ILSVRC2012_val_00000002.JPEG": "tom"}),
		valSynsets:               synsetList,
		valCSV:                   kaggleList,
	}
}

// summary is a set in a line each image.
func summary(t *testing.T, s *Set) (lines []string) {
	t.Helper()
	for i, image := range s.Images {
		content, err := s.Read(i)
		if err != nil {
			t.Fatal(err)
		}
		part := "train"
		if image.Test {
			part = "test"
		}
		lines = append(lines, fmt.Sprintf("%s %s %q", part, s.Classes[image.Label], content[:min(len(content), 12)]))
	}
	return lines
}

func write(t testing.TB, name, content string) string {
	t.Helper()
	return filepath.Join(folder(t, map[string]string{name: content}), name)
}

func TestReaders(t *testing.T) {
	plain := map[string]string{"b/2.png": "2", "b/1.png": "1", "a/x.jpg": "x", ".DS_Store": "?", "b/.hidden": "?", "LICENSE": "?"}
	split := map[string]string{"Train/a/1.png": "1", "Train/b/2.png": "2", "val/a/3.png": "3", "val/b/4.png": "4", "extra/a/5.png": "5"}
	bySynset, byKaggle := imageNetFiles(t), imageNetFiles(t)
	delete(bySynset, valCSV)
	delete(byKaggle, valSynsets)
	cifar10 := []string{
		`train automobile "\x01\x02\x03\x01\x02\x03\x01\x02\x03\x01\x02\x03"`, `train bird "\v\f\r\v\f\r\v\f\r\v\f\r"`,
	}
	val := []string{`train n01 "cat"`, `train n01 "kitten"`, `train n02 "dog"`, `test n01 "tom"`, `test n02 "puppy"`}
	for name, c := range map[string]struct {
		at      string
		chosen  []string
		reader  string
		hasTest bool
		others  int
		want    []string // the first images
		images  int
	}{
		"cifar10 tar.gz": {write(t, "c.tar.gz", gz(t, tarOf(t, cifar10Files()))), nil, "cifar10-v1", true, 1, cifar10, 12},
		"cifar10 tar":    {write(t, "c.tar", tarOf(t, cifar10Files())), nil, "cifar10-v1", true, 1, cifar10, 12},
		"cifar100":       {folder(t, cifar100Files()), nil, "cifar100-v1", true, 0, []string{`train class99 "\x01\x02\x03\x01\x02\x03\x01\x02\x03\x01\x02\x03"`}, 3},
		"cifar100 part": {folder(t, cifar100Files()), []string{"class05", "class03"}, "cifar100-v1", true, 0,
			[]string{`train class03 "\v\f\r\v\f\r\v\f\r\v\f\r"`, `test class05 "\x01\x02\x03\x01\x02\x03\x01\x02\x03\x01\x02\x03"`}, 2},
		"idx": {folder(t, idxFiles()), nil, "idx-v1", true, 1,
			[]string{`train 2 "aaabbbcccddd"`, `train 0 "eeefffggghhh"`, `train 1 "iiijjjkkklll"`, `test 1 "mmmnnnoooppp"`}, 4},
		"idx of one part, in colour": {folder(t, map[string]string{
			"train-images-idx3-ubyte.gz": gz(t, idxOf("abcdef", 1, 1, 2, 3)), "train-labels-idx1-ubyte.gz": gz(t, idxOf("\x00", 1))}), nil,
			"idx-v1", false, 0, []string{`train 0 "abcdef"`}, 1},
		"tiny":          {write(t, "t.zip", zipOf(t, tinyFiles())), nil, "tiny-imagenet-v1+pictures-v1", true, 5, []string{`train n01 "a"`, `train n02 "b"`, `test n02 "c"`}, 3},
		"folders":       {folder(t, plain), nil, "folders-v1+pictures-v1", false, 2, []string{`train a "x"`, `train b "1"`, `train b "2"`}, 3},
		"folders, zip":  {write(t, "f.zip", zipOf(t, plain)), nil, "folders-v1+pictures-v1", false, 2, []string{`train a "x"`, `train b "1"`, `train b "2"`}, 3},
		"chosen":        {folder(t, plain), []string{"b"}, "folders-v1+pictures-v1", false, 2, []string{`train b "1"`, `train b "2"`}, 2},
		"split":         {folder(t, split), nil, "folders-v1+pictures-v1", true, 1, []string{`train a "1"`, `train b "2"`, `test a "3"`, `test b "4"`}, 4},
		"imagenet":      {folder(t, bySynset), nil, "folders-v1+pictures-v1", true, 1, val, 5},
		"imagenet, csv": {folder(t, byKaggle), nil, "folders-v1+pictures-v1", true, 1, val, 5},
		"imagenet, the other way round": {folder(t, bySynset), []string{"n02", "n01"}, "folders-v1+pictures-v1", true, 1,
			[]string{`train n02 "dog"`, `train n01 "cat"`}, 5},
	} {
		s, err := Open(c.at, c.chosen)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := summary(t, s)
		if s.Reader != c.reader || s.HasTest != c.hasTest || len(s.Others) != c.others || len(got) != c.images || !slices.Equal(got[:len(c.want)], c.want) {
			t.Errorf("%s: read by %s, test %t, others %q, %d images:\n%s", name, s.Reader, s.HasTest, s.Others, len(got), strings.Join(got, "\n"))
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What says who made the pictures comes along; so does it with raw pixels, of which the files are not kept.
func TestNotices(t *testing.T) {
	raw := idxFiles()
	raw["ATTRIBUTION.csv"], raw["more/LICENSE"] = "them", "not beside the images"
	for at, want := range map[string]map[string]string{
		folder(t, map[string]string{"a/1.png": "1", "b/1.png": "2", "license.txt": "free", "licensed/1.png": "3"}): {"license.txt": "free"},
		folder(t, raw): {"ATTRIBUTION.csv": "them"},
	} {
		s, err := Open(at, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for name, content := range s.Notices {
			got[name] = string(content)
		}
		if !maps.Equal(got, want) || slices.Contains(s.Others, "license.txt") || slices.Contains(s.Others, "ATTRIBUTION.csv") {
			t.Errorf("notices %q, others %q", got, s.Others)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Subsets of ImageNet are folders of links.
func TestLinks(t *testing.T) {
	whole := folder(t, map[string]string{"a/1.png": "1", "b/2.png": "2", "c/3.png": "3"})
	part := t.TempDir()
	for _, class := range []string{"b", "c"} {
		if err := os.Symlink(filepath.Join(whole, class), filepath.Join(part, class)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(part, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := summary(t, s); !slices.Equal(got, []string{`train b "2"`, `train c "3"`}) {
		t.Errorf("%q", got)
	}
	if err := os.Symlink(part, filepath.Join(part, "round")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(part, nil); !errors.Is(err, dataset.ErrFiles) || !strings.Contains(err.Error(), "links") {
		t.Errorf("links that lead round: %v", err)
	}
}

// An error names the file, the byte and what was expected.
func TestErrors(t *testing.T) {
	change := func(content map[string]string, name, text string) map[string]string {
		content[name] = text
		return content
	}
	const batch = "cifar-10-batches-bin/data_batch_3.bin"
	for name, c := range map[string]struct {
		at     string
		chosen []string
		says   []string
	}{
		"cut record":     {folder(t, change(cifar10Files(), batch, records(-1, 1)+"abc")), nil, []string{"data_batch_3.bin", "byte 3073", "3 bytes", "records of 3073"}},
		"empty batch":    {folder(t, change(cifar10Files(), batch, "")), nil, []string{"data_batch_3.bin"}},
		"label":          {folder(t, change(cifar10Files(), batch, records(-1, 1, 10))), nil, []string{"byte 3073", "label 10", "0 to 9"}},
		"coarse label":   {folder(t, change(cifar100Files(), "train.bin", records(20, 1))), nil, []string{"train.bin", "byte 0", "coarse label 20"}},
		"fine label":     {folder(t, change(cifar100Files(), "train.bin", records(1, 1, 100))), nil, []string{"byte 3075", "label 100"}},
		"names":          {folder(t, change(cifar100Files(), "fine_label_names.txt", "a\n")), nil, []string{"fine_label_names.txt", "1 names"}},
		"python version": {folder(t, map[string]string{"data_batch_1": "\x80"}), nil, []string{"binary version"}},
		"idx magic":      {folder(t, change(idxFiles(), "train-images-idx3-ubyte", "\x1f\x8b\x08")), nil, []string{"train-images", "byte 0", "00 00 08"}},
		"idx short":      {folder(t, change(idxFiles(), "train-images-idx3-ubyte", idxOf("abc", 3, 2, 2))), nil, []string{"byte 16", "3 bytes", "[3 2 2]"}},
		"idx huge":       {folder(t, change(idxFiles(), "train-images-idx3-ubyte", idxOf("abc", 1<<31, 1<<31, 1<<31))), nil, []string{"byte 4", "dimension"}},
		"idx none":       {folder(t, change(idxFiles(), "train-images-idx3-ubyte", idxOf("", 0, 2, 2))), nil, []string{"dimension of 0"}},
		"idx labels":     {folder(t, change(idxFiles(), "train-labels-idx1-ubyte", idxOf("\x00", 1))), nil, []string{"1 labels for 3 images"}},
		"idx size":       {folder(t, change(idxFiles(), "t10k-images-idx3-ubyte", idxOf("abc", 1, 1, 3))), nil, []string{"1x3", "2x2"}},
		"idx channels":   {folder(t, change(idxFiles(), "t10k-images-idx3-ubyte", idxOf("abcd", 1, 1, 1, 4))), nil, []string{"4 channels; want 3"}},
		"idx other":      {folder(t, change(idxFiles(), "extra-images-idx3-ubyte", idxOf("abcd", 1, 2, 2))), nil, []string{"extra-images", "train"}},
		"gzip cut":       {write(t, "c.tar.gz", gz(t, tarOf(t, cifar10Files()))[:200]), nil, []string{"gzip", "unexpected EOF"}},
		"tar cut":        {write(t, "c.tar", tarOf(t, cifar10Files())[:9000]), nil, []string{"truncated?", "data_batch_2.bin"}},
		"tar in tar cut": {folder(t, map[string]string{"n01.tar": tarOf(t, map[string]string{"a.JPEG": strings.Repeat("a", 4000)})[:2000]}), nil, []string{"n01/a.JPEG", "truncated?"}},
		"no tar":         {write(t, "c.tar", strings.Repeat("hello", 500)), nil, []string{"c.tar", `begins with "hell"`, "a tar.gz"}},
		"no tar in it":   {folder(t, map[string]string{"n01.tar": strings.Repeat("hello", 500)}), nil, []string{"n01: byte", "header of a file in a tar"}},
		"short file":     {write(t, "c.tar", "a"), nil, []string{"1 bytes", "want a zip"}},
		"zip cut":        {write(t, "t.zip", zipOf(t, tinyFiles())[:300]), nil, []string{"truncated?"}},
		"nothing":        {folder(t, map[string]string{"README": "hello"}), nil, []string{"no images", "class folders"}},
		"no val labels":  {folder(t, map[string]string{"n01/a.JPEG": "a", "ILSVRC2012_img_val.tar": tarOf(t, map[string]string{"a.JPEG": "a"})}), nil, []string{valCSV, valSynsets}},
		"annotations":    {folder(t, change(tinyFiles(), "tiny-imagenet-200/val/val_annotations.txt", "a.JPEG\n")), nil, []string{"val_annotations.txt:1", "tab"}},
		"unknown synset": {folder(t, change(tinyFiles(), "tiny-imagenet-200/train/n09/images/a.JPEG", "e")), nil, []string{"n09", "wnids.txt"}},
		"unknown class":  {folder(t, map[string]string{"a/1.png": "1", "c/1.png": "1"}), []string{"b"}, []string{`no class "b"`}},
		"class twice":    {folder(t, map[string]string{"a/1.png": "1", "c/1.png": "1"}), []string{"a", "a"}, []string{"chosen twice"}},
	} {
		_, err := Open(c.at, c.chosen)
		if !errors.Is(err, dataset.ErrFiles) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range append(c.says, c.at) {
			if name != "class twice" && !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %q", name, err, part)
			}
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "nothing"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a path without a file: %v", err)
	}
}

// Whatever is in an archive, there is an error or a set whose images can be read.
func FuzzArchive(f *testing.F) {
	for _, content := range []map[string]string{cifar10Files(), cifar100Files(), idxFiles(), tinyFiles(), imageNetFiles(f), {"a/1.png": "1", "b.tar": "x"}} {
		f.Add([]byte(gz(f, tarOf(f, content))))
		f.Add([]byte(zipOf(f, content)))
	}
	f.Add([]byte(tarOf(f, tinyFiles())))
	f.Add([]byte(entries(f, tar.Header{Name: "a/1.png"}, tar.Header{Name: "a/2.png", Typeflag: tar.TypeLink, Linkname: "a/1.png"}, tar.Header{Name: "b/3.png", Typeflag: tar.TypeSymlink, Linkname: "../a/1.png"})))
	f.Add([]byte(gz(f, tarOf(f, map[string]string{"n01.tar": tarOf(f, map[string]string{"a": "b"})}))))
	f.Fuzz(func(t *testing.T, archive []byte) { check(t, write(t, "archive", string(archive))) })
}

// Whatever is in the files that readers parse, likewise.
func FuzzFiles(f *testing.F) {
	bases := func() []map[string]string {
		unpacked := map[string]string{
			"ILSVRC2012_img_train/n01/a.JPEG": "cat", "ILSVRC2012_img_train/n02/b.JPEG": "dog", "ILSVRC2012_img_val/ILSVRC2012_val_00000001.JPEG": "tom",
		}
		bySynset, byKaggle := maps.Clone(unpacked), unpacked
		bySynset[valSynsets], byKaggle[valCSV] = synsetList, kaggleList
		return []map[string]string{cifar10Files(), cifar100Files(), idxFiles(), tinyFiles(), bySynset, byKaggle}
	}
	for _, content := range bases() {
		for name, text := range content {
			f.Add(name, text, 0)
		}
	}
	f.Fuzz(func(t *testing.T, name, text string, _ int) {
		for _, content := range bases() {
			if content[name] = text; filepath.IsLocal(name) && !strings.ContainsAny(name, "\x00\\") {
				p := &pile{path: "fuzz", files: map[string]member{}, close: func() error { return nil }}
				for name, text := range content {
					p.files[name] = member{size: int64(len(text)), read: func() ([]byte, error) { return []byte(text), nil }}
				}
				p.under()
				s, err := p.set(nil)
				if err == nil {
					s.pile = p
					checkSet(t, s)
				}
			}
		}
	})
}

func check(t *testing.T, at string) {
	s, err := Open(at, nil)
	if err != nil {
		return
	}
	checkSet(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func checkSet(t *testing.T, s *Set) {
	for i, image := range s.Images {
		if image.Label < 0 || int(image.Label) >= len(s.Classes) {
			t.Fatalf("%s: label %d of %d", image.Name, image.Label, len(s.Classes))
		}
		content, err := s.Read(i)
		if s.Raw() && (err != nil || len(content) != s.Height*s.Width*dataset.Channels) {
			t.Fatalf("%s: %d bytes of %dx%d, %v", image.Name, len(content), s.Height, s.Width, err)
		}
	}
}
