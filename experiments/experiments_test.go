package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/study"
)

func TestCatalogueIsValid(t *testing.T) {
	if err := All.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(All.Claims) == 0 || len(All.Arms) == 0 || len(All.Tiers) == 0 || len(All.Datasets) == 0 {
		t.Fatalf("%d claims, %d arms, %d tiers, %d data sets", len(All.Claims), len(All.Arms), len(All.Tiers), len(All.Datasets))
	}
}

// TestDatasetsAreWhatTheySay opens each that is drawn: the numbers of every published run hang on these bytes. Fused
// multiply-adds, as GOAMD64=v3 has, move no glyph's value over a rounding boundary; this test would show it if
// they did.
func TestDatasetsAreWhatTheySay(t *testing.T) {
	for _, source := range All.Datasets {
		if source.Import != nil {
			continue
		}
		d, err := source.Open("")
		if err != nil {
			t.Error(err)
		} else if d.Extent() != source.Extent {
			t.Errorf("data set %s: its extent is %+v, not %+v", source.Name, d.Extent(), source.Extent)
		}
	}
}

// What identifies an imported set is its archive with what read it, or the images themselves.
func TestPinsOfImportedSets(t *testing.T) {
	for _, source := range All.Datasets {
		switch pin := source.Import; {
		case pin == nil:
		case (pin.URL == "") != (pin.Digest == ""):
			t.Errorf("data set %s: an address and its digest belong together", source.Name)
		case pin.Digest != "" && !strings.HasPrefix(source.Digest, pin.Digest+"/"):
			t.Errorf("data set %s: the digest is not that of its archive", source.Name)
		case pin.Side == 0 && pin.WordNet:
			t.Errorf("data set %s: pictures have no common size", source.Name)
		}
	}
}

// TestFashionMNIST imports what Debian ships, and finds the digest of the catalogue.
func TestFashionMNIST(t *testing.T) {
	const debian = "/usr/share/datasets/fashion-mnist"
	if _, err := os.Stat(debian); err != nil {
		t.Skipf("NOT CHECKED: %v: apt-get install dataset-fashion-mnist", err)
	}
	data := study.Data{Catalogue: &bench.Catalogue{Datasets: All.Datasets}, Dir: t.TempDir()}
	x, err := data.Import(t.Context(), debian, study.ImportOptions{Name: "fashion-mnist"})
	if err != nil {
		t.Fatal(err)
	}
	d, err := All.Dataset("fashion-mnist").Open(data.Dir)
	if err != nil || d.Train.Len() != 60_000 || d.Test.Len() != 10_000 || d.Classes[9] != "ankle boot" || x.Content != d.Stated {
		t.Errorf("%d and %d images, %v", len(x.Train.Labels), len(x.Test.Labels), err)
	}
}

// TestImageNet100: what is imported under that name has the classes of the field's list and no others, whatever there is.
func TestImageNet100(t *testing.T) {
	source := All.Dataset("imagenet100")
	classes := source.Import.Classes
	sum := sha256.Sum256([]byte(strings.Join(classes, "\n") + "\n"))
	if got := hex.EncodeToString(sum[:]); len(classes) != source.Extent.Classes || got != "5ee5db69d488bb799a286d8e181801c3d02798776c1ce9203e5450f64e086e07" {
		t.Fatalf("%d classes, of digest %s: not those of the list", len(classes), got)
	}
	at, drawn := t.TempDir(), 0
	draw := func(class string) {
		folder := filepath.Join(at, class)
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			drawn++
			m := image.NewNRGBA(image.Rect(0, 0, 1, 1))
			m.SetNRGBA(0, 0, color.NRGBA{uint8(drawn), uint8(drawn >> 8), 0, 255})
			file, err := os.Create(filepath.Join(folder, fmt.Sprintf("%d.png", drawn)))
			if err == nil {
				err = errors.Join(png.Encode(file, m), file.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, class := range append([]string{"n01440764", "n02084071"}, classes[1:]...) { // a tench and a dog, which are not on it
		draw(class)
	}
	data := study.Data{Catalogue: &bench.Catalogue{Datasets: All.Datasets}, Dir: t.TempDir()}
	o := study.ImportOptions{Name: source.Name, Side: 4, Tree: "flat"}
	if _, err := data.Import(t.Context(), at, o); !errors.Is(err, dataset.ErrFiles) || !strings.Contains(err.Error(), classes[0]) {
		t.Errorf("a copy without one of the classes: %v", err)
	}
	draw(classes[0])
	x, err := data.Import(t.Context(), at, o)
	if err != nil || !slices.Equal(x.Classes, classes) || len(x.Train.Labels) != 200 || len(x.Test.Labels) != 100 {
		t.Fatalf("%+v, %v", x, err)
	}
	o.Replace, o.Classes = true, filepath.Join(t.TempDir(), "mine")
	if err := os.WriteFile(o.Classes, []byte("n02084071\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := data.Import(t.Context(), at, o); !errors.As(err, new(study.UsageError)) || !strings.Contains(err.Error(), "100 classes of its own") {
		t.Errorf("other classes under that name: %v", err)
	}
	if _, err := os.Stat(filepath.Join(study.WordNet, "data.noun")); err != nil {
		t.Skipf("NOT CHECKED: the classes in WordNet: %v: apt-get install wordnet-base", err)
	}
	x, err = data.Import(t.Context(), at, study.ImportOptions{Name: source.Name, Side: 4, Replace: true, WordNet: study.WordNet})
	if err != nil {
		t.Fatal(err)
	}
	if names := taxonomy.Classes(&x.Tree); names[0] != "robin" && names[0] != "American_robin" || !slices.Contains(names, "tabby") {
		t.Errorf("in WordNet they are %q", names)
	}
}
