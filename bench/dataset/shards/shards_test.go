package shards

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// image is one of 2x3 pixels, told from others by its number.
func image(n int) []uint8 { return bytes.Repeat([]uint8{uint8(n), uint8(n + 1), uint8(2 * n)}, 6) }

// index is that of a set of three classes.
func index() Index {
	tree := taxonomy.Flat("thing", "a", "b", "c")
	return Index{Name: "things", From: "a test", Reader: "test-v1", Height: 2, Width: 3, Classes: []string{"a", "b", "c"}, Tree: *taxonomy.Copy(tree)}
}

// write makes a set of 7 training and 3 test images, with three in a shard.
func write(t testing.TB, dir, identity string) *Index {
	t.Helper()
	w, err := Create(dir, index())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	w.train.per, w.test.per = 3, 3
	for i := range 10 {
		if err := w.Add(i >= 7, int32(i%3), image(i)); err != nil {
			t.Fatal(err)
		}
	}
	x, err := w.Finish(identity, "")
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestRoundTrip: what was written is read by index, from several goroutines, and is what its digest says.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	x := write(t, dir, "")
	if x.Digest != x.Content || len(x.Train.Shards) != 3 || len(x.Test.Shards) != 1 {
		t.Errorf("digest %s, content %s, shards %v and %v", x.Digest, x.Content, x.Train.Shards, x.Test.Shards)
	}
	d, err := x.Source().Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 7 || d.Test.Len() != 3 || d.Height != 2 || d.Width != 3 || strings.Join(d.Classes, " ") != "a b c" {
		t.Fatalf("%d and %d images of %dx%d, classes %v", d.Train.Len(), d.Test.Len(), d.Height, d.Width, d.Classes)
	}
	if digest, err := d.Digest(); err != nil || digest != x.Content {
		t.Errorf("the images have %s, %v; the index says %s", digest, err, x.Content)
	}
	var wait sync.WaitGroup
	for i := range 10 {
		wait.Go(func() {
			split, at := d.Train, i
			if i >= 7 {
				split, at = d.Test, i-7
			}
			got := split.Buffer()
			if err := split.Read(at, got); err != nil || !bytes.Equal(got, image(i)) || split.Labels[at] != int32(i%3) {
				t.Errorf("image %d: %v, %v, label %d", i, got, err, split.Labels[at])
			}
		})
	}
	wait.Wait()
	if verified, err := Verify(dir, "things"); err != nil || verified.Content != x.Content {
		t.Errorf("%v", err)
	}
	if names, err := List(dir); err != nil || strings.Join(names, " ") != "things" {
		t.Errorf("the directory has %v, %v", names, err)
	}
	if again := write(t, dir, "sha256:ab/test-v1"); again.Digest != "sha256:ab/test-v1" || again.Content != x.Content {
		t.Errorf("replaced by %s, %s", again.Digest, again.Content)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// TestUnfinished: a set that was not finished, or is not the one that was wanted, is not there.
func TestUnfinished(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, index())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(false, 0, image(1)); err != nil {
		t.Fatal(err)
	}
	if err := w.Add(false, 0, image(1)[:5]); err == nil {
		t.Error("an image of another size was taken")
	}
	if _, err := w.Finish("", "sha256:other"); !errors.Is(err, dataset.ErrDigest) || !strings.Contains(err.Error(), "another name") {
		t.Errorf("another digest than wanted: %v", err)
	}
	w.Abort()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
	if _, err := ReadIndex(dir, "things"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "data fetch things") {
		t.Errorf("a set that is not there: %v", err)
	}
}

// TestDamage: whatever is changed on the disk is named.
func TestDamage(t *testing.T) {
	for name, c := range map[string]struct {
		change func(folder string) error
		opens  bool // by its lengths alone, all is well
		says   string
	}{
		"flipped": {func(folder string) error {
			at := filepath.Join(folder, "train-1.u8")
			content, err := os.ReadFile(at)
			content[7] ^= 1
			return errors.Join(err, os.WriteFile(at, content, 0o644))
		}, true, "train-1.u8"},
		"cut":     {func(folder string) error { return os.Truncate(filepath.Join(folder, "test-0.u8"), 20) }, false, "test-0.u8 has 20 bytes; want 54"},
		"removed": {func(folder string) error { return os.Remove(filepath.Join(folder, "train-2.u8")) }, false, "train-2.u8"},
		"label": {func(folder string) error {
			return edit(folder, func(x *Index) { x.Train.Labels[0] = 2 })
		}, true, "labels"},
		"other name":    {func(folder string) error { return edit(folder, func(x *Index) { x.Name = "others" }) }, false, `that of "others"`},
		"scheme":        {func(folder string) error { return edit(folder, func(x *Index) { x.Scheme = 2 }) }, false, "scheme 2"},
		"size":          {func(folder string) error { return edit(folder, func(x *Index) { x.Height = 1 << 40 }) }, false, "pixels"},
		"no digest":     {func(folder string) error { return edit(folder, func(x *Index) { x.Digest = "" }) }, false, "sha256:"},
		"classes":       {func(folder string) error { return edit(folder, func(x *Index) { x.Classes = nil }) }, false, "0 classes, and a tree of 3"},
		"label outside": {func(folder string) error { return edit(folder, func(x *Index) { x.Test.Labels[1] = 3 }) }, false, "label 3 of image 1"},
		"labels lost":   {func(folder string) error { return edit(folder, func(x *Index) { x.Test.Labels = nil }) }, false, "0 labels for 3 images"},
		"place":         {func(folder string) error { return edit(folder, func(x *Index) { x.Test.Shards[0].File = "../x" }) }, false, "shard"},
		"uneven":        {func(folder string) error { return edit(folder, func(x *Index) { x.Train.Shards[1].Images = 2 }) }, false, "all but the last"},
		"no JSON":       {func(folder string) error { return os.WriteFile(filepath.Join(folder, indexName), []byte("{]"), 0o644) }, false, "byte 2"},
	} {
		dir := t.TempDir()
		x := write(t, dir, "")
		if err := c.change(filepath.Join(dir, "things")); err != nil {
			t.Fatal(err)
		}
		_, err := Read("things")(dir)
		if (err == nil) != c.opens {
			t.Errorf("%s: opened with %v", name, err)
		}
		_, err = Verify(dir, x.Name)
		if name != "removed" && !errors.Is(err, dataset.ErrDigest) || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %q", name, err, c.says)
		}
	}
}

