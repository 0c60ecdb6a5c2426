package dataset

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The tests share one copy of each data set.
var (
	glyphs      = sync.OnceValue(func() *Dataset { return mustOpen(10_000, 5_000) })
	glyphsSmall = sync.OnceValue(func() *Dataset { return mustOpen(1_000, 500) })
)

func source(train, test int) *Source {
	return &Source{Name: "glyphs", From: "drawn", Digest: "sha256:", Tree: GlyphTree, Read: Glyphs(train, test)}
}

func mustOpen(train, test int) *Dataset {
	d, err := source(train, test).open("")
	if err != nil {
		panic(err)
	}
	return d
}

func digest(t *testing.T, d *Dataset) string {
	t.Helper()
	digest, err := d.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// TestOpenChecksTheDigest: a source whose images are not those it promises is not opened.
func TestOpenChecksTheDigest(t *testing.T) {
	s := source(200, 100)
	if _, err := s.Open(""); !errors.Is(err, ErrDigest) || !strings.Contains(err.Error(), "glyphs") {
		t.Errorf("a digest that is wrong: %v", err)
	}
	s.Digest = digest(t, mustOpen(200, 100))
	if _, err := s.Open(""); err != nil {
		t.Errorf("a digest that is right: %v", err)
	}
	disk := errors.New("the disk is gone")
	s.Read = func(string) (Images, error) { return Images{}, disk }
	if _, err := s.Open(""); !errors.Is(err, disk) {
		t.Errorf("images that cannot be read: %v", err)
	}
}

func TestDigestSeesEveryPart(t *testing.T) {
	d := glyphsSmall()
	seen := map[string]string{digest(t, d): "nothing"}
	for part, change := range map[string]func(*Dataset){
		"shape": func(d *Dataset) { d.Height, d.Width = d.Height/2, d.Width*2 },
		"image": func(d *Dataset) {
			images := slices.Clone(d.Test.Reader.(Memory))
			images[7] ^= 1
			d.Test.Reader = images
		},
		"label":   func(d *Dataset) { d.Train.Labels = slices.Clone(d.Train.Labels); d.Train.Labels[7]++ },
		"splits":  func(d *Dataset) { d.Train, d.Test = d.Test, d.Train },
		"classes": func(d *Dataset) { d.Classes = d.Classes[:99] },
	} {
		changed := *d
		change(&changed)
		got := digest(t, &changed)
		if other, ok := seen[got]; ok {
			t.Errorf("changing %s gives the same digest as changing %s", part, other)
		}
		seen[got] = part
	}
}

func TestSplits(t *testing.T) {
	large, small := glyphs(), glyphsSmall()
	seen := map[[sha256.Size]byte]bool{}
	for name, s := range map[string]Split{"train": large.Train, "test": large.Test} {
		count := make([]int, len(large.Classes))
		for i, label := range s.Labels {
			count[label]++
			image := s.Buffer()
			if err := s.Read(i, image); err != nil {
				t.Fatal(err)
			}
			digest := sha256.Sum256(image)
			if seen[digest] {
				t.Errorf("%s image %d occurs twice", name, i)
			}
			seen[digest] = true
		}
		if want := s.Len() / len(large.Classes); slices.Min(count) != want || slices.Max(count) != want {
			t.Errorf("%s: between %d and %d images of a class, want %d", name, slices.Min(count), slices.Max(count), want)
		}
	}
	for name, s := range map[string][2]Split{"train": {small.Train, large.Train}, "test": {small.Test, large.Test}} {
		if !bytes.HasPrefix(s[1].Reader.(Memory), s[0].Reader.(Memory)) || !slices.Equal(s[0].Labels, s[1].Labels[:s[0].Len()]) {
			t.Errorf("%s of %s is no prefix of %s", name, small.Name, large.Name)
		}
	}
}

func TestAnyNumberOfWorkers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	want := glyphsSmall().Test
	for _, workers := range []int{1, 3} {
		runtime.GOMAXPROCS(workers)
		got := mustOpen(0, want.Len()).Test
		if !bytes.Equal(got.Reader.(Memory), want.Reader.(Memory)) || !slices.Equal(got.Labels, want.Labels) {
			t.Errorf("%d workers draw other images", workers)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		mustOpen(10_000, 5_000)
	}
}
