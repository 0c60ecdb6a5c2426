package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/files"
	"github.com/cidbench/cidbench/bench/dataset/shards"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// picture is one of 8 rows, of a colour that only n has.
func picture(t testing.TB, n, width int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, width, 8))
	for i := range width * 8 {
		m.SetNRGBA(i%width, i/width, color.NRGBA{uint8(n), uint8(n >> 8), 77, 255})
	}
	var file bytes.Buffer
	if err := png.Encode(&file, m); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// folders writes so many pictures of each of three classes, below a prefix.
func folders(t testing.TB, dir, prefix string, each int) string {
	t.Helper()
	for class := range 3 {
		for i := range each {
			put(t, dir, fmt.Sprintf("%s%c/%03d.png", prefix, 'a'+class, i), picture(t, len(prefix)*1000+100*class+i, 8+i%3))
		}
	}
	return dir
}

func put(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	at := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, content, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// load imports a folder into a new data directory.
func load(t testing.TB, from string, change func(*Options)) (*shards.Index, string, error) {
	t.Helper()
	set, err := files.Open(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	o := Options{Dir: t.TempDir(), Name: "things", From: "a test", Side: 8, Tree: taxonomy.Flat("thing", set.Classes...), Workers: 3}
	if change != nil {
		change(&o)
	}
	x, err := Run(t.Context(), set, o)
	return x, o.Dir, err
}

// TestAnyNumberOfWorkers: the same files give the same bytes, index and all.
func TestAnyNumberOfWorkers(t *testing.T) {
	from := folders(t, t.TempDir(), "", 300) // more than a block
	var want map[string]string
	for _, workers := range []int{1, 2, 7} {
		_, dir, err := load(t, from, func(o *Options) { o.Workers = workers })
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		names, err := filepath.Glob(filepath.Join(dir, "things", "*"))
		if err != nil || len(names) != 3 {
			t.Fatalf("%v, %v", names, err)
		}
		for _, name := range names {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got[filepath.Base(name)] = string(content)
		}
		for name, content := range want {
			if got[name] != content {
				t.Errorf("%d workers write another %s", workers, name)
			}
		}
		want = got
	}
}

// TestImagesAreThoseOfTheFiles: every image is in the set once, under its class; a fifth is for testing.
func TestImagesAreThoseOfTheFiles(t *testing.T) {
	x, dir, err := load(t, folders(t, t.TempDir(), "", 10), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := x.Test.Counts(3); !slices.Equal(got, []int{2, 2, 2}) {
		t.Errorf("%v for testing, want 2 of 10", got)
	}
	d, err := x.Source().Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, split := range []dataset.Split{d.Train, d.Test} {
		pixels := split.Buffer()
		for i, label := range split.Labels {
			if err := split.Read(i, pixels); err != nil {
				t.Fatal(err)
			}
			n := int(pixels[0]) + int(pixels[1])<<8
			if seen[n] || n/100 != int(label) || !bytes.Equal(pixels[:3], pixels[len(pixels)-3:]) {
				t.Errorf("image %d of class %d is picture %d", i, label, n)
			}
			seen[n] = true
		}
	}
	if len(seen) != 30 {
		t.Errorf("%d pictures", len(seen))
	}
	if s := x.Sizes; s.MinWidth != 8 || s.MaxWidth != 10 || s.MinHeight != 8 || s.MaxHeight != 8 || s.Resized != 18 {
		t.Errorf("sizes %+v", *s)
	}
}

// The choice of images for testing does not depend on what files are called.
func TestSplitByContent(t *testing.T) {
	from := folders(t, t.TempDir(), "", 10)
	x, _, err := load(t, from, nil)
	if err != nil {
		t.Fatal(err)
	}
	renamed := t.TempDir()
	for class := range 3 {
		for i := range 10 { // in the opposite order
			content, err := os.ReadFile(filepath.Join(from, string(rune('a'+class)), fmt.Sprintf("%03d.png", i)))
			if err != nil {
				t.Fatal(err)
			}
			put(t, renamed, fmt.Sprintf("%c/%03d.png", 'a'+class, 9-i), content)
		}
	}
	y, _, err := load(t, renamed, nil)
	if err != nil {
		t.Fatal(err)
	}
	if x.Test.Shards[0].Images != 6 || y.Content == x.Content {
		t.Error("the order of files is part of the content")
	}
	if test := func(x *shards.Index) int { return len(x.Test.Labels) }; test(x) != test(y) {
		t.Errorf("%d and %d for testing", test(x), test(y))
	}
}

// TestFindings: what is wrong with files is named, and fails the import unless it is to be left out.
func TestFindings(t *testing.T) {
	from := folders(t, t.TempDir(), "train/", 4)
	folders(t, from, "test/", 3)
	put(t, from, "train/a/cut.png", picture(t, 9000, 8)[:40])
	put(t, from, "train/a/empty.jpg", nil)
	put(t, from, "train/a/notes.txt", []byte("mine"))
	put(t, from, "train/a/really.jpg", picture(t, 9001, 8))
	put(t, from, "train/a/z.png", picture(t, 9002, 8))
	put(t, from, "train/a/zz.png", picture(t, 9002, 8))
	put(t, from, "train/b/z1.png", picture(t, 9003, 8))
	put(t, from, "train/c/z2.png", picture(t, 9003, 8))
	put(t, from, "train/b/y1.png", picture(t, 9004, 8))
	put(t, from, "test/b/y2.png", picture(t, 9004, 8))
	for _, link := range []string{"train/a/away.png", "train/d", ".#readme.txt"} {
		if err := os.Symlink("/nowhere/at/all", filepath.Join(from, link)); err != nil {
			t.Fatal(err)
		}
	}
	put(t, from, "LICENSE", []byte("free"))
	put(t, from, "readme.txt", []byte("hello"))
	bad := map[string]string{
		"train/a/cut.png": "truncated", "train/a/empty.jpg": "empty", "train/a/notes.txt": "no picture", "train/a/zz.png": Twice,
		"train/b/z1.png": TwoClasses, "train/c/z2.png": TwoClasses, "train/b/y1.png": TwoSplits, "train/a/away.png": Unreadable, "train/d": Unreadable,
	}
	const counts = "9 files give no image: 1 duplicate in its class, 1 duplicate in training and test, 2 duplicate in two classes, 1 empty, 1 no picture, 1 truncated, 2 unreadable"
	_, dir, err := load(t, from, nil)
	var wrong *BadError
	if !errors.As(err, &wrong) || !errors.Is(err, dataset.ErrFiles) || len(wrong.Findings) != len(bad) || !strings.HasPrefix(err.Error(), counts) {
		t.Fatalf("bad files: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("a failed import leaves %v, %v", left, err)
	}
	x, dir, err := load(t, from, func(o *Options) { o.SkipBad = true })
	if err != nil {
		t.Fatal(err)
	}
	licence := filepath.Join(dir, x.Name, "LICENSE")
	if text, err := os.ReadFile(licence); err != nil || string(text) != "free" || len(x.Notices) != 1 {
		t.Errorf("the licence became %q, %v, and notices %v", text, err, x.Notices)
	}
	if err := os.WriteFile(licence, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := shards.Verify(dir, x.Name); !errors.Is(err, dataset.ErrDigest) || !strings.Contains(err.Error(), "LICENSE") {
		t.Errorf("another licence: %v", err)
	}
	for _, f := range x.LeftOut {
		if bad[f.File] != f.What || !strings.Contains(wrong.Error(), f.File) {
			t.Errorf("%s is left out as %q, want %q", f.File, f.What, bad[f.File])
		}
		delete(bad, f.File)
	}
	if len(bad) > 0 {
		t.Errorf("not left out: %v", bad)
	}
	if train, test := x.Train.Counts(3), x.Test.Counts(3); !slices.Equal(train, []int{6, 4, 4}) || !slices.Equal(test, []int{3, 4, 3}) {
		t.Errorf("%v for training, %v for test", train, test)
	}
	var noted []string
	for _, f := range x.Noted {
		noted = append(noted, f.File+": "+f.What)
	}
	if want := []string{".#readme.txt: " + NoClass, "readme.txt: " + NoClass, "train/a/really.jpg: mislabelled: decoded as what it is"}; !slices.Equal(noted, want) {
		t.Errorf("noted %q, want %q", noted, want)
	}
}

// A published archive is what it is: taken whole, and identified by its digest and reader.
func TestPublished(t *testing.T) {
	from := folders(t, t.TempDir(), "train/", 2)
	folders(t, from, "test/", 2)
	put(t, from, "train/b/twin.png", picture(t, 6000, 8)) // that of train/a/000.png
	x, _, err := load(t, from, func(o *Options) { o.Archive, o.Published = "sha256:ab", true })
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Noted) != 2 || x.Noted[0].What != TwoClasses || len(x.Train.Labels) != 7 || x.Digest != Identity("sha256:ab", x.Reader) || x.Archive != "sha256:ab" {
		t.Errorf("noted %v, %d images, digest %s", x.Noted, len(x.Train.Labels), x.Digest)
	}
	if _, _, err := load(t, from, func(o *Options) { o.SkipBad, o.Digest = true, "sha256:ab/other" }); !errors.Is(err, dataset.ErrDigest) {
		t.Errorf("another digest than that of the catalogue: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	from := folders(t, t.TempDir(), "train/", 2)
	folders(t, from, "test/", 2)
	if err := os.RemoveAll(filepath.Join(from, "test", "b")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := load(t, from, nil); !errors.Is(err, dataset.ErrFiles) || !strings.Contains(err.Error(), `class "b" has 2 images for training and 0 for test`) {
		t.Errorf("a class without test images: %v", err)
	}
	if _, _, err := load(t, from, func(o *Options) { o.Side = 0 }); err == nil || !strings.Contains(err.Error(), "--size") {
		t.Errorf("pictures without a size: %v", err)
	}
	set, err := files.Open(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, set, Options{Dir: t.TempDir(), Name: "things", Side: 8, Tree: taxonomy.Flat("thing", set.Classes...)}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled import: %v", err)
	}
}

// Images per second of an import with one worker: photographs of the size that ImageNet's have on average.
func BenchmarkImport(b *testing.B) {
	dir := b.TempDir()
	const each = 20
	for i := range each {
		m := image.NewRGBA(image.Rect(0, 0, 500, 375))
		for k := range m.Pix {
			m.Pix[k] = uint8((k/4+i)%251 + k/9000)
		}
		var file bytes.Buffer
		if err := jpeg.Encode(&file, m, nil); err != nil {
			b.Fatal(err)
		}
		put(b, dir, fmt.Sprintf("%c/%d.jpg", 'a'+i%2, i), file.Bytes())
	}
	for b.Loop() {
		if _, _, err := load(b, dir, func(o *Options) { o.Workers, o.Side = 1, 256 }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(each*b.N)/b.Elapsed().Seconds(), "images/s")
}
