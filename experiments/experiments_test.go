package experiments

import "testing"

func TestCatalogueIsValid(t *testing.T) {
	if err := All.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(All.Claims) == 0 || len(All.Arms) == 0 || len(All.Tiers) == 0 || len(All.Datasets) == 0 {
		t.Fatalf("%d claims, %d arms, %d tiers, %d data sets", len(All.Claims), len(All.Arms), len(All.Tiers), len(All.Datasets))
	}
}

// TestDatasetsAreWhatTheySay opens each: the numbers of every published run hang on these bytes. Fused
// multiply-adds, as GOAMD64=v3 has, move no glyph's value over a rounding boundary; this test would show it if
// they did.
func TestDatasetsAreWhatTheySay(t *testing.T) {
	for _, source := range All.Datasets {
		if _, err := source.Open(""); err != nil {
			t.Error(err)
		}
	}
}