// edit changes an index.
func edit(folder string, change func(*Index)) error {
	at := filepath.Join(folder, indexName)
	text, err := os.ReadFile(at)
	var x Index
	if err := errors.Join(err, json.Unmarshal(text, &x)); err != nil {
		return err
	}
	change(&x)
	text, err = json.Marshal(x)
	return errors.Join(err, os.WriteFile(at, text, 0o644))
}

// Whatever an index says, it is refused or can be relied upon.
func FuzzIndex(f *testing.F) {
	dir := f.TempDir()
	write(f, dir, "")
	text, err := os.ReadFile(filepath.Join(dir, "things", indexName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"scheme":1,"height":1,"width":1,"tree":{"nodes":[{"name":"a"}],"leaves":[0]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		x, err := parse(text)
		if err != nil {
			return
		}
		if x.image() <= 0 || x.Tree.Leaves() != len(x.Classes) {
			t.Fatalf("%d bytes an image, %d classes", x.image(), len(x.Classes))
		}
		for _, s := range []Split{x.Train, x.Test} {
			x.Tree.Leaf(0)
			s.Counts(len(x.Classes))
		}
	})
}

// Images per second and core, read by index in no order, of the size that CIFAR's have.
func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	x := index()
	x.Height, x.Width = 32, 32
	w, err := Create(dir, x)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Abort()
	const n = 10_000
	pixels := make([]uint8, 32*32*3)
	for range n {
		if err := w.Add(false, 0, pixels); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := w.Finish("", ""); err != nil {
		b.Fatal(err)
	}
	images, err := Read("things")(dir)
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		if err := images.Train.Read(i*7919%n, pixels); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
