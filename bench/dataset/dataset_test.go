package dataset

import (
	"crypto/sha256"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cidbench/cidbench/bench/taxonomy"
)

// The tests share one copy of each data set.
var (
	glyphs      = sync.OnceValue(func() *Dataset { return mustOpen("glyphs") })
	glyphsSmall = sync.OnceValue(func() *Dataset { return mustOpen("glyphs-small") })
)

func mustOpen(name string) *Dataset {
	d, err := Open(name)
	if err != nil {
		panic(err)
	}
	return d
}

func TestOpenUnknown(t *testing.T) {
	_, err := Open("imagenet")
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range Names() {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("error %q does not name %s", err, name)
		}
	}
}

// The numbers of every published run hang on these bytes: a change here calls for a new glyphVersion. Fused
// multiply-adds, as GOAMD64=v3 has, move no value over a rounding boundary; this test would show it if they did.
func TestGoldenFingerprint(t *testing.T) {
	for d, want := range map[*Dataset]string{
		glyphs():      "sha256:6426fe93499bec72482aa3cfb21e6d68e2efcbfff490472b7295219c53b6076d",
		glyphsSmall(): "sha256:eb2b9c87bf854b35888d4e72d8ea15f6a43ebf347dd6651294d6c366aa2e4e20",
	} {
		if got := d.Fingerprint(); got != want {
			t.Errorf("%s: fingerprint %s, want %s", d.Name, got, want)
		}
	}
}

func TestFingerprintSeesEveryPart(t *testing.T) {
	d := glyphsSmall()
	seen := map[string]string{d.Fingerprint(): "nothing"}
	for part, change := range map[string]func(*Dataset){
		"name":   func(d *Dataset) { d.Name += "x" },
		"shape":  func(d *Dataset) { d.Height, d.Width = d.Height/2, d.Width*2 },
		"image":  func(d *Dataset) { d.Test.Images = slices.Clone(d.Test.Images); d.Test.Images[7] ^= 1 },
		"label":  func(d *Dataset) { d.Train.Labels = slices.Clone(d.Train.Labels); d.Train.Labels[7]++ },
		"splits": func(d *Dataset) { d.Train, d.Test = d.Test, d.Train },
		"class":  func(d *Dataset) { d.Classes = slices.Clone(d.Classes); d.Classes[7].Name += "x" },
		"tree":   func(d *Dataset) { d.Tree = flatTree{d.Tree} },
		"join":   func(d *Dataset) { d.Tree = joinedTree{d.Tree} },
	} {
		changed := *d
		change(&changed)
		got := changed.Fingerprint()
		if other, ok := seen[got]; ok {
			t.Errorf("changing %s gives the same fingerprint as changing %s", part, other)
		}
		seen[got] = part
	}
}

// flatTree hangs every node below the root.
type flatTree struct{ taxonomy.Tree }

func (t flatTree) Parents(node int) []int { return make([]int, min(node, 1)) }

// joinedTree hangs the last node below the root as well.
type joinedTree struct{ taxonomy.Tree }

func (t joinedTree) Parents(node int) []int {
	parents := t.Tree.Parents(node)
	if node == t.Len()-1 {
		parents = append(slices.Clone(parents), 0)
	}
	return parents
}

func TestSplits(t *testing.T) {
	large, small := glyphs(), glyphsSmall()
	seen := map[[sha256.Size]byte]bool{}
	for name, s := range map[string]Split{"train": large.Train, "test": large.Test} {
		count := make([]int, len(large.Classes))
		for i, label := range s.Labels {
			count[label]++
			digest := sha256.Sum256(s.Image(i))
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
		if !slices.Equal(s[0].Images, s[1].Images[:len(s[0].Images)]) || !slices.Equal(s[0].Labels, s[1].Labels[:s[0].Len()]) {
			t.Errorf("%s of %s is no prefix of %s", name, small.Name, large.Name)
		}
	}
}

func TestAnyNumberOfWorkers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	want := glyphsSmall().Test
	for _, workers := range []int{1, 3} {
		runtime.GOMAXPROCS(workers)
		got := newGlyphs("glyphs", 0, want.Len()).Test
		if !slices.Equal(got.Images, want.Images) || !slices.Equal(got.Labels, want.Labels) {
			t.Errorf("%d workers draw other images", workers)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		mustOpen("glyphs")
	}
}
