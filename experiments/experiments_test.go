package experiments

import (
	"os"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
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
