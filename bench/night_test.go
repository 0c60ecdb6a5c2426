package bench

import (
	"slices"
	"testing"
)

func TestParseNight(t *testing.T) {
	for name, ok := range map[string]bool{
		"2026-11-30": true, "2026-11-30.2": true, "2026-11-30T03": true, "2026-11-30-retry": true,
		"": false, "2026-11-31": false, "30.11.2026": false, "on-2026-11-30": false, "2026-11-30.": false, "2026-11-30/2": false, "today": false,
	} {
		if night, err := ParseNight(name); (err == nil) != ok || ok && night.Name != name {
			t.Errorf("%q: %v, %v", name, night, err)
		}
	}
}

// The seeds of nights are fixed by their names, apart from each other's and from those that are explored or planned, and
// small enough for any reader of JSON.
func TestNightSeeds(t *testing.T) {
	one, control := Night{Name: "2026-11-30"}, Night{Name: "2026-11-30", Control: true}
	if got := one.Seeds(3); got != (Seeds{2508454718325760, 3}) {
		t.Errorf("the seeds of %s are %v: runs that were made of it are not found any more", one, got)
	}
	if got := (Night{}).Seeds(3); got != Explored(3) {
		t.Errorf("without a night: %v", got)
	}
	firsts := []uint64{}
	for _, n := range []Night{one, control, {Name: "2026-12-01"}, {Name: "2026-11-30.2"}} {
		first := n.Seeds(1000).First
		if first < FirstNightSeed || first+1024 > 1<<53 || first%1024 != 0 || slices.Contains(firsts, first) {
			t.Errorf("%s begins at %d", n, first)
		}
		firsts = append(firsts, first)
	}
}

// A night's record names its runs, so that none of them is forgotten from under it.
func TestNightSpec(t *testing.T) {
	tier := &Tier{ID: "tier"}
	spec := tier.NightSpec(Night{Name: "2026-11-30"}, []string{"a", "b"})
	s, err := ReadKey(spec.Key())
	if err != nil || !s.IsNight() || s.IsRun() || s.IsPlan() || s.IsAnalysis() || s.Tier != "tier" || s.Night != "2026-11-30" || !slices.Equal(s.Cites(), []string{"a", "b"}) {
		t.Errorf("%+v, %v", s, err)
	}
	if other := tier.NightSpec(Night{"2026-11-30", true}, spec.Runs); other.ID() == spec.ID() {
		t.Error("a control has the id of its night")
	}
}
