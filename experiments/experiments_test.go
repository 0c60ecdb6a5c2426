package experiments

import "testing"

func TestCatalogueIsValid(t *testing.T) {
	if err := All.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(All.Claims) == 0 || len(All.Arms) == 0 || len(All.Tiers) == 0 {
		t.Fatalf("%d claims, %d arms, %d tiers", len(All.Claims), len(All.Arms), len(All.Tiers))
	}
	used := map[string]bool{}
	for _, id := range All.Floors {
		used[id] = true
	}
	for _, c := range All.Claims {
		for _, id := range c.Arms() {
			used[id] = true
		}
	}
	for _, a := range All.Arms {
		if !used[a.ID] {
			t.Errorf("arm %q serves no claim", a.ID)
		}
	}
}
