package study

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/moco"
)

// TestTiersAreChosenForData: by GPU, and by the number of images; recipes of other sets never are.
func TestTiersAreChosenForData(t *testing.T) {
	catalogue := &bench.Catalogue{Tiers: []*bench.Tier{
		{ID: "smoke", Machinery: true, Train: moco.Config{Batch: 8}},
		{ID: "recipe", GPU: true, Recipe: true, Train: moco.Config{Batch: 8}},
		{ID: "usual", Train: moco.Config{Batch: 64}},
		{ID: "large", GPU: true, Train: moco.Config{Batch: 256}},
	}}
	for _, tc := range []struct {
		gpu    bool
		images int
		want   string
		said   string
	}{
		{false, 128, "usual", "chosen: tier usual, since no GPU is used; --tier"},
		{true, 512, "large", "chosen: tier large, since a GPU is used; --tier"},
		{true, 511, "usual", "chosen: tier usual, since 511 training images are too few for tier large; --tier"},
		{false, 127, "smoke", "chosen: tier smoke, since 127 training images are too few for tier usual; its verdicts mean nothing"},
		{true, 3, "smoke", "3 training images are too few for tier large"},
	} {
		said := ""
		o := ImportOptions{Say: func(s string) { said += s }}
		if got := (Data{Catalogue: catalogue}).choose(tc.gpu, tc.images, o); got.ID != tc.want || !strings.Contains(said, tc.said) {
			t.Errorf("%+v: %s, said %q", tc, got.ID, said)
		}
	}
	catalogue.Tiers = catalogue.Tiers[:1]
	if got := (Data{Catalogue: catalogue}).suited(true); len(got) != 1 {
		t.Errorf("a catalogue of one tier: %v", got)
	}
}

// TestShortSides: the median of the pictures' shorter sides; what is no picture says nothing.
func TestShortSides(t *testing.T) {
	dir := t.TempDir()
	for name, sides := range map[string][2]int{"a/1.png": {40, 90}, "a/2.png": {70, 64}, "b/1.png": {300, 200}} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(file, image.NewGray(image.Rect(0, 0, sides[0], sides[1]))); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := shortSide(dir); got != 64 {
		t.Errorf("%d pixels, want 64", got)
	}
	if got := shortSide(filepath.Join(dir, "nosuch")); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
}
